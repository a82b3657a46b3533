//! Operations that no command of the program has, or that end otherwise there.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};
use transom_layer::Names;
use transom_sealed::{Commit, LayerRequest, NewSnapshot, Store};

pub(crate) fn run(root: &Path, words: &[&str]) -> ExitCode {
    match operation(root, words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "as the program does")]
            {
                eprintln!("error: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}

fn operation(root: &Path, words: &[&str]) -> Result<()> {
    if words == ["rebuild"] {
        if Store::rebuild(root, &|_| {})?.is_none() {
            bail!("the catalog is whole");
        }
        Store::open(root)?;
        return Ok(());
    }
    let store = Store::open(root)?;
    match words {
        ["prepare", key, parent @ ..] => {
            store.prepare_snapshot(&NewSnapshot {
                key,
                parent: parent.first().copied(),
                view: false,
                labels: BTreeMap::from([("made".to_owned(), (*key).to_owned())]),
            })?;
        }
        ["apply", key, tar] => {
            let session = store.session()?;
            let request = LayerRequest::new(tar, Names::Windows);
            let layer = session.import_layer(File::open(tar)?, &request, &|_| {})?;
            store.apply_to_snapshot(&session, key, layer.diff_id)?;
        }
        ["commit", key, name] => {
            let commit = Commit {
                name,
                parent: None,
                labels: &BTreeMap::new(),
            };
            store.commit_snapshot(key, &commit)?;
        }
        ["label", key, value] => {
            store.label_snapshot(key, |labels| {
                labels.insert("label".to_owned(), (*value).to_owned());
            })?;
        }
        ["remove", key] => store.remove_snapshot(key)?,
        _ => bail!("there is no operation {words:?}"),
    }
    Ok(())
}
