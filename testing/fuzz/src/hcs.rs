//! Folders that the Host Compute Service exports.

use transom_hcs::transport::{parse_tombstones, print_tombstones};

/// Reads bytes as a list of deletions: what is accepted lies beneath `Files`, and is the same after a round trip.
pub fn tombstones(data: &[u8]) {
    let Ok(names) = parse_tombstones(data) else {
        return;
    };
    assert!(names.len() <= data.len());
    for name in &names {
        assert!(!name.is_empty() && name.split('/').all(|part| !matches!(part, "" | "." | "..")));
    }
    let printed = print_tombstones(names.iter().map(String::as_str));
    let again = parse_tombstones(printed.as_bytes()).expect("what is printed is valid");
    assert_eq!(again, names);
}

/// Reads bytes as the list of a layer's parents.
pub fn layer_chain(data: &[u8]) {
    transom_hcs::fuzzing::layer_chain(data);
}
