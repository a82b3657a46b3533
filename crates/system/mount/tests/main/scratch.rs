//! Scratch images.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::{XattrFlags, getxattr, setxattr};
use rustix::thread::{CapabilitySet, capabilities};
use transom_mount::{Kind, scratch, unmount};

use crate::support::{Folder, ready};

const MIB: u64 = 1 << 20;

/// Tells whether the kernel lets this process grow what is mounted; if not, prints why.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn may_resize() -> bool {
    let may = capabilities(None)
        .unwrap()
        .effective
        .contains(CapabilitySet::SYS_RESOURCE);
    if !may {
        println!("skipped: needs the capability CAP_SYS_RESOURCE");
    }
    may
}

/// Writes until the file system is full; returns how many bytes it took.
fn fill(path: &Path) -> u64 {
    let mut file = File::create(path).unwrap();
    let block = vec![7; MIB as usize];
    let error = loop {
        if let Err(error) = file.write_all(&block) {
            break error;
        }
    };
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    file.metadata().unwrap().len()
}

/// How many bytes of the host a file takes.
fn taken(path: &Path) -> u64 {
    fs::metadata(path).unwrap().blocks() * 512
}

#[test]
fn image_takes_what_it_is_made_for_and_no_more() {
    if !ready() {
        return;
    }
    let folder = Folder::new();
    let [target] = folder.folders(["target"]);
    let image = folder.file("image");
    scratch::create(&image, 50 * MIB).unwrap();
    assert_eq!(fs::metadata(&image).unwrap().len(), 50 * MIB);
    assert!(taken(&image) < MIB, "an empty image is sparse");
    assert_eq!(fs::metadata(&image).unwrap().mode() & 0o777, 0o600);
    scratch::mount(&image)
        .unwrap()
        .attach(None, &target)
        .unwrap();

    let size = fill(&target.join("data"));

    assert!((40 * MIB..50 * MIB).contains(&size), "{size}");
    assert_eq!(fs::metadata(&image).unwrap().len(), 50 * MIB);
}

#[test]
fn deleting_gives_room_back_to_the_host() {
    if !ready() {
        return;
    }
    let folder = Folder::new();
    let [target] = folder.folders(["target"]);
    let image = folder.file("image");
    scratch::create(&image, 50 * MIB).unwrap();
    scratch::mount(&image)
        .unwrap()
        .attach(None, &target)
        .unwrap();
    fill(&target.join("data"));
    File::open(&target)
        .and_then(|root| root.sync_all())
        .unwrap();
    assert!(taken(&image) > 40 * MIB);

    fs::remove_file(target.join("data")).unwrap();

    let end = Instant::now() + Duration::from_secs(20);
    while taken(&image) > 10 * MIB {
        assert!(
            Instant::now() < end,
            "{} bytes are still taken",
            taken(&image)
        );
        File::open(&target)
            .and_then(|root| root.sync_all())
            .unwrap();
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn root_belongs_to_the_caller_and_takes_large_attributes() {
    if !ready() {
        return;
    }
    let folder = Folder::new();
    let image = folder.file("image");
    scratch::create(&image, scratch::MINIMUM_SIZE).unwrap();
    let mount = scratch::mount(&image).unwrap();
    let root = fs::metadata(mount.path()).unwrap();
    assert_eq!(root.uid(), rustix::process::geteuid().as_raw());

    let file = mount.path().join("file");
    fs::write(&file, "1").unwrap();
    for name in ["user.large", "user.larger"] {
        let value = vec![7; 60 << 10];
        setxattr(&file, name, &value, XattrFlags::empty()).unwrap();
        let mut read = vec![0; 64 << 10];
        assert_eq!(getxattr(&file, name, &mut read[..]).unwrap(), value.len());
    }
}

#[test]
fn content_outlives_the_mount() {
    if !ready() {
        return;
    }
    let folder = Folder::new();
    let image = folder.file("image");
    scratch::create(&image, scratch::MINIMUM_SIZE).unwrap();
    for round in 0..10 {
        let mount = scratch::mount(&image).unwrap();
        let file = mount.path().join("file");
        if round > 0 {
            assert_eq!(fs::read(&file).unwrap(), b"1");
        }
        fs::write(&file, "1").unwrap();
    }
}

#[test]
fn mounted_image_is_not_mounted_again() {
    if !ready() {
        return;
    }
    let folder = Folder::new();
    let [target] = folder.folders(["target"]);
    let image = folder.file("image");
    scratch::create(&image, scratch::MINIMUM_SIZE).unwrap();
    let mut mount = scratch::mount(&image).unwrap();
    assert_eq!(scratch::attached(&image).unwrap(), None);
    assert_eq!(scratch::mount(&image).unwrap_err().kind(), Kind::Busy);
    mount.attach(None, &target).unwrap();
    drop(mount);
    assert_eq!(scratch::attached(&image).unwrap(), Some(target.clone()));
    assert_eq!(scratch::mount(&image).unwrap_err().kind(), Kind::Busy);
    let size = 2 * scratch::MINIMUM_SIZE;
    assert_eq!(
        scratch::grow(&image, None, size).unwrap_err().kind(),
        Kind::Busy
    );
    unmount(&target).unwrap();
    scratch::mount(&image).unwrap();
}

#[test]
fn image_grows_while_it_is_mounted() {
    if !ready() || !may_resize() {
        return;
    }
    let folder = Folder::new();
    let [target] = folder.folders(["target"]);
    let image = folder.file("image");
    scratch::create(&image, 32 * MIB).unwrap();
    scratch::mount(&image)
        .unwrap()
        .attach(None, &target)
        .unwrap();
    let data = target.join("data");
    let full = fill(&data);
    let content = fs::read(&data).unwrap();

    for size in [200 * MIB, 200 * MIB] {
        scratch::grow(&image, Some(&target), size).unwrap();
    }

    assert_eq!(fs::metadata(&image).unwrap().len(), 200 * MIB);
    let more = fill(&target.join("more"));
    assert!(full + more > 170 * MIB, "{more}");
    assert!(fs::read(&data).unwrap() == content);
    unmount(&target).unwrap();
    let mount = scratch::mount(&image).unwrap();
    assert!(fs::read(mount.path().join("data")).unwrap() == content);
}

#[test]
fn image_grows_at_rest() {
    if !ready() {
        return;
    }
    let folder = Folder::new();
    let image = folder.file("image");
    scratch::create(&image, 32 * MIB).unwrap();
    let mount = scratch::mount(&image).unwrap();
    let full = fill(&mount.path().join("data"));
    drop(mount);

    for size in [64 * MIB, 64 * MIB, 200 * MIB] {
        scratch::grow(&image, None, size).unwrap();
        assert_eq!(fs::metadata(&image).unwrap().len(), size);
    }

    let mount = scratch::mount(&image).unwrap();
    let more = fill(&mount.path().join("more"));
    assert!(full + more > 170 * MIB, "{more}");
    let content = fs::read(mount.path().join("data")).unwrap();
    assert!(content.iter().all(|byte| *byte == 7) && content.len() as u64 == full);
}

#[test]
fn image_grows_a_thousandfold() {
    if !ready() {
        return;
    }
    let folder = Folder::new();
    let image = folder.file("image");
    scratch::create(&image, 16 * MIB).unwrap();
    scratch::grow(&image, None, 16 << 30).unwrap();
    let mount = scratch::mount(&image).unwrap();
    let size = rustix::fs::statvfs(mount.path()).unwrap();
    assert!(size.f_blocks * size.f_frsize > 14 << 30);
    assert!(taken(&image) < 64 * MIB, "{}", taken(&image));
}

#[test]
fn shrinking_and_wrong_places_are_refused() {
    if !ready() {
        return;
    }
    let folder = Folder::new();
    let [target] = folder.folders(["target"]);
    let image = folder.file("image");
    scratch::create(&image, 32 * MIB).unwrap();
    assert_eq!(
        scratch::grow(&image, None, 31 * MIB).unwrap_err().kind(),
        Kind::Shrinks
    );
    let error = scratch::grow(&image, Some(folder.path()), 64 * MIB).unwrap_err();
    assert_eq!(error.kind(), Kind::NotFound);
    scratch::mount(&image)
        .unwrap()
        .attach(None, &target)
        .unwrap();
    let error = scratch::grow(&image, Some(&target), 31 * MIB).unwrap_err();
    assert_eq!(error.kind(), Kind::Shrinks);
    assert_eq!(fs::metadata(&image).unwrap().len(), 32 * MIB);
}

#[test]
fn bad_requests_leave_no_file() {
    let folder = Folder::new();
    let image = folder.file("image");
    let error = scratch::create(&image, scratch::MINIMUM_SIZE - 1).unwrap_err();
    assert_eq!(error.kind(), Kind::TooSmall);
    let error = scratch::create(&image, u64::MAX / 2 - 1).unwrap_err();
    assert_eq!(error.kind(), Kind::Other);
    assert!(!image.exists());
    fs::write(&image, "mine").unwrap();
    scratch::create(&image, scratch::MINIMUM_SIZE).unwrap_err();
    assert_eq!(fs::read(&image).unwrap(), b"mine");
}
