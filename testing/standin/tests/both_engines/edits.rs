//! What is done to a writable layer: a list that has one of everything, and lists by chance.

use std::collections::BTreeMap;
use std::fmt;

pub(crate) const OTHER_SECURITY: &str = "O:BAG:SYD:(A;;FA;;;BA)";

/// One with entries for what is made inside: for all of it, for files, for folders, and for the maker.
const HANDED_DOWN: &str =
    "O:BAG:SYD:P(A;OICI;FA;;;SY)(A;OIIO;0x1200a9;;;BU)(A;CI;FA;;;BA)(A;OICIIO;GA;;;CO)";

/// One change of a writable layer.
pub(crate) enum Edit {
    Write(String, Vec<u8>),
    Folder(String),
    Remove(String),
    /// Of a file; HIDDEN or SYSTEM, so that it differs from what the base has.
    Attributes(String, u32),
    Security(String, &'static str),
}

impl fmt::Debug for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write(name, data) => write!(f, "write {} bytes to {name}", data.len()),
            Self::Folder(name) => write!(f, "make the folder {name}"),
            Self::Remove(name) => write!(f, "remove {name}"),
            Self::Attributes(name, attributes) => write!(f, "set {attributes:#x} of {name}"),
            Self::Security(name, security) => write!(f, "set {security} of {name}"),
        }
    }
}

/// Folders and files of the base layer, beside those that Windows takes for granted.
pub(crate) const FOLDERS: [&str; 5] = ["app", "app/inner", "app/inner/most", "gone", "replaced"];
pub(crate) const FILES: [&str; 9] = [
    "app/hidden.txt",
    "app/inner/most/deep.txt",
    "app/inner/near.txt",
    "app/locked.txt",
    "app/old.txt",
    "app/settings.ini",
    "gone/with.txt",
    "replaced/inside.txt",
    "untouched.txt",
];

/// Returns the list that has one of everything.
pub(crate) fn fixed() -> Vec<Edit> {
    let write = |name: &str, data: &[u8]| Edit::Write(name.to_owned(), data.to_vec());
    let folder = |name: &str| Edit::Folder(name.to_owned());
    let remove = |name: &str| Edit::Remove(name.to_owned());
    vec![
        write("app/settings.ini", b"longer than before"),
        write("app/new.txt", b"new"),
        write("app/empty.txt", b""),
        folder("made"),
        folder("made/inner"),
        write("made/inner/deep.bin", &[7; 70_000]),
        write("made.txt", b"sorts between a folder and what is in it"),
        remove("app/old.txt"),
        remove("gone"),
        Edit::Attributes("app/hidden.txt".to_owned(), 0x22),
        Edit::Security("app/locked.txt".to_owned(), OTHER_SECURITY),
        Edit::Security("app/inner".to_owned(), HANDED_DOWN),
        write("app/inner/after.txt", b"inherits what its folder has now"),
        folder("app/inner/later"),
        write(
            "app/inner/later/deep.txt",
            b"inherits what has been inherited",
        ),
        Edit::Security("app/inner/most".to_owned(), OTHER_SECURITY),
        write("app/inner/most/after.txt", b"has nothing to inherit"),
        remove("replaced"),
        write("replaced", b"a file where a folder was"),
    ]
}

/// A small generator of its own: a case is its seed.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % limit
    }

    fn one_of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }
}

/// Names that sort differently by bytes, by case and by whole paths.
const NAMES: [&str; 7] = ["A", "a b", "b", "b.txt", "ü", "_x", "inner"];

/// What the volume has after the edits so far.
type Model = BTreeMap<String, Known>;

#[derive(Debug, Clone, Copy)]
struct Known {
    is_folder: bool,
    is_new: bool,
}

/// Returns a list by chance. No content comes twice, and none is what the base has.
pub(crate) fn random(random: &mut Random) -> Vec<Edit> {
    let of_base = |names: &[&str], is_folder| {
        let is_new = false;
        let known = |name: &&str| ((*name).to_owned(), Known { is_folder, is_new });
        names.iter().map(known).collect::<Model>()
    };
    let mut model = of_base(&FOLDERS, true);
    model.append(&mut of_base(&FILES, false));
    let mut edits = Vec::new();
    for number in 0..1 + random.below(20) {
        edits.extend(one(random, &mut model, number));
    }
    edits
}

/// Returns one more edit, unless it does not go with what is there.
fn one(random: &mut Random, model: &mut Model, number: usize) -> Option<Edit> {
    let names: Vec<&str> = model.keys().map(String::as_str).collect();
    if names.is_empty() {
        return None;
    }
    let known = random.one_of(&names).to_owned();
    let is_folder = model[&known].is_folder;
    let inside = format!("{known}/");
    match random.below(8) {
        0 | 1 => {
            let folders = names.iter().filter(|name| model[**name].is_folder).copied();
            let folders: Vec<&str> = folders.chain([""]).collect();
            let folder = random.one_of(&folders);
            let name = random.one_of(&NAMES);
            let name = match folder {
                "" => name.to_owned(),
                folder => format!("{folder}/{name}"),
            };
            if model.contains_key(&name) {
                return None;
            }
            let is_folder = random.below(3) == 0;
            let is_new = true;
            model.insert(name.clone(), Known { is_folder, is_new });
            Some(match is_folder {
                true => Edit::Folder(name),
                false => Edit::Write(name, data(random, number)),
            })
        }
        2 | 3 if !is_folder => Some(Edit::Write(known, data(random, number))),
        4 | 5 => {
            model.retain(|name, _| *name != known && !name.starts_with(&inside));
            Some(Edit::Remove(known))
        }
        6 if !is_folder => Some(Edit::Attributes(known, [0x22, 0x24, 0x26][random.below(3)])),
        7 if !is_folder => Some(Edit::Security(known, OTHER_SECURITY)),
        // What is new in a folder inherits when it is made on Windows, and when it is told on Linux: it is made after.
        7 if !model
            .iter()
            .any(|(name, of)| of.is_new && name.starts_with(&inside)) =>
        {
            let security = random.one_of(&[OTHER_SECURITY, HANDED_DOWN]);
            Some(Edit::Security(known, security))
        }
        _ => None,
    }
}

fn data(random: &mut Random, number: usize) -> Vec<u8> {
    let length = [0, random.below(2000), 512 * random.below(5)][random.below(3)];
    let mut data = format!("edit {number} ").into_bytes();
    data.extend((0..length).map(|at| (at % 251) as u8));
    data
}
