//! Random trees, random edits through a mount, and what became of them: the image that a layer was sealed
//! into has to show exactly what the mount has shown, three layers deep.
//!
//! The mount is the oracle: its overlay is the kernel's, which knows nothing of tars. `TRANSOM_CASES` sets the
//! number of cases, `TRANSOM_SEED` the first seed; a failure names its seed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{XattrFlags, lgetxattr, llistxattr, setxattr};
use transom_layertar::windows::Shape;
use transom_ntmeta::sddl;

use crate::random::{Random, for_each_seed};
use crate::support::{Layer, with_attributes};
use crate::writable::{Bench, id};

const CASES: u64 = 48;
const DEPTH: usize = 3;
const EDITS: usize = 14;

#[test]
fn an_image_shows_what_the_mount_of_its_layer_has_shown() {
    let Some(bench) = Bench::new() else { return };
    for_each_seed(CASES, |seed| case(&bench, seed));
}

fn case(bench: &Bench, seed: u64) {
    let mut random = Random::new(seed);
    let mut parent = format!("base-{seed}");
    bench.base(&parent, None, &random_tree(&mut random));
    let mut made = vec![parent.clone()];
    for depth in 0..DEPTH {
        let top = format!("top-{seed}-{depth}");
        let root = bench.writable(&top, Some(&parent));
        let mut log = Vec::new();
        for _ in 0..EDITS {
            log.extend(edit(&root, &log, &mut random));
        }
        let shown = look_at(&root);
        let tar = bench.diff(&top);
        assert_eq!(bench.diff(&top), tar, "the same changes are told alike");
        let sealed = format!("sealed-{seed}-{depth}");
        bench.base(&sealed, Some(&parent), &tar);
        let size = bench.driver.diff_size(&id(&top)).unwrap();
        assert_eq!(bench.driver.diff_size(&id(&sealed)).unwrap(), size);
        let view = bench.driver.get(&id(&sealed)).unwrap();
        compare(&shown, &look_at(&view), &log);
        bench.driver.put(&id(&sealed)).unwrap();
        bench.driver.put(&id(&top)).unwrap();
        bench.driver.remove(&id(&top)).unwrap();
        made.push(sealed.clone());
        parent = sealed;
    }
    for name in made.into_iter().rev() {
        bench.driver.remove(&id(&name)).unwrap();
    }
}

/// What is seen of an entry.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    kind: char,
    data: Vec<u8>,
    modified: (i64, i64),
    /// Paths of all its names.
    names: Vec<PathBuf>,
    attributes: BTreeMap<String, Vec<u8>>,
}

fn look_at(root: &Path) -> BTreeMap<PathBuf, Seen> {
    let mut seen = BTreeMap::new();
    let mut inodes: BTreeMap<u64, Vec<PathBuf>> = BTreeMap::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder)).unwrap() {
            let path = folder.join(entry.unwrap().file_name());
            let full = root.join(&path);
            let metadata = fs::symlink_metadata(&full).unwrap();
            let (kind, data) = if metadata.is_dir() {
                folders.push(path.clone());
                ('d', Vec::new())
            } else if metadata.is_symlink() {
                // A link that was moved leads to the same place by another number of steps up.
                let target = fs::read_link(&full).unwrap();
                let target = target.to_str().unwrap().replace("../", "");
                ('l', target.into_bytes())
            } else {
                inodes.entry(metadata.ino()).or_default().push(path.clone());
                ('f', fs::read(&full).unwrap())
            };
            let is_stream = path.to_str().unwrap().contains(':');
            let entry = Seen {
                kind,
                data,
                // A stream has the times of its file, whatever was done to it.
                modified: match is_stream {
                    true => (0, 0),
                    false => (metadata.mtime(), metadata.mtime_nsec() / 100),
                },
                names: Vec::new(),
                attributes: match is_stream {
                    true => BTreeMap::new(),
                    false => attributes(&full),
                },
            };
            seen.insert(path, entry);
        }
    }
    for names in inodes.values_mut() {
        names.sort();
        for name in names.iter() {
            seen.get_mut(name).unwrap().names.clone_from(names);
        }
    }
    seen
}

fn attributes(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut names = vec![0; 4096];
    let length = llistxattr(path, &mut names[..]).unwrap();
    let names = names[..length].split(|byte| *byte == 0);
    let mut found = BTreeMap::new();
    for name in names.filter(|name| !name.is_empty()) {
        let text = std::str::from_utf8(name).unwrap();
        let key = text
            .trim_start_matches("trusted.")
            .trim_start_matches("user.");
        if key.starts_with("MSWINDOWS.") || key == "LIBARCHIVE.creationtime" {
            let mut value = vec![0; 65536];
            let length = lgetxattr(path, text, &mut value[..]).unwrap();
            value.truncate(length);
            found.insert(key.to_owned(), value);
        }
    }
    found
}

fn compare(before: &BTreeMap<PathBuf, Seen>, after: &BTreeMap<PathBuf, Seen>, log: &[String]) {
    let names = |tree: &BTreeMap<PathBuf, Seen>| tree.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(before), names(after), "{log:#?}");
    for (path, before) in before {
        let after = &after[path];
        let told = |seen: &Seen| (seen.kind, seen.data.clone(), seen.names.clone());
        assert_eq!(told(before), told(after), "{path:?} {log:#?}");
        assert_eq!(before.modified, after.modified, "{path:?} {log:#?}");
        for (key, value) in &before.attributes {
            let found = after.attributes.get(key);
            if key == "MSWINDOWS.fileattr" {
                // ARCHIVE is set by writing, READONLY by chmod.
                let bits = |value: &[u8]| -> u32 {
                    std::str::from_utf8(value).unwrap().parse::<u32>().unwrap() & !0x21
                };
                let found = bits(found.expect("attributes are kept"));
                assert_eq!(bits(value), found, "{path:?} {log:#?}");
            } else {
                assert_eq!(Some(value), found, "{path:?} {key} {log:#?}");
            }
        }
        if before.names.is_empty() && path.to_str().unwrap().contains(':') {
            continue;
        }
        if !path.to_str().unwrap().contains(':') {
            for key in ["MSWINDOWS.fileattr", "LIBARCHIVE.creationtime"] {
                assert!(
                    after.attributes.contains_key(key),
                    "{path:?} {key} {log:#?}"
                );
            }
        }
    }
}

/// A base layer with some of everything.
fn random_tree(random: &mut Random) -> Vec<u8> {
    let mut layer = Layer::new().dir("Files");
    let mut folders = vec!["Files".to_owned()];
    let mut files = Vec::new();
    for (number, name) in NAMES.iter().enumerate().take(5 + random.below(16)) {
        let folder = folders[random.below(folders.len())].clone();
        let path = format!("{folder}/{name}");
        let mut metadata = with_attributes(if random.one_in(4) { 0x22 } else { 0x20 });
        if random.one_in(2) {
            let text = SECURITY[random.below(SECURITY.len())];
            metadata.security = Some(sddl::from_sddl(text).unwrap());
        }
        if random.one_in(4) {
            metadata.eas = vec![(b"$LXMOD".to_vec(), vec![1, 2, 3, number as u8])];
        }
        match random.below(8) {
            0 | 1 => {
                metadata.attributes = Some(0x10);
                layer = layer.entry(&path, &Shape::Directory, &metadata, b"");
                folders.push(path);
            }
            2 if !files.is_empty() => {
                let target: &String = &files[random.below(files.len())];
                layer = layer.link(&path, target);
            }
            3 => {
                metadata.attributes = Some(0x420);
                let target = b"..\\somewhere";
                layer = layer.entry(&path, &Shape::Symlink { target }, &metadata, b"");
            }
            4 => {
                metadata.attributes = Some(0x410);
                let target = br"C:\Windows";
                layer = layer.entry(&path, &Shape::Junction { target }, &metadata, b"");
            }
            kind => {
                let data = random.data();
                let shape = Shape::File {
                    size: data.len() as u64,
                };
                layer = layer.entry(&path, &shape, &metadata, &data);
                if kind == 5 {
                    layer = layer.stream(&format!("{path}:one"), b"stream one");
                    layer = layer.stream(&format!("{path}:two"), &random.data());
                }
                files.push(path);
            }
        }
    }
    layer.dir("Hives").bytes()
}

const NAMES: [&str; 21] = [
    "a", "b.txt", "C D", "e", "f.dll", "G", "h", "i", "j", "k", "L", "m", "n", "o", "p", "q", "r",
    "s", "t", "u", "\u{fc}",
];
const SECURITY: [&str; 3] = [
    "O:BAG:SYD:(A;OICI;FA;;;BA)(A;OICIIO;GA;;;CO)",
    "O:SYG:SYD:PAI(A;;FA;;;SY)",
    "O:BAG:BAD:(A;OICI;0x1200a9;;;BU)S:(AU;SAFA;FA;;;WD)",
];

/// Makes one random change; returns what was done.
fn edit(root: &Path, log: &[String], random: &mut Random) -> Option<String> {
    let tree = all(root);
    let is_stream = |path: &PathBuf| path.to_str().unwrap().contains(':');
    let pick = |random: &mut Random, kinds: &str| {
        let fitting: Vec<&PathBuf> = tree
            .iter()
            .filter(|(path, kind)| kinds.contains(**kind) && !is_stream(path))
            .map(|(path, _)| path)
            .collect();
        (!fitting.is_empty()).then(|| fitting[random.below(fitting.len())].clone())
    };
    let streams = |path: &Path| -> Vec<PathBuf> {
        let prefix = format!("{}:", path.display());
        let own = tree
            .keys()
            .filter(|other| other.to_str().unwrap().starts_with(&prefix));
        own.cloned().collect()
    };
    let folder = match random.one_in(3) {
        true => PathBuf::new(),
        false => pick(random, "d").unwrap_or_default(),
    };
    let fresh = folder.join(format!("n{}", random.below(1000)));
    let full = root.join(&fresh);
    if tree.contains_key(&fresh) {
        return None;
    }
    let links = |path: &Path| fs::symlink_metadata(root.join(path)).unwrap().nlink();
    Some(match random.below(15) {
        0 | 1 => {
            fs::write(&full, random.data()).unwrap();
            if random.one_in(3) {
                fs::write(root.join(format!("{}:s", fresh.display())), "new stream").unwrap();
            }
            format!("write {fresh:?}")
        }
        2 => {
            fs::create_dir(&full).unwrap();
            format!("mkdir {fresh:?}")
        }
        3 => {
            symlink("x/y", &full).unwrap();
            format!("symlink {fresh:?}")
        }
        4 => {
            let path = pick(random, "f")?;
            fs::write(root.join(&path), random.data()).unwrap();
            format!("overwrite {path:?}")
        }
        5 => {
            let path = pick(random, "f")?;
            let mut file = File::options().append(true).open(root.join(&path)).unwrap();
            file.write_all(b"more").unwrap();
            format!("append {path:?}")
        }
        6 => {
            let path = pick(random, "f")?;
            let file = File::options().write(true).open(root.join(&path)).unwrap();
            file.set_len(random.below(40) as u64).unwrap();
            format!("truncate {path:?}")
        }
        7 => {
            let path = pick(random, "fl")?;
            for stream in streams(&path) {
                fs::remove_file(root.join(stream)).unwrap();
            }
            fs::remove_file(root.join(&path)).unwrap();
            format!("rm {path:?}")
        }
        8 => {
            // A stream that was deleted, whose file was moved, and whose old folder was deleted after that has left
            // no trace: it is taken for one that was left behind, and comes along with its file.
            if log.iter().any(|done| done.starts_with("stream of")) {
                return None;
            }
            let path = pick(random, "d")?;
            fs::remove_dir_all(root.join(&path)).unwrap();
            if random.one_in(2) {
                fs::create_dir(root.join(&path)).unwrap();
                fs::write(root.join(&path).join("again"), "again").unwrap();
            }
            format!("rm -r {path:?}")
        }
        9 | 10 => {
            let path = pick(random, "fdl")?;
            if fresh.starts_with(&path) {
                return None;
            }
            fs::rename(root.join(&path), &full).unwrap();
            for stream in streams(&path) {
                let (_, name) = stream.to_str().unwrap().rsplit_once(':').unwrap();
                let to = root.join(format!("{}:{name}", fresh.display()));
                fs::rename(root.join(&stream), to).unwrap();
            }
            format!("mv {path:?} {fresh:?}")
        }
        11 => {
            let path = pick(random, "f")?;
            fs::hard_link(root.join(&path), &full).unwrap();
            for stream in streams(&path) {
                let (_, name) = stream.to_str().unwrap().rsplit_once(':').unwrap();
                let to = root.join(format!("{}:{name}", fresh.display()));
                fs::hard_link(root.join(&stream), to).unwrap();
            }
            format!("ln {path:?} {fresh:?}")
        }
        12 => {
            let path = pick(random, "fd")?;
            match random.one_in(2) {
                true => {
                    let mode = if random.one_in(2) { 0o444 } else { 0o644 };
                    let mode = if tree[&path] == 'd' { 0o755 } else { mode };
                    fs::set_permissions(root.join(&path), fs::Permissions::from_mode(mode))
                        .unwrap();
                }
                false => {
                    let value = sddl::from_sddl(SECURITY[random.below(3)]).unwrap();
                    let at = root.join(&path);
                    setxattr(&at, "user.MSWINDOWS.rawsd", &value, XattrFlags::empty()).unwrap();
                }
            }
            format!("chmod or acl {path:?}")
        }
        13 => {
            let path = pick(random, "f")?;
            if links(&path) > 1 {
                return None;
            }
            let stream = root.join(format!("{}:one", path.display()));
            match stream.exists() {
                // Not after a folder was deleted in which the file had another name: see there.
                true if random.one_in(2) && !log.iter().any(|done| done.starts_with("rm -r")) => {
                    fs::remove_file(stream).unwrap();
                }
                _ => fs::write(stream, random.data()).unwrap(),
            }
            format!("stream of {path:?}")
        }
        _ => {
            let path = pick(random, "f")?;
            let temporary = root.join("temporary");
            let own = streams(&path);
            fs::write(&temporary, random.data()).unwrap();
            fs::rename(&temporary, root.join(&path)).unwrap();
            for stream in own {
                fs::remove_file(root.join(stream)).unwrap();
            }
            format!("replace {path:?}")
        }
    })
}

/// All paths with what they are.
fn all(root: &Path) -> BTreeMap<PathBuf, char> {
    let kinds = look_at(root).into_iter();
    kinds.map(|(path, seen)| (path, seen.kind)).collect()
}

impl Random {
    fn data(&mut self) -> Vec<u8> {
        let length = [0, 1, 511, 512, 513, 4000][self.below(6)];
        (0..length).map(|_| self.next() as u8).collect()
    }
}
