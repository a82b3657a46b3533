//! Paths as people write them, and names in tars.

use transom_layer::{Names, TreePath, View};
use transom_layertar::path::{Rules, clean};
use transom_layertar::whiteout::{self, Whiteout};

/// A path of the command line has only names for components, and is the same path when it is shown and read again.
pub fn tree_path(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    for names in [Names::Windows, Names::Posix] {
        for view in [View::Raw, View::Volume] {
            let Ok(path) = TreePath::parse(text, names, view) else {
                continue;
            };
            for component in path.components() {
                assert!(!component.contains(&b'/'));
                assert!(component != b"." && component != b"..");
            }
        }
    }
}

/// A whiteout removes something that has a name.
pub fn whiteout(data: &[u8]) {
    if let Ok(Some(Whiteout::Removed(path))) = whiteout::parse(data) {
        let last = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        assert!(!matches!(last, b"" | b"." | b".."));
        if whiteout::name_of(&path) != data {
            panic!("{path:?} is another whiteout's");
        }
    }
    for rules in [Rules::Windows, Rules::Posix] {
        if let Ok(name) = clean(data, rules) {
            assert!(name.components().all(|part| part != b"." && part != b".."));
        }
    }
}
