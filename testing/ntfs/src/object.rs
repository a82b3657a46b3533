//! What an NTFS volume holds, as plain values.

use std::collections::BTreeMap;

/// FILE_ATTRIBUTE_NORMAL: NTFS shows it where no other bit is set.
const NORMAL: u32 = 0x80;
/// FILE_ATTRIBUTE_COMPRESSED, which on a file says how its clusters are stored.
const COMPRESSED: u32 = 0x800;
/// FILE_ATTRIBUTE_ENCRYPTED, which EFS alone sets.
const ENCRYPTED: u32 = 0x4000;

/// A file, folder or link with all its names. What is `None` is not known, and not compared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Object {
    /// Its paths from the volume's root, sorted, separated by `/`; several if it has hard links.
    pub paths: Vec<String>,
    /// It is a folder, or a link to one.
    pub is_folder: bool,
    /// FILE_ATTRIBUTE_* bits (MS-FSCC 2.6).
    pub attributes: Option<u32>,
    /// Creation, last write, last access, change: ticks of 100 ns since 1601.
    pub times: [i64; 4],
    /// Self-relative security descriptor.
    pub security: Option<Vec<u8>>,
    /// Extended attributes: names and values.
    pub eas: Vec<(Vec<u8>, Vec<u8>)>,
    /// REPARSE_DATA_BUFFER of a link.
    pub reparse: Option<Vec<u8>>,
    /// The bytes of a file; empty for folders and links.
    pub data: Vec<u8>,
    /// Alternate streams, by name.
    pub streams: BTreeMap<String, Vec<u8>>,
}

impl Object {
    /// The path that it is called by.
    pub(crate) fn path(&self) -> &str {
        self.paths.first().map_or("", String::as_str)
    }

    /// Its attributes as NTFS shows them, without the bits that tell how NTFS itself stores a file.
    fn comparable_attributes(&self) -> Option<u32> {
        let own = match self.is_folder {
            true => ENCRYPTED,
            false => ENCRYPTED | COMPRESSED,
        };
        match self.attributes? & !own {
            0 => Some(NORMAL),
            bits => Some(bits),
        }
    }
}

/// Compares what should be with what is there, and names each field that differs; empty if all is the same.
pub fn differences(expected: &[Object], found: &[Object]) -> Vec<String> {
    let mut differences = Vec::new();
    let mut left: BTreeMap<&str, &Object> = found.iter().map(|own| (own.path(), own)).collect();
    for object in expected {
        match left.remove(object.path()) {
            Some(found) => compare(object, found, &mut differences),
            None => differences.push(format!("{}: missing", object.path())),
        }
    }
    let unexpected = left.keys().map(|path| format!("{path}: not expected"));
    differences.extend(unexpected);
    differences
}

fn compare(expected: &Object, found: &Object, differences: &mut Vec<String>) {
    let path = expected.path();
    let mut differ =
        |what: &str, shown: String| differences.push(format!("{path}: {what} {shown}"));
    if expected.paths != found.paths {
        let shown = format!("should be {:?}, are {:?}", expected.paths, found.paths);
        differ("names", shown);
    }
    if expected.is_folder != found.is_folder {
        differ("kind", format!("is a folder: {}", found.is_folder));
    }
    if let Some(bits) = expected.comparable_attributes() {
        let found = found.comparable_attributes();
        if found != Some(bits) {
            differ("attributes", format!("should be {bits:#x}, are {found:x?}"));
        }
    }
    if expected.times != found.times {
        let shown = format!("should be {:?}, are {:?}", expected.times, found.times);
        differ("times", shown);
    }
    if expected.security.is_some() && expected.security != found.security {
        let shown = format!(
            "should be {:x?}, is {:x?}",
            expected.security, found.security
        );
        differ("security descriptor", shown);
    }
    if expected.eas != found.eas {
        let shown = format!("should be {:x?}, are {:x?}", expected.eas, found.eas);
        differ("extended attributes", shown);
    }
    if expected.reparse != found.reparse {
        let shown = format!("should be {:x?}, is {:x?}", expected.reparse, found.reparse);
        differ("reparse data", shown);
    }
    if let Some(shown) = differing_bytes(&expected.data, &found.data) {
        differ("data", shown);
    }
    let names = |object: &Object| object.streams.keys().cloned().collect::<Vec<_>>();
    if names(expected) != names(found) {
        let shown = format!("should be {:?}, are {:?}", names(expected), names(found));
        differ("streams", shown);
    }
    for (name, bytes) in &expected.streams {
        let found = found.streams.get(name);
        if let Some(shown) = found.and_then(|found| differing_bytes(bytes, found)) {
            differ(&format!("stream {name}"), shown);
        }
    }
}

/// Says where bytes differ that may be too many to show.
fn differing_bytes(expected: &[u8], found: &[u8]) -> Option<String> {
    if expected == found {
        return None;
    }
    let mut pairs = expected.iter().zip(found);
    let same = pairs.position(|(expected, found)| expected != found);
    let at = same.unwrap_or_else(|| expected.len().min(found.len()));
    let (sizes, both) = ((expected.len(), found.len()), "expected and found");
    Some(format!("differs at byte {at} ({sizes:?} bytes {both})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object() -> Object {
        Object {
            paths: vec!["a".into(), "b".into()],
            is_folder: false,
            attributes: Some(0x20),
            times: [1, 2, 3, 4],
            security: Some(vec![1, 2, 3]),
            eas: vec![(b"E".to_vec(), vec![1])],
            reparse: None,
            data: vec![1, 2, 3],
            streams: BTreeMap::from([("s".to_owned(), vec![5])]),
        }
    }

    #[test]
    fn a_change_of_any_field_is_told_by_its_name() {
        let changes: [(&str, fn(&mut Object)); 10] = [
            ("names", |object| object.paths = vec!["a".into()]),
            ("kind", |object| object.is_folder = true),
            ("attributes", |object| object.attributes = Some(0x21)),
            ("times", |object| object.times[3] += 1),
            ("security", |object| object.security = Some(vec![1, 2, 2])),
            ("extended attributes", |object| object.eas[0].1 = vec![2]),
            ("reparse", |object| object.reparse = Some(vec![])),
            ("data differs at byte 3", |object| object.data.push(0)),
            ("streams", |object| object.streams.clear()),
            ("stream s differs at byte 0", |object| {
                object.streams.insert("s".to_owned(), vec![4]);
            }),
        ];
        for (what, change) in changes {
            let mut changed = object();
            change(&mut changed);
            let told = differences(&[object()], &[changed]);
            assert_eq!(told.len(), 1, "{told:?}");
            assert!(told[0].starts_with(&format!("a: {what}")), "{told:?}");
        }
        assert_eq!(differences(&[object()], &[object()]), [""; 0]);
    }

    #[test]
    fn what_is_missing_or_too_much_is_told() {
        let mut other = object();
        other.paths = vec!["c".into()];
        assert_eq!(
            differences(&[object()], &[other]),
            ["a: missing", "c: not expected"]
        );
    }

    #[test]
    fn what_is_not_known_is_not_compared() {
        let mut unknown = object();
        (unknown.attributes, unknown.security) = (None, None);
        assert_eq!(differences(&[unknown.clone()], &[object()]), [""; 0]);
        assert_eq!(differences(&[object()], &[unknown]).len(), 2);
    }
}
