//! Random bases and random edits that make sense in a tree.

use std::collections::BTreeMap;

use transom_layer::Names;
use transom_layertar::windows::Shape;
use transom_layertar::{EntryKind, Header};
use transom_ntmeta::attributes::FileAttributes;
use transom_ntmeta::sddl;

use super::Edit;
use crate::random::Random;
use crate::support::{Layer, TIME, with_attributes};

const NAMES: [&str; 10] = [
    "a", "b.txt", "C D", "e", "F", "g.dll", "\u{fc}", "日本", "i", "j.ini",
];
const SECURITY: [&str; 3] = [
    "O:BAG:SYD:(A;OICI;FA;;;BA)(A;OICIIO;GA;;;CO)",
    "O:SYG:SYD:PAI(A;;FA;;;SY)",
    "O:BAG:BAD:(A;OICI;0x1200a9;;;BU)",
];

impl Random {
    fn of<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.below(list.len())]
    }

    fn bytes(&mut self) -> Vec<u8> {
        (0..self.below(40)).map(|_| self.next() as u8).collect()
    }

    /// A layer tar with some of everything.
    pub(crate) fn base(&mut self, names: Names) -> Vec<u8> {
        let mut layer = Layer::new();
        if names == Names::Windows {
            layer = layer.dir("Files");
        }
        let mut folders = vec![match names {
            Names::Windows => "Files".to_owned(),
            Names::Posix => String::new(),
        }];
        let mut files: Vec<String> = Vec::new();
        for name in NAMES.iter().take(5 + self.below(6)) {
            let folder = folders[self.below(folders.len())].clone();
            let path = format!("{folder}/{name}")
                .trim_start_matches('/')
                .to_owned();
            let is_folder = self.one_in(3);
            if !is_folder && self.one_in(4) && !files.is_empty() {
                let target = files[self.below(files.len())].clone();
                layer = match names {
                    Names::Windows => layer.link(&path, &target),
                    Names::Posix => layer.header(&hard_link(&path, &target), b""),
                };
                continue;
            }
            if is_folder {
                folders.push(path.clone());
            }
            layer = match names {
                Names::Windows => self.windows_entry(layer, &path, is_folder, &mut files),
                Names::Posix => self.posix_entry(layer, &path, is_folder, &mut files),
            };
        }
        match names {
            Names::Windows => layer.dir("Hives").tar(),
            Names::Posix => layer.tar(),
        }
    }

    fn windows_entry(
        &mut self,
        layer: Layer,
        path: &str,
        is_folder: bool,
        files: &mut Vec<String>,
    ) -> Layer {
        let mut metadata = with_attributes(if self.one_in(3) { 0x23 } else { 0x20 });
        if self.one_in(2) {
            metadata.security = Some(sddl::from_sddl(self.of(&SECURITY)).unwrap());
        }
        if is_folder {
            metadata.attributes = Some(0x10);
            return layer.entry(path, &Shape::Directory, &metadata, b"");
        }
        if self.one_in(5) {
            metadata.attributes = Some(0x420);
            let target = br"..\a";
            return layer.entry(path, &Shape::Symlink { target }, &metadata, b"");
        }
        let data = self.bytes();
        let size = data.len() as u64;
        let mut layer = layer.entry(path, &Shape::File { size }, &metadata, &data);
        if self.one_in(3) {
            layer = layer.stream(&format!("{path}:one"), b"stream one");
            layer = layer.stream(&format!("{path}:two"), &self.bytes());
        } else {
            // A stream that is new belongs to all names of a file, and a mount knows nothing of that.
            files.push(path.to_owned());
        }
        layer
    }

    fn posix_entry(
        &mut self,
        layer: Layer,
        path: &str,
        is_folder: bool,
        files: &mut Vec<String>,
    ) -> Layer {
        let (kind, mode) = match (is_folder, self.one_in(5)) {
            (true, _) => (EntryKind::Directory, 0o750),
            (_, true) => (EntryKind::Symlink, 0o777),
            _ => (EntryKind::File, 0o640),
        };
        let mut header = Header::new(kind, path.as_bytes());
        header.mode = mode;
        header.mtime = TIME;
        (header.uid, header.gid) = (1000, 50);
        let data = match kind {
            EntryKind::File => self.bytes(),
            _ => Vec::new(),
        };
        if kind == EntryKind::Symlink {
            header.link_name = b"../a".to_vec();
        } else if kind == EntryKind::File {
            files.push(path.to_owned());
        }
        layer.header(&header, &data)
    }

    /// An edit that can be made of what is there.
    pub(crate) fn edit(&mut self, tree: &BTreeMap<String, char>, names: Names) -> Option<Edit> {
        let root = match names {
            Names::Windows => "Files/",
            Names::Posix => "",
        };
        let is_inside = |path: &str| path.starts_with(root);
        let mut pick = |kinds: &str| -> Option<String> {
            let fits = |(path, kind): &(&String, &char)| {
                kinds.contains(**kind) && is_inside(path) && !path.contains(':')
            };
            let fitting: Vec<&str> = tree
                .iter()
                .filter(fits)
                .map(|(path, _)| path.as_str())
                .collect();
            (!fitting.is_empty()).then(|| self.of(&fitting).to_owned())
        };
        let (any, file) = (pick("dfl"), pick("f"));
        let (changeable, folder) = (pick("df"), pick("d"));
        let folder = match (self.one_in(3), folder) {
            (false, Some(folder)) => format!("{folder}/"),
            _ => root.to_owned(),
        };
        let fresh = format!("{folder}{}", self.of(&NAMES));
        let is_new = !tree.contains_key(&fresh);
        let stamp = self.below(1000) as i64 + 1;
        let has_streams = |path: &str| {
            tree.keys()
                .any(|other| other.starts_with(&format!("{path}:")))
        };
        match self.below(if names == Names::Windows { 16 } else { 12 }) {
            0 | 1 if is_new => Some(Edit::Write(fresh, self.bytes(), stamp)),
            2 | 3 => Some(Edit::Write(file?, self.bytes(), stamp)),
            4 if is_new => Some(Edit::Folder(fresh)),
            5 if is_new => Some(Edit::Link(fresh, self.of(&["a", "../b.txt", "C D"]))),
            6 => Some(Edit::Remove(any?)),
            7..=9 => {
                let from = any?;
                let replaces = tree.get(&fresh).is_none_or(|kind| *kind != 'd')
                    && (is_new || tree[&from] != 'd');
                let is_inside = fresh == from || fresh.starts_with(&format!("{from}/"));
                (replaces && !is_inside).then_some(Edit::Rename(from, fresh))
            }
            10 | 11 if names == Names::Posix => Some(Edit::Permissions(
                changeable?,
                *self.of(&[&0o600, &0o755, &0o444]),
            )),
            10 | 11 => {
                let bits = [
                    FileAttributes::READONLY,
                    FileAttributes::HIDDEN,
                    FileAttributes::SYSTEM,
                ];
                let (set, clear) = (bits[self.below(3)], bits[self.below(3)]);
                Some(Edit::Attributes(any?, set, clear - set))
            }
            12 => Some(Edit::Security(any?, self.of(&SECURITY))),
            13..=15 => {
                let file = file.filter(|file| has_streams(file))?;
                let stream = self.of(&["one", "two", "three"]);
                let path = format!("{file}:{stream}");
                match self.one_in(3) && tree.contains_key(&path) {
                    true => Some(Edit::Remove(path)),
                    false => Some(Edit::Write(path, self.bytes(), stamp)),
                }
            }
            _ => None,
        }
    }
}

fn hard_link(path: &str, target: &str) -> Header {
    let mut header = Header::new(EntryKind::HardLink, path.as_bytes());
    header.link_name = target.as_bytes().to_vec();
    header.mode = 0o640;
    header.mtime = TIME;
    (header.uid, header.gid) = (1000, 50);
    header
}
