//! What a case is, and the layers of it.

use std::io::Write;

use transom_layer::Names;
use transom_layertar::{EntryKind, Header, Writer};

/// Stands for the path of the folder outside in names and targets.
pub(super) const OUTSIDE: &str = "{outside}";

/// An entry of a layer, with any name.
#[derive(Debug, Clone, Copy)]
pub(super) enum Entry {
    Dir(&'static str),
    File(&'static str, &'static str),
    /// Name and target.
    Symlink(&'static str, &'static str),
    /// Name and target; a junction of a Windows layer.
    Junction(&'static str, &'static str),
    /// Name and what it is one more name of.
    Link(&'static str, &'static str),
    /// A record for all entries that follow.
    Global(&'static str, &'static str),
}

/// What becomes of a layer.
#[derive(Debug, Clone, Copy)]
pub(super) enum Expected {
    /// It is refused; the message has these words.
    Refused(&'static [&'static str]),
    /// It makes exactly this tree: `folder/`, `file = content`, `link -> target`, `name == first name`.
    Tree(&'static [&'static str]),
}

/// A layer over another one, and what becomes of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) below: &'static [Entry],
    pub(super) layer: &'static [Entry],
    pub(super) expected: Expected,
}

/// A case over a layer that has nothing to do with it.
pub(super) const fn case(name: &'static str, layer: &'static [Entry], expected: Expected) -> Case {
    Case {
        name,
        below: &[],
        layer,
        expected,
    }
}

/// Makes the tar of a layer.
pub(super) fn tar(entries: &[Entry], names: Names, outside: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in entries {
        match *entry {
            Entry::Global(key, value) => bytes.extend(global(key, value)),
            entry => bytes.extend(one(entry, names, outside)),
        }
    }
    bytes.extend([0; 1024]);
    bytes
}

fn one(entry: Entry, names: Names, outside: &str) -> Vec<u8> {
    let (kind, name, target, data, attributes) = match entry {
        Entry::Dir(name) => (EntryKind::Directory, name, "", "", "16"),
        Entry::File(name, data) => (EntryKind::File, name, "", data, "32"),
        Entry::Symlink(name, target) => (EntryKind::Symlink, name, target, "", "1024"),
        Entry::Junction(name, target) => (EntryKind::Symlink, name, target, "", "1040"),
        Entry::Link(name, target) => (EntryKind::HardLink, name, target, "", "32"),
        Entry::Global(..) => unreachable!("is no entry"),
    };
    let place = |text: &str| text.replace(OUTSIDE, outside).into_bytes();
    let mut header = Header::new(kind, &place(name));
    header.link_name = place(target);
    header.size = data.len() as u64;
    header.mode = match kind {
        EntryKind::Directory => 0o755,
        _ => 0o644,
    };
    header.mtime.seconds = 1_700_000_000;
    // A whiteout of Windows is a header without attributes.
    if names == Names::Windows && !name.contains(".wh.") {
        let mut record = |key: &str, value: &str| {
            header.pax.insert(key.into(), value.into());
        };
        record("MSWINDOWS.fileattr", attributes);
        if matches!(entry, Entry::Junction(..)) {
            record("MSWINDOWS.mountpoint", "1");
        }
    }
    let mut writer = Writer::new(Vec::new());
    writer.append(&header).unwrap();
    writer.write_all(data.as_bytes()).unwrap();
    let mut bytes = writer.finish().unwrap();
    bytes.truncate(bytes.len() - 1024);
    bytes
}

/// A global PAX header (POSIX pax, typeflag `g`), which the writer itself never makes.
fn global(key: &str, value: &str) -> Vec<u8> {
    let mut record = String::new();
    let mut length = 1;
    while record.len() != length {
        length = record.len().max(1);
        record = format!("{length} {key}={value}\n");
    }
    let mut bytes = vec![0; 512];
    bytes[..8].copy_from_slice(b"g/global");
    for (at, field) in [(100, "0000644"), (108, "0000000"), (116, "0000000")] {
        bytes[at..at + 7].copy_from_slice(field.as_bytes());
    }
    bytes[124..135].copy_from_slice(format!("{:011o}", record.len()).as_bytes());
    bytes[136..147].copy_from_slice(b"00000000000");
    bytes[156] = b'g';
    bytes[257..265].copy_from_slice(b"ustar\x0000");
    bytes[148..156].fill(b' ');
    let sum: u32 = bytes.iter().map(|byte| u32::from(*byte)).sum();
    bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    bytes.extend(record.as_bytes());
    bytes.resize(1024, 0);
    bytes
}
