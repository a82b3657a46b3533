use std::fs;

use tempfile::TempDir;

use super::*;
use crate::detached::tests::memory;

#[test]
fn lower_is_attached_only_while_the_overlay_is_made() {
    let Some(lower) = memory() else { return };
    let folder = TempDir::new().unwrap();
    let [upper, work, staging] = ["upper", "work", "staging"].map(|name| folder.path().join(name));
    for made in [&upper, &work, &staging] {
        fs::create_dir(made).unwrap();
    }
    let options = Overlay {
        lower: Lower::Folder(&staging),
        upper: &upper,
        work: &work,
        staging: &staging,
        source: "test",
    };

    let overlay = mount_over_visitor(&lower, &options).unwrap();
    drop(lower);

    assert_eq!(fs::read_dir(&staging).unwrap().count(), 0);
    assert_eq!(fs::read(overlay.path().join("Files/a")).unwrap(), b"1");
    fs::write(overlay.path().join("Files/a"), "2").unwrap();
    assert_eq!(fs::read(upper.join("Files/a")).unwrap(), b"2");
}

#[test]
fn missing_index_folder_is_noted() {
    let work = TempDir::new().unwrap();
    assert!(notes(work.path())[0].contains("hard links"));
    fs::create_dir(work.path().join("index")).unwrap();
    assert_eq!(notes(work.path()), [] as [&str; 0]);
}
