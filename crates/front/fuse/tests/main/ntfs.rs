//! What a mount shows is what ntfs-3g shows of the same files on a real NTFS volume.

use std::path::Path;

use rustix::fs::lgetxattr;
use rustix::io::Errno;
use transom_fuse::View;
use transom_ntfs::{Object, StreamNames, Volume, differences, missing, read};

use crate::support::{Home, Mounted, can_mount};

/// Says whether there is NTFS on this machine; prints a line if not.
#[expect(clippy::print_stdout, reason = "whoever runs the tests shall see it")]
fn has_ntfs() -> bool {
    let missing = missing();
    if let Some(missing) = missing {
        println!("skipped: needs {missing}");
    }
    missing.is_none()
}

/// All attributes that both have, to the byte.
const ATTRIBUTES: [&str; 9] = [
    "system.ntfs_acl",
    "system.ntfs_attrib",
    "system.ntfs_attrib_be",
    "system.ntfs_times",
    "system.ntfs_times_be",
    "system.ntfs_crtime",
    "system.ntfs_crtime_be",
    "system.ntfs_reparse_data",
    "system.ntfs_ea",
];

fn value(path: &Path, name: &str) -> Option<Vec<u8>> {
    let mut buffer = vec![0; 64 * 1024];
    match lgetxattr(path, name, &mut buffer) {
        Ok(len) => Some(buffer[..len].to_vec()),
        Err(Errno::NODATA) => None,
        Err(error) => panic!("{name} of {}: {error}", path.display()),
    }
}

#[test]
fn a_copy_on_ntfs_shows_the_same_as_the_mount_it_was_made_from() {
    if !can_mount() || !has_ntfs() {
        return;
    }
    let home = Home::new();
    let mounted = Mounted::new(&home.sample(), View::Raw);
    // The stream of more than 64 KiB that the sample has is no attribute; it is left out here.
    let shown = read(mounted.root(), StreamNames::UserAttributes).unwrap();
    let count = |has: fn(&Object) -> bool| shown.iter().filter(|object| has(object)).count();
    assert!(count(|object| object.reparse.is_some()) >= 5);
    assert!(count(|object| object.paths.len() > 1) >= 7);
    assert!(count(|object| !object.eas.is_empty()) >= 1);
    assert!(count(|object| !object.streams.is_empty()) >= 2);

    let volume = Volume::holding(&shown).unwrap_or_else(|error| panic!("{error:#}"));
    let found = read(&volume.root(), StreamNames::StreamsList).unwrap();
    assert_eq!(differences(&shown, &found), [""; 0]);
    for path in shown.iter().flat_map(|object| &object.paths) {
        for name in ATTRIBUTES {
            let own = value(&mounted.root().join(path), name);
            // What has no descriptor in the tar has none here, while NTFS always has one.
            if own.is_some() || name != "system.ntfs_acl" {
                let copy = value(&volume.root().join(path), name);
                assert_eq!(own, copy, "{name} of {path}");
            }
        }
    }
}
