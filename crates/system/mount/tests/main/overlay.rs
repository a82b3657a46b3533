//! Overlays over EROFS images.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{XattrFlags, getxattr, setxattr};
use rustix::mount::{MountFlags, mount};
use transom_mount::{Detached, Kind, Lower, MountError, Overlay, Via, erofs, overlay, unmount};

use crate::support::{ATTRIBUTE, Folder, Image, assert_reads, data, ready};

/// The folders of an overlay, not yet mounted.
struct Folders {
    upper: PathBuf,
    work: PathBuf,
    target: PathBuf,
}

impl Folders {
    fn new(folder: &Folder) -> Self {
        let [upper, work, target] = folder.folders(["upper", "work", "target"]);
        Self {
            upper,
            work,
            target,
        }
    }

    fn mount(&self, lower: Detached) -> Result<(Detached, Vec<String>), MountError> {
        overlay(Overlay {
            lower: Lower::Mount(lower),
            upper: &self.upper,
            work: &self.work,
            staging: &self.target,
            source: "transom:test",
        })
    }

    fn attach(&self, lower: Detached) {
        let (mut mount, notes) = self.mount(lower).unwrap();
        assert_eq!(notes, [] as [&str; 0]);
        mount.attach(None, &self.target).unwrap();
    }
}

#[test]
fn changes_go_to_the_upper_and_outlive_the_mount() {
    if !ready() {
        return;
    }
    let folder = Folder::new();
    let image = Image::new(folder.path(), 3);
    let folders = Folders::new(&folder);
    folders.attach(image.mount());
    let files = folders.target.join("Files");
    fs::write(files.join("0"), "changed").unwrap();
    fs::remove_file(files.join("1")).unwrap();
    fs::rename(&files, folders.target.join("Moved")).unwrap();
    assert_eq!(fs::read(folders.upper.join("Moved/0")).unwrap(), b"changed");
    assert_reads(&image.mount().path(), 3);
    unmount(&folders.target).unwrap();

    // An upper knows its lower by UUID, whatever it is mounted through.
    let (lower, _) = erofs(&image.index, &image.devices, Some(Via::Loop)).unwrap();
    folders.attach(lower);

    let moved = folders.target.join("Moved");
    assert_eq!(fs::read(moved.join("0")).unwrap(), b"changed");
    assert_eq!(fs::read(moved.join("2")).unwrap(), data(2));
    assert!(!moved.join("1").exists());
}

#[test]
fn attributes_are_kept_when_only_metadata_changes() {
    if !ready() {
        return;
    }
    let folder = Folder::new();
    let folders = Folders::new(&folder);
    folders.attach(Image::new(folder.path(), 1).mount());
    let file = folders.target.join("Files/0");

    fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();

    let copy = folders.upper.join("Files/0");
    getxattr(&copy, "trusted.overlay.metacopy", &mut [0; 64][..]).expect("data is not copied");
    for path in [&file, &copy] {
        let mut value = [0; 16];
        let length = getxattr(path, ATTRIBUTE, &mut value[..]).unwrap();
        assert_eq!(&value[..length], b"AQAA");
    }
    assert_eq!(fs::read(&file).unwrap(), data(0));
}

#[test]
fn inode_numbers_and_hard_links_survive_a_change() {
    if !ready() {
        return;
    }
    let folder = Folder::new();
    let image = Image::with(folder.path(), 1, [7; 16], |builder, files| {
        builder
            .link(builder.root(), b"second name", files[0])
            .unwrap();
    });
    let folders = Folders::new(&folder);
    folders.attach(image.mount());
    let [a, b] = ["Files/0", "second name"].map(|name| folders.target.join(name));
    let identity = |path: &Path| {
        let metadata = fs::metadata(path).unwrap();
        (metadata.dev(), metadata.ino())
    };
    let before = identity(&a);

    fs::write(&a, "two").unwrap();

    assert_eq!(fs::read(&b).unwrap(), b"two");
    assert_eq!(identity(&a), before);
    assert_eq!(identity(&b), before);
    assert_eq!(before.0, identity(&folders.target).0);
}

#[test]
fn overlay_is_known_by_its_source_at_every_place() {
    if !ready() {
        return;
    }
    let folder = Folder::new();
    let folders = Folders::new(&folder);
    let [raw, volume] = folder.folders(["raw", "volume"]);
    let (mut mount, _) = folders.mount(Image::new(folder.path(), 1).mount()).unwrap();
    mount.attach(None, &raw).unwrap();
    mount.attach(Some(Path::new("Files")), &volume).unwrap();
    drop(mount);

    fs::write(volume.join("new"), "1").unwrap();

    assert_eq!(fs::read(raw.join("Files/new")).unwrap(), b"1");
    let mounts = folder.mounts();
    assert_eq!(mounts.len(), 2);
    for mounted in mounts {
        assert_eq!(
            (mounted.source.to_str(), mounted.file_system.to_str()),
            (Some("transom:test"), Some("overlay"))
        );
        for option in ["index=on", "metacopy=on", "redirect_dir=on", "xino=on"] {
            assert!(
                mounted.file_system_options.iter().any(|has| has == option),
                "{option}"
            );
        }
        for option in ["rw", "nosuid", "nodev"] {
            assert!(mounted.options.iter().any(|has| has == option), "{option}");
        }
    }
}

#[test]
fn upper_and_work_belong_to_one_overlay_at_a_time() {
    if !ready() {
        return;
    }
    let folder = Folder::new();
    let image = Image::new(folder.path(), 1);
    let folders = Folders::new(&folder);
    folders.attach(image.mount());
    let [upper, work] = folder.folders(["other upper", "other work"]);
    for (upper, work) in [(&folders.upper, &work), (&upper, &folders.work)] {
        let others = Folders {
            upper: upper.clone(),
            work: work.clone(),
            target: folders.target.clone(),
        };
        let error = others.mount(image.mount()).unwrap_err();
        assert_eq!(error.kind(), Kind::Busy, "{error}");
    }
}

#[test]
fn upper_is_refused_over_another_image() {
    if !ready() {
        return;
    }
    let folder = Folder::new();
    let folders = Folders::new(&folder);
    drop(folders.mount(Image::new(folder.path(), 1).mount()).unwrap());
    let other = Image::with(folder.path(), 1, [8; 16], |_, _| {});
    let error = folders.mount(other.mount()).unwrap_err();
    assert_eq!(error.kind(), Kind::Other);
    assert!(error.to_string().contains("Stale"), "{error}");
}

#[test]
fn folders_may_have_long_names_with_any_character() {
    if !ready() {
        return;
    }
    let folder = Folder::new();
    let long = "a long name, with a comma: and more\\".repeat(6);
    let [long] = folder.folders([&format!("{long}/{long}")]);
    let [upper, work] = ["upper", "work"].map(|name| long.join(name));
    fs::create_dir(&upper).unwrap();
    fs::create_dir(&work).unwrap();
    let [target] = folder.folders(["target"]);
    let folders = Folders {
        upper,
        work,
        target,
    };
    let (mount, _) = folders.mount(Image::new(folder.path(), 1).mount()).unwrap();
    fs::write(mount.path().join("new"), "1").unwrap();
    assert_eq!(fs::read(folders.upper.join("new")).unwrap(), b"1");
}

#[test]
fn upper_on_an_overlay_or_without_attributes_is_unsupported() {
    if !ready() {
        return;
    }
    let folder = Folder::new();
    let image = Image::new(folder.path(), 1);
    let folders = Folders::new(&folder);
    folders.attach(image.mount());
    let [memory] = folder.folders(["memory"]);
    mount("none", &memory, "ramfs", MountFlags::empty(), None).unwrap();
    for (place, lack) in [(&folders.target, "is an overlay"), (&memory, "attributes")] {
        let [upper, work] = ["upper", "work"].map(|name| place.join(name));
        fs::create_dir(&upper).unwrap();
        fs::create_dir(&work).unwrap();
        let target = folders.target.clone();
        let unfit = Folders {
            upper,
            work,
            target,
        };
        let error = unfit.mount(image.mount()).unwrap_err();
        assert_eq!(error.kind(), Kind::Unsupported);
        assert!(error.to_string().contains(lack), "{error}");
    }
}

#[test]
fn message_has_the_step_and_the_reason_that_the_kernel_gives() {
    if !ready() {
        return;
    }
    let folder = Folder::new();
    let mut folders = Folders::new(&folder);
    folders.upper = folder.file("file");
    fs::write(&folders.upper, "").unwrap();
    let lower = Image::new(folder.path(), 1).mount();
    let message = folders.mount(lower).unwrap_err().to_string();
    assert!(
        message.starts_with("cannot set the option upperdir for /"),
        "{message}"
    );
    assert!(message.contains("(the kernel says: overlay: "), "{message}");
}

#[test]
fn large_attributes_reach_an_upper_in_a_scratch_image() {
    if !ready() {
        return;
    }
    let folder = Folder::new();
    let image = Image::new(folder.path(), 1);
    let [scratch, target] = folder.folders(["scratch", "target"]);
    let path = folder.file("scratch.img");
    transom_mount::scratch::create(&path, 32 << 20).unwrap();
    transom_mount::scratch::mount(&path)
        .unwrap()
        .attach(None, &scratch)
        .unwrap();
    let [upper, work] = folder.folders(["scratch/upper", "scratch/work"]);
    let folders = Folders {
        upper,
        work,
        target,
    };
    folders.attach(image.mount());
    let value = vec![7; 60 << 10];
    setxattr(
        folders.target.join("Files/0"),
        "user.large",
        &value,
        XattrFlags::empty(),
    )
    .unwrap();
    let mut read = vec![0; 64 << 10];
    let length = getxattr(folders.upper.join("Files/0"), "user.large", &mut read[..]).unwrap();
    assert_eq!(read[..length], value);
}
