//! Changing a writable layer without a mount: `mkdir`, `mv`, `attrib`, `acl`, and the parts of `cp` and `rm`
//! that concern one.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context, Result, bail, ensure};
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use rustix::fs::{Mode, OFlags};
use serde_json::json;
use transom_layer::{Names, TreePath, View};
use transom_ntmeta::attributes::FileAttributes;
use transom_ntmeta::filetime::UnixTime;
use transom_ntmeta::sddl;
use transom_sealed::{Editor, Store};

use crate::args::{Acl, Attrib, Cp, Global, Mkdir, Mv};
use crate::{output, progress, show};

/// Splits `NAME:PATH` where NAME is a writable layer; `None` if it is not of that form.
pub(super) fn split_named(store: &Store, text: &str) -> Result<Option<(String, String)>> {
    if !text.contains(':') {
        return Ok(None);
    }
    let layers = store.named_layers()?;
    let mut found = layers.iter().filter_map(|layer| {
        let path = text.strip_prefix(&layer.id)?.strip_prefix(':')?;
        Some((layer.id.clone(), path.to_owned()))
    });
    Ok(found.next())
}

/// Splits `NAME:PATH`.
fn named_path(store: &Store, text: &str) -> Result<(String, String)> {
    split_named(store, text)?.with_context(|| {
        format!("{text:?} is no NAME:PATH of a writable layer; `list` shows which there are")
    })
}

/// Reads a path in a writable layer as a person writes it.
fn parse(store: &Store, name: &str, path: &str, raw: bool) -> Result<TreePath> {
    let names = store.named_layer(name)?.names;
    let view = match raw {
        true => View::Raw,
        false => View::Volume,
    };
    Ok(TreePath::parse(path, names, view)?)
}

pub(super) fn mkdir(store: &Store, args: &Mkdir) -> Result<()> {
    for path in &args.paths {
        let (name, path) = named_path(store, path)?;
        let path = parse(store, &name, &path, false)?;
        let editor = store.edit_writable(&name)?;
        match args.parents {
            true => make_parents(&editor, &path)?,
            false => editor.create_folder(&path)?,
        }
        editor.finish()?;
    }
    Ok(())
}

fn make_parents(editor: &Editor, path: &TreePath) -> Result<()> {
    for depth in 1..=path.components().len() {
        let above = path.prefix(depth);
        if !editor.is_folder(&above)? {
            editor.create_folder(&above)?;
        }
    }
    Ok(())
}

pub(super) fn mv(store: &Store, args: &Mv) -> Result<()> {
    let (name, from) = named_path(store, &args.source)?;
    let to = match split_named(store, &args.dest)? {
        Some((other, path)) if other == name => path,
        Some((other, _)) => bail!("{other} is another layer than {name}"),
        None => args.dest.clone(),
    };
    let from = parse(store, &name, &from, false)?;
    let mut to = parse(store, &name, &to, false)?;
    let editor = store.edit_writable(&name)?;
    if editor.is_folder(&to)? && !to.is_same(&from, store.named_layer(&name)?.names) {
        to = to.join(&editor.name_of(&from)?);
    }
    editor.rename(&from, &to)?;
    Ok(editor.finish()?)
}

pub(super) fn remove(store: &Store, name: &str, path: &str, recursive: bool) -> Result<()> {
    let path = parse(store, name, path, false)?;
    let editor = store.edit_writable(name)?;
    editor.remove(&path, recursive)?;
    Ok(editor.finish()?)
}

pub(super) fn attrib(store: &Store, args: &Attrib) -> Result<()> {
    let is_change = |word: &&String| word.len() == 2 && word.starts_with(['+', '-']);
    let (changes, paths): (Vec<&String>, Vec<&String>) = args.words.iter().partition(is_change);
    ensure!(!changes.is_empty(), "nothing to change: give +r, -h, …");
    ensure!(!paths.is_empty(), "no NAME:PATH to change");
    let (mut set, mut clear) = (FileAttributes::empty(), FileAttributes::empty());
    for change in changes {
        let bit = match &change[1..] {
            "r" | "R" => FileAttributes::READONLY,
            "a" | "A" => FileAttributes::ARCHIVE,
            "s" | "S" => FileAttributes::SYSTEM,
            "h" | "H" => FileAttributes::HIDDEN,
            "i" | "I" => FileAttributes::NOT_CONTENT_INDEXED,
            "o" | "O" => FileAttributes::OFFLINE,
            other => bail!("there is no attribute {other:?}; there are r, a, s, h, i and o"),
        };
        match change.starts_with('+') {
            true => set |= bit,
            false => clear |= bit,
        }
    }
    for path in paths {
        let (name, path) = named_path(store, path)?;
        let path = parse(store, &name, &path, false)?;
        let editor = store.edit_writable(&name)?;
        editor.set_attributes(&path, set, clear)?;
        editor.finish()?;
    }
    Ok(())
}

pub(super) fn acl(store: &Store, args: &Acl) -> Result<()> {
    let (name, path) = named_path(store, &args.path)?;
    let security = sddl::from_sddl(&args.sddl).context("cannot read the SDDL")?;
    let path = parse(store, &name, &path, false)?;
    let editor = store.edit_writable(&name)?;
    editor.set_security(&path, &security)?;
    Ok(editor.finish()?)
}

/// `cp SOURCE NAME:PATH`
pub(super) fn copy_in(
    store: &Store,
    global: &Global,
    args: &Cp,
    name: &str,
    path: &str,
) -> Result<()> {
    ensure!(
        !args.metadata,
        "--metadata is for copies out of an image: attrib and acl set it in a writable layer"
    );
    let mut dest = parse(store, name, path, args.view.raw)?;
    let editor = store.edit_writable(name)?;
    let mut copy = CopyIn {
        editor,
        with_mode: store.named_layer(name)?.names == Names::Posix,
        files: 0,
        folders: 0,
        links: 0,
        bytes: 0,
        left: 0,
    };
    if args.source == "-" {
        copy.data(&mut io::stdin().lock(), "stdin", &dest, None)?;
    } else {
        let source = Path::new(&args.source);
        let (folder, name) = split_source(source)?;
        if copy.editor.is_folder(&dest)? {
            let last = source
                .file_name()
                .with_context(|| format!("{} has no name", source.display()))?;
            dest = dest.join(last.as_bytes());
        }
        copy.tree_of(folder, name, source, dest)?;
    }
    copy.editor.finish()?;
    if copy.left > 0 {
        let what = format!("{} devices, pipes and sockets were not copied", copy.left);
        progress::note(global.quiet, &what);
    }
    if global.json {
        return output::json(&json!({
            "files": copy.files, "folders": copy.folders, "links": copy.links, "bytes": copy.bytes,
        }));
    }
    output::line(&format!(
        "copied {}, {}, {}, {}",
        show::count(copy.files, "file"),
        show::count(copy.folders, "folder"),
        show::count(copy.links, "link"),
        show::size(copy.bytes)
    ))
}

struct CopyIn {
    editor: Editor,
    /// Permission bits are kept, too.
    with_mode: bool,
    files: u64,
    folders: u64,
    links: u64,
    bytes: u64,
    left: u64,
}

/// What is left to copy: an entry of an open folder, how messages show it, and where it goes.
type Left = (Rc<Dir>, OsString, PathBuf, TreePath);

impl CopyIn {
    /// Copies an entry with all that is below it.
    fn tree_of(&mut self, folder: Dir, name: OsString, shown: &Path, dest: TreePath) -> Result<()> {
        let mut left = vec![(Rc::new(folder), name, shown.to_owned(), dest)];
        while let Some(next) = left.pop() {
            let context = format!("cannot copy {}", next.2.display());
            self.entry(next, &mut left).context(context)?;
        }
        Ok(())
    }

    /// Copies a file, a link, or a folder without what is in it.
    ///
    /// Others may write to the source meanwhile, a container for one: nothing is opened through a link.
    fn entry(&mut self, (folder, name, shown, dest): Left, left: &mut Vec<Left>) -> Result<()> {
        let kind = folder.symlink_metadata(&name)?.file_type();
        if kind.is_dir() {
            let opened = open(&folder, &name, OFlags::DIRECTORY)?;
            let metadata = opened.metadata()?;
            let opened = Rc::new(Dir::from_std_file(opened));
            if !self.editor.is_folder(&dest)? {
                self.editor.create_folder(&dest)?;
                self.set_mode(&dest, &metadata)?;
            }
            self.folders += 1;
            let mut names = Vec::new();
            for entry in opened.entries()? {
                names.push(entry?.file_name());
            }
            names.sort();
            for name in names.into_iter().rev() {
                let (shown, dest) = (shown.join(&name), dest.join(name.as_bytes()));
                left.push((Rc::clone(&opened), name, shown, dest));
            }
        } else if kind.is_symlink() {
            let target = folder.read_link_contents(&name)?;
            self.editor
                .create_link(&dest, target.as_os_str().as_bytes())?;
            self.links += 1;
        } else if kind.is_file() {
            // A pipe that has come in its place would keep this waiting.
            let mut file = open(&folder, &name, OFlags::NONBLOCK)?;
            let metadata = file.metadata()?;
            ensure!(metadata.is_file(), "it is no file any more");
            let modified = UnixTime {
                seconds: metadata.mtime(),
                nanos: u32::try_from(metadata.mtime_nsec()).unwrap_or(0),
            };
            let shown = shown.display().to_string();
            self.data(&mut file, &shown, &dest, Some(modified))?;
            self.set_mode(&dest, &metadata)?;
        } else {
            self.left += 1;
        }
        Ok(())
    }

    fn set_mode(&self, dest: &TreePath, metadata: &fs::Metadata) -> Result<()> {
        if self.with_mode {
            let bits = u16::try_from(metadata.mode() & 0o7777).unwrap_or_default();
            self.editor.set_permissions(dest, bits)?;
        }
        Ok(())
    }

    fn data(
        &mut self,
        source: &mut dyn Read,
        name: &str,
        dest: &TreePath,
        modified: Option<UnixTime>,
    ) -> Result<()> {
        let mut counted = Counted {
            source,
            name,
            bytes: 0,
        };
        self.editor.write(dest, &mut counted, modified)?;
        self.files += 1;
        self.bytes += counted.bytes;
        Ok(())
    }
}

/// Opens the folder that a source is in; returns the source's name there, too. Links in what a person wrote are
/// followed, but not one at its end.
fn split_source(source: &Path) -> Result<(Dir, OsString)> {
    let (parent, name) = match (source.parent(), source.file_name()) {
        (Some(parent), Some(name)) if !parent.as_os_str().is_empty() => (parent, name),
        (_, Some(name)) => (Path::new("."), name),
        // `.`, `..` and the root.
        (_, None) => (source, OsStr::new(".")),
    };
    let folder = Dir::open_ambient_dir(parent, ambient_authority())
        .with_context(|| format!("cannot read {}", source.display()))?;
    Ok((folder, name.to_owned()))
}

/// Opens an entry of a folder for reading; a link is an error.
fn open(folder: &Dir, name: &OsStr, flags: OFlags) -> io::Result<File> {
    let flags = flags | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(folder, name, flags, Mode::empty())?.into())
}

/// Counts what it reads, and says of what it was if that fails.
struct Counted<'a> {
    source: &'a mut dyn Read,
    name: &'a str,
    bytes: u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer).map_err(|error| {
            io::Error::new(error.kind(), format!("cannot read {}: {error}", self.name))
        })?;
        self.bytes += count as u64;
        Ok(count)
    }
}
