//! What may be there after an operation was cut off or has failed.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use anyhow::{Result, bail, ensure};
use transom_crash::disk::Tree;
use transom_crash::root::{Contents, rebuilt, recovered};

use crate::scenario::{Home, program};

/// What was there before an operation, and what is there afterwards.
pub(crate) struct Outcome<'a> {
    home: &'a Home,
    words: &'a [&'a str],
    before: Contents,
    after: Contents,
    /// What was there in between, each once.
    seen: Mutex<BTreeSet<Contents>>,
}

/// What the store at `root` holds once it was put right as it is after `words`.
fn contents_of(words: &[&str], root: &Path) -> Result<Contents> {
    match words.contains(&"rebuild") {
        true => rebuilt(root),
        false => recovered(root),
    }
}

impl<'a> Outcome<'a> {
    pub(crate) fn new(home: &'a Home, words: &'a [&'a str], before: &Tree, after: &Tree) -> Self {
        let recovered_of = |tree: &Tree| {
            let root = home.path("before-or-after");
            tree.write(&root).unwrap();
            let contents = contents_of(words, &root).unwrap();
            std::fs::remove_dir_all(root).unwrap();
            contents
        };
        Self {
            home,
            words,
            before: recovered_of(before),
            after: recovered_of(after),
            seen: Mutex::default(),
        }
    }

    /// How many different ones there were.
    pub(crate) fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// Recovers the store at `root`. It must hold what it held before, unless the program has said that it was done, or
    /// what it is to hold afterwards; and the same words, said again, must lead to the latter.
    pub(crate) fn check(&self, root: &Path, is_done: bool) -> Result<()> {
        let (before, after) = (&self.before, &self.after);
        let contents = contents_of(self.words, root)?;
        // Changes of a writable layer may be there in part until the program says that it is done.
        let is_edit = self.words.iter().any(|word| word.starts_with("layer:"));
        let is_between = is_edit && contents.without_changes() == before.without_changes();
        if contents != *after && (is_done || contents != *before && !is_between) {
            let allowed = match is_done {
                true => "not what it is to be, although it was said to be done",
                false => "neither before nor after",
            };
            bail!(
                "{allowed}.\nmissing of before: {:#?}\nmissing of after: {:#?}\nmore than after: {:#?}",
                before.without(&contents),
                after.without(&contents),
                contents.without(after),
            );
        }
        let is_new = self.seen.lock().unwrap().insert(contents.clone());
        // No mount outlives a crash, and there is nothing to be repeated on what is not mounted.
        let is_mount = self.words[0].ends_with("mount");
        if is_new && contents != *after && !is_mount {
            self.can_be_repeated(root)?;
        }
        Ok(())
    }

    fn can_be_repeated(&self, root: &Path) -> Result<()> {
        let words = self.home.arguments_for(root, self.words);
        let output = Command::new(program()).args(words).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "repeated: {said}");
        ensure!(
            recovered(root)? == self.after,
            "repeated, it does not end as it should"
        );
        Ok(())
    }
}
