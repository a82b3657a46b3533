//! Extended attributes, and that nothing can be written.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

use rustix::fs::{XattrFlags, lgetxattr, lgetxattr_query, llistxattr, lsetxattr, statvfs};
use rustix::io::Errno;
use rustix::mount::MountFlags;
use transom_fuse::View;
use transom_layertar::{EntryKind, Header};
use transom_ntmeta::ea;
use transom_ntmeta::filetime::FileTime;
use transom_ntmeta::reparse::{LinkKind, decode_link};
use transom_sample::shape::Content;

use crate::support::{Home, Mounted, add, add_file, can_mount, errno_of, layer};

fn value(path: &Path, name: &str) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; 70_000];
    let len = lgetxattr(path, name, &mut buffer)?;
    // Asked for the size, the answer is the same.
    assert_eq!(lgetxattr_query(path, name)?, len);
    buffer.truncate(len);
    Ok(buffer)
}

fn list(path: &Path) -> Vec<String> {
    let mut buffer = vec![0; 70_000];
    let len = llistxattr(path, &mut buffer).unwrap();
    let names = String::from_utf8(buffer[..len].to_vec()).unwrap();
    names.split_terminator('\0').map(str::to_owned).collect()
}

const SECURITY: &[u8] = &[
    1, 0, 4, 0x80, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 5, 18, 0,
    0, 0,
];

#[test]
fn what_ntfs_knows_is_in_the_attributes_of_ntfs_3g() {
    if !can_mount() {
        return;
    }
    let mut layer = layer();
    let node = add_file(&mut layer, "Files/Dir/a.txt", b"x");
    node.stream("Zone.Identifier", "[Zone]")
        .stream("large", vec![7; 70_000]);
    node.add_attributes(0x2);
    node.metadata.security = Some(SECURITY.to_vec());
    node.metadata.eas = vec![(b"ONE".to_vec(), vec![1, 2]), (b"TWO".to_vec(), vec![3])];
    let times = [
        node.metadata.creation,
        Some(node.metadata.last_write),
        node.metadata.last_access,
        node.metadata.change,
    ];
    let times = times.map(|time| FileTime::from_unix_wrapping(time.unwrap()).0);
    let mounted = Mounted::of(&layer, View::Volume);
    let path = mounted.at("dir/A.txt");
    let of = |name: &str| value(&path, name).unwrap();

    assert_eq!(of("system.ntfs_acl"), SECURITY);
    assert_eq!(of("system.ntfs_attrib"), 0x22u32.to_le_bytes());
    assert_eq!(of("system.ntfs_attrib_be"), 0x22u32.to_be_bytes());
    assert_eq!(
        of("system.ntfs_times"),
        times.map(i64::to_le_bytes).concat()
    );
    assert_eq!(
        of("system.ntfs_times_be"),
        times.map(i64::to_be_bytes).concat()
    );
    assert_eq!(of("system.ntfs_crtime"), times[0].to_le_bytes());
    assert_eq!(of("system.ntfs_crtime_be"), times[0].to_be_bytes());
    let eas = ea::parse(&of("system.ntfs_ea")).unwrap();
    let eas: Vec<_> = eas.into_iter().map(|ea| (ea.name, ea.value)).collect();
    assert_eq!(
        eas,
        [(b"ONE".to_vec(), vec![1, 2]), (b"TWO".to_vec(), vec![3])]
    );
    assert_eq!(of("user.Zone.Identifier"), b"[Zone]");
    assert_eq!(of("user.zone.identifier"), b"[Zone]");

    assert_eq!(
        errno_of(value(&path, "user.large")),
        Errno::TOOBIG.raw_os_error()
    );
    for missing in ["user.none", "system.ntfs_reparse_data", "security.selinux"] {
        assert_eq!(
            errno_of(value(&path, missing)),
            Errno::NODATA.raw_os_error(),
            "{missing}"
        );
    }
    assert_eq!(
        errno_of(lgetxattr(&path, "system.ntfs_acl", &mut [0; 4]).map_err(io::Error::from)),
        Errno::RANGE.raw_os_error()
    );
    let names = list(&path);
    assert_eq!(names.len(), 9, "{names:?}");
    for name in &names {
        value(&path, name).unwrap();
    }
    assert_eq!(list(&mounted.at("Dir/a.txt:large")), [""; 0]);
}

#[test]
fn a_link_has_its_reparse_buffer() {
    if !can_mount() {
        return;
    }
    let mut layer = layer();
    add(&mut layer, "Files/link", Content::FileLink("Dir/x".into()));
    add(
        &mut layer,
        "Files/junction",
        Content::Junction("C:/Dir".into()),
    );
    let mounted = Mounted::of(&layer, View::Volume);
    let link =
        |path| decode_link(&value(&mounted.at(path), "system.ntfs_reparse_data").unwrap()).unwrap();
    let found = link("link");
    assert_eq!(
        (found.kind, found.print.as_str(), found.relative),
        (LinkKind::Symlink, r"Dir\x", true)
    );
    let found = link("JUNCTION");
    assert_eq!(
        (found.kind, found.substitute.as_str()),
        (LinkKind::MountPoint, r"\??\C:\Dir")
    );
}

#[test]
fn a_linux_image_has_its_own_attributes() {
    if !can_mount() {
        return;
    }
    let home = Home::new();
    let mut file = Header::new(EntryKind::File, b"tool");
    file.mode = 0o755;
    let key = b"SCHILY.xattr.user.origin".to_vec();
    file.pax.insert(key, b"here".to_vec());
    let tree = home.posix(&[(file, b"x")]);
    let mounted = Mounted::new(&tree, View::Raw);
    assert_eq!(list(&mounted.at("tool")), ["user.origin"]);
    assert_eq!(value(&mounted.at("tool"), "user.origin").unwrap(), b"here");
    assert!(value(&mounted.at("tool"), "system.ntfs_times").is_err());
}

#[test]
fn nothing_can_be_written() {
    if !can_mount() {
        return;
    }
    let mut layer = layer();
    add_file(&mut layer, "Files/Dir/a", b"x");
    let mounted = Mounted::of(&layer, View::Volume);
    let check = || {
        let (old, new) = (mounted.at("Dir/a"), mounted.at("Dir/new"));
        let readable = fs::metadata(&old).unwrap().permissions();
        for (what, result) in [
            ("create", fs::write(&new, "x")),
            (
                "truncate",
                fs::File::options()
                    .write(true)
                    .truncate(true)
                    .open(&old)
                    .map(drop),
            ),
            ("mkdir", fs::create_dir(&new)),
            ("unlink", fs::remove_file(&old)),
            ("rmdir", fs::remove_dir(mounted.at("Dir"))),
            ("rename", fs::rename(&old, &new)),
            ("link", fs::hard_link(&old, &new)),
            ("symlink", symlink("a", &new)),
            ("chmod", fs::set_permissions(&old, readable)),
            (
                "setxattr",
                lsetxattr(&old, "user.x", b"1", XattrFlags::empty()).map_err(io::Error::from),
            ),
        ] {
            assert_eq!(errno_of(result), Errno::ROFS.raw_os_error(), "{what}");
        }
        assert_eq!(fs::read(&old).unwrap(), b"x");
    };
    check();
    // Root can ask the kernel not to refuse by itself.
    let remounted = rustix::mount::mount_remount(mounted.root(), MountFlags::empty(), "");
    if remounted.is_ok() {
        check();
        let file = fs::File::options().append(true).open(mounted.at("Dir/a"));
        let written = file.and_then(|mut file| io::Write::write_all(&mut file, b"y"));
        assert_eq!(errno_of(written), Errno::ROFS.raw_os_error());
    }
}

#[test]
fn stat_and_statfs_are_sensible() {
    if !can_mount() {
        return;
    }
    let mut layer = layer();
    add_file(&mut layer, "Files/Dir/a", &[1; 1000]);
    let mounted = Mounted::of(&layer, View::Volume);
    let found = fs::metadata(mounted.at("Dir/a")).unwrap();
    assert_eq!(
        (found.len(), found.blocks(), found.mode() & 0o777),
        (1000, 2, 0o444)
    );
    assert_eq!(found.uid(), rustix::process::geteuid().as_raw());
    assert_eq!(fs::metadata(mounted.root()).unwrap().mode() & 0o777, 0o555);
    let system = statvfs(mounted.root()).unwrap();
    assert_eq!(
        (system.f_bsize, system.f_bfree, system.f_namemax),
        (4096, 0, 765)
    );
}
