//! Tars: the way they are cut into pieces does not matter, and what is refused is refused everywhere.

use std::io::Read;

use transom_layertar::parse::{Entry, Limits, Parser, Step};
use transom_layertar::path::{Rules, clean};
use transom_layertar::reader::Reader;
use transom_layertar::windows::{WindowsMetadata, classify};

/// The parser finds the same entries in one piece, in small pieces, and by way of the reader.
pub fn tar(data: &[u8]) {
    let whole = entries(data, data.len().max(1));
    // The size of the pieces is part of the input, so that the fuzzer can look for a bad one.
    let size = data.last().map_or(1, |last| usize::from(*last) + 1);
    assert_eq!(entries(data, size), whole);

    let mut reader = Reader::new(data, Limits::default());
    let mut read = Vec::new();
    loop {
        match reader.next_entry() {
            Ok(Some(entry)) => read.push(entry),
            Ok(None) => break,
            Err(_) => return,
        }
    }
    assert_eq!(read, whole.0);
    assert!(whole.1, "the reader takes what the parser refuses");
}

/// Returns the entries up to the first error, and whether there was none.
fn entries(data: &[u8], size: usize) -> (Vec<Entry>, bool) {
    let mut parser = Parser::new(Limits::default());
    let mut found = Vec::new();
    for mut piece in data.chunks(size) {
        while !piece.is_empty() {
            match parser.push(piece) {
                Ok((used, step)) => {
                    piece = &piece[used..];
                    if let Step::Entry(entry) = step {
                        found.push(*entry);
                    }
                }
                Err(_) => return (found, false),
            }
        }
    }
    (found, parser.finish().is_ok())
}

/// Windows metadata, classes and names of whatever entries there are; contents no longer than announced.
pub fn tar_windows(data: &[u8]) {
    /// Sparse entries can announce any size; the holes need not be read to the end.
    const ENOUGH: u64 = 1 << 20;
    let mut reader = Reader::new(data, Limits::default());
    while let Ok(Some(entry)) = reader.next_entry() {
        for rules in [Rules::Windows, Rules::Posix] {
            if let Ok(name) = clean(&entry.name, rules) {
                let again = clean(name.as_bytes(), rules).expect("a clean name is clean");
                assert_eq!(again.as_bytes(), name.as_bytes());
            }
        }
        if let Ok(metadata) = WindowsMetadata::from_entry(&entry) {
            let _ = classify(&entry, &metadata);
        }
        let mut contents = Vec::new();
        match reader
            .contents(&entry)
            .take(ENOUGH)
            .read_to_end(&mut contents)
        {
            Ok(read) => assert_eq!(read as u64, entry.size.min(ENOUGH)),
            Err(_) => return,
        }
    }
}
