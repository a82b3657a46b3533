//! Test data made by Windows, which lies beside the project and is not part of it.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder with the test data, or `None` (and one line that says so) where it is absent.
fn root() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/fixtures");
    if !root.is_dir() {
        #[expect(clippy::print_stdout, reason = "a skipped test says so")]
        {
            println!("skipped: fixtures not present");
        }
        return None;
    }
    Some(root)
}

/// Reads one file of the test data.
pub(crate) fn fixture(path: &str) -> Option<Vec<u8>> {
    let file = root()?.join(path);
    Some(fs::read(&file).unwrap_or_else(|error| panic!("cannot read {}: {error}", file.display())))
}

/// Reads all files of a folder of the test data, by name.
pub(crate) fn fixtures_in(folder: &str) -> Option<Vec<(String, Vec<u8>)>> {
    let folder = root()?.join(folder);
    let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(&folder)
        .expect("the folder is there")
        .map(|entry| {
            let path = entry.expect("the folder is readable").path();
            let name = path
                .file_name()
                .expect("has a name")
                .to_string_lossy()
                .into_owned();
            (name, fs::read(&path).expect("the file is readable"))
        })
        .collect();
    files.sort();
    Some(files)
}
