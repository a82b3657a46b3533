//! Images by `mkfs.erofs`: 4 KiB blocks, compact inodes, inline data, block maps, blob devices.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use rustix::fs::{XattrFlags, setxattr};
use tempfile::TempDir;
use transom_erofs::{FileKind, Image, Location, OpenError};

use crate::read_back::{read_data, resolve};
use crate::tree::noise;

fn sample_folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let at = |path: &str| folder.path().join(path);
    fs::create_dir_all(at("dir/deep/deeper")).unwrap();
    fs::write(at("empty"), b"").unwrap();
    fs::write(at("dir/small"), noise(100, 1)).unwrap();
    fs::write(at("dir/block"), noise(4096, 2)).unwrap();
    fs::write(at("dir/deep/large"), noise(100_001, 3)).unwrap();
    fs::set_permissions(at("dir/small"), fs::Permissions::from_mode(0o751)).unwrap();
    fs::hard_link(at("dir/small"), at("dir/deep/linked")).unwrap();
    symlink("dir/small", at("link")).unwrap();
    for number in 0..500 {
        fs::write(
            at(&format!("dir/deep/deeper/file-{number}")),
            [number as u8],
        )
        .unwrap();
    }
    let mut sparse = File::create(at("sparse")).unwrap();
    sparse.write_all(&noise(5000, 4)).unwrap();
    sparse.set_len(1 << 20).unwrap();
    for path in ["dir/small", "dir/block", "dir"] {
        // Some file systems for temporary files have no user attributes; then there are none to compare.
        let _ = setxattr(at(path), "user.shared", &noise(200, 5), XattrFlags::empty());
        let _ = setxattr(at(path), "user.own", path.as_bytes(), XattrFlags::empty());
    }
    folder
}

/// Makes an image of `folder`; `false`, with a line that says why, where there is no mkfs.erofs.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn mkfs(image: &Path, folder: &Path, options: &[&str]) -> bool {
    match Command::new("mkfs.erofs")
        .args(options)
        .arg(image)
        .arg(folder)
        .output()
    {
        Ok(output) => {
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
            true
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            eprintln!("skipped: mkfs.erofs is not installed");
            false
        }
        Err(error) => panic!("cannot run mkfs.erofs: {error}"),
    }
}

fn compare(image: &Image<File>, devices: &[Vec<u8>], root: &Path) {
    let mut pending = vec![String::new()];
    let mut count = 0;
    while let Some(path) = pending.pop() {
        let at = root.join(&path);
        let inode = resolve(image, path.as_bytes()).unwrap_or_else(|| panic!("{path} not found"));
        let stat = fs::symlink_metadata(&at).unwrap();
        assert_eq!(
            u32::from(inode.permissions),
            stat.mode() & 0o7777,
            "mode of {path}"
        );
        assert_eq!(
            (inode.uid, inode.gid),
            (stat.uid(), stat.gid()),
            "owner of {path}"
        );
        assert_eq!(u64::from(inode.nlink), stat.nlink(), "links of {path}");
        let mut buffer = vec![0u8; 4096];
        let length = rustix::fs::llistxattr(&at, &mut buffer[..]).unwrap_or(0);
        let names = buffer[..length]
            .split(|byte| *byte == 0)
            .filter(|name| !name.is_empty());
        let mut want = BTreeMap::new();
        for name in names {
            let mut value = vec![0u8; 4096];
            let length = rustix::fs::lgetxattr(&at, name, &mut value[..]).unwrap();
            want.insert(name.to_vec(), value[..length].to_vec());
        }
        assert_eq!(
            BTreeMap::from_iter(image.xattrs(&inode).unwrap()),
            want,
            "{path}"
        );
        match inode.kind {
            FileKind::Directory => {
                let names = image
                    .read_dir(&inode)
                    .unwrap()
                    .map(|entry| entry.unwrap().name);
                let names: Vec<_> = names.map(|name| String::from_utf8(name).unwrap()).collect();
                let listed = fs::read_dir(&at).unwrap();
                let mut want: Vec<_> = listed
                    .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                    .collect();
                want.sort();
                assert_eq!(names, want, "entries of {path}");
                let join = |name: String| {
                    if path.is_empty() {
                        name
                    } else {
                        format!("{path}/{name}")
                    }
                };
                pending.extend(names.into_iter().map(join));
            }
            FileKind::Symlink => {
                let want = fs::read_link(&at)
                    .unwrap()
                    .into_os_string()
                    .into_encoded_bytes();
                assert_eq!(image.symlink_target(&inode).unwrap(), want);
            }
            _ => assert!(
                read_data(image, &inode, devices) == fs::read(&at).unwrap(),
                "{path}"
            ),
        }
        count += 1;
    }
    assert_eq!(
        image.walk(10).unwrap().map(Result::unwrap).count() + 1,
        count
    );
}

#[test]
fn images_by_mkfs_are_read() {
    let (folder, out) = (sample_folder(), TempDir::new().unwrap());
    let variants: [&[&str]; 4] = [
        &[],
        &["--ignore-mtime", "-T0"],
        &["--chunksize=4096"],
        &["-x-1", "--chunksize=65536"],
    ];
    for (number, options) in variants.into_iter().enumerate() {
        let path = out.path().join(number.to_string());
        if !mkfs(&path, folder.path(), options) {
            return;
        }
        let image = Image::open(File::open(&path).unwrap()).unwrap();
        assert_eq!(image.block_size(), 4096);
        if options.contains(&"-x-1") {
            assert_eq!(image.xattrs(&resolve(&image, b"dir").unwrap()).unwrap(), []);
        } else {
            compare(&image, &[], folder.path());
        }
    }
}

#[test]
fn image_with_a_blob_device_by_mkfs_is_read() {
    let (folder, out) = (sample_folder(), TempDir::new().unwrap());
    let (path, blob) = (out.path().join("image"), out.path().join("blob"));
    let blob_option = format!("--blobdev={}", blob.display());
    if mkfs(&path, folder.path(), &["--chunksize=4096", &blob_option]) {
        let image = Image::open(File::open(&path).unwrap()).unwrap();
        compare(&image, &[fs::read(blob).unwrap()], folder.path());
        let large = resolve(&image, b"dir/deep/large").unwrap();
        let run = image.extents(&large).unwrap().next().unwrap().unwrap();
        assert!(matches!(run.location, Location::Device { id, .. } if id.number() == 1));
    }
}

#[test]
fn compressed_image_by_mkfs_is_refused_by_name() {
    let (folder, out) = (sample_folder(), TempDir::new().unwrap());
    fs::write(folder.path().join("zeros"), vec![b'z'; 200_000]).unwrap();
    let path = out.path().join("image");
    if mkfs(&path, folder.path(), &["-zlz4"]) {
        let message = match Image::open(File::open(&path).unwrap()) {
            Err(error @ OpenError::Feature { .. }) => error.to_string(),
            Err(error) => panic!("{error}"),
            // Without configurations, the superblock does not tell; the inode does.
            Ok(image) => {
                let entry = image
                    .lookup(&image.root().unwrap(), b"zeros")
                    .unwrap()
                    .unwrap();
                image.inode(entry.nid).unwrap_err().to_string()
            }
        };
        assert!(message.contains("compress"), "{message}");
    }
}
