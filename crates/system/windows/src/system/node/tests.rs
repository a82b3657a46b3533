//! What Wine cannot do; each test says so there, and runs on Windows.

use std::io::{self, Read, Seek, SeekFrom, Write};

use transom_ntmeta::filetime::FileTime;
use windows_sys::Win32::Foundation::ERROR_NOT_SUPPORTED;

use crate::system::skip;
use crate::{
    BackupWriter, BasicInfo, Create, Folder, Node, NtfsFolder, NtfsNode, Privilege, Privileges,
};

/// Returns a file's backup stream; `None` after a line that says so if this host has none.
fn backup_of(node: &mut NtfsNode) -> Option<Vec<u8>> {
    let mut stream = Vec::new();
    match node.backup(true).unwrap().read_to_end(&mut stream) {
        Ok(_) => Some(stream),
        Err(error) if error.raw_os_error() == Some(ERROR_NOT_SUPPORTED.cast_signed()) => {
            skip(error);
            None
        }
        Err(error) => panic!("{error}"),
    }
}

fn with_root(test: impl FnOnce(&NtfsFolder)) {
    let wanted = [Privilege::Backup, Privilege::Restore, Privilege::Security];
    match Privileges::enable(&wanted) {
        Ok(_privileges) => {
            let place = tempfile::tempdir().unwrap();
            test(&NtfsFolder::open_root(place.path()).unwrap());
        }
        Err(error) => skip(error),
    }
}

#[test]
fn a_backup_stream_makes_the_file_again() {
    with_root(|root| {
        let mut from = root.create_file("from", Create::New).unwrap();
        from.write_all(&b"content ".repeat(20_000)).unwrap();
        let Some(stream) = backup_of(&mut from) else {
            return;
        };
        for piece in [1, 20, 4096, 1 << 20] {
            let mut to = root.create_file("to", Create::Replace).unwrap();
            let mut restore = to.restore(true).unwrap();
            for bytes in stream.chunks(piece) {
                restore.write_all(bytes).unwrap();
            }
            restore.finish().unwrap();
            assert_eq!(backup_of(&mut to).unwrap(), stream, "by {piece}");
        }
    });
}

#[test]
fn a_backup_stream_can_be_read_from_anywhere() {
    with_root(|root| {
        let mut node = root.create_file("from", Create::New).unwrap();
        node.write_all(&[7; 200_000]).unwrap();
        let Some(stream) = backup_of(&mut node) else {
            return;
        };
        let mut backup = node.backup(true).unwrap();
        for at in [150_000, 10, 0, 70_000, 69_999, stream.len()] {
            backup.seek(SeekFrom::Start(at as u64)).unwrap();
            assert_eq!(backup.stream_position().unwrap(), at as u64);
            let mut rest = Vec::new();
            backup.read_to_end(&mut rest).unwrap();
            assert_eq!(rest, &stream[at..]);
        }
        let beyond = backup.seek(SeekFrom::Start(stream.len() as u64 + 1));
        assert_eq!(beyond.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    });
}

#[test]
fn a_backup_stream_that_is_cut_off_is_an_error() {
    with_root(|root| {
        let mut node = root.create_file("from", Create::New).unwrap();
        node.write_all(b"content").unwrap();
        let Some(stream) = backup_of(&mut node) else {
            return;
        };
        let mut to = root.create_file("to", Create::New).unwrap();
        let mut restore = to.restore(true).unwrap();
        restore.write_all(&stream[..stream.len() - 1]).unwrap();
        let error = restore.finish().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    });
}

#[test]
fn a_reparse_point_is_told_about_and_never_followed() {
    /// A mount point that leads to `C:\` (MS-FSCC 2.1.2.5), as a backup stream.
    fn mount_point() -> Vec<u8> {
        let target: Vec<u8> = r"\??\C:\"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let mut data = Vec::new();
        for field in [0, target.len(), target.len() + 2, 0] {
            data.extend((field as u16).to_le_bytes());
        }
        data.extend(&target);
        data.extend([0; 4]);
        let mut stream = vec![8, 0, 0, 0, 0, 0, 0, 0];
        stream.extend((data.len() as u64 + 8).to_le_bytes());
        stream.extend([0; 4]);
        stream.extend(0xa000_0003_u32.to_le_bytes());
        stream.extend((data.len() as u32).to_le_bytes());
        stream.extend(data);
        stream
    }

    with_root(|root| {
        let mut probe = root.create_file("probe", Create::New).unwrap();
        if backup_of(&mut probe).is_none() {
            return;
        }
        let mut node = root.create_folder("away").unwrap();
        let mut restore = node.restore(false).unwrap();
        restore.write_all(&mount_point()).unwrap();
        restore.finish().unwrap();
        drop(node);

        assert_ne!(root.attributes("away").unwrap() & 0x400, 0);
        assert!(root.attributes("away/Windows").is_err());
        assert!(root.open("away/Windows").is_err());
        assert!(root.list("away/Windows").is_err());
        assert!(root.create_file("away/a", Create::New).is_err());
        assert!(root.create_folder("away/a").is_err());
        assert!(root.remove("away/a").is_err());
        assert!(root.link("away/a", root, "probe").is_err());
        let mut stream = Vec::new();
        let mut node = root.open("away").unwrap();
        node.backup(false)
            .unwrap()
            .read_to_end(&mut stream)
            .unwrap();
        assert_eq!(stream, mount_point());
        drop(node);
        root.remove("away").unwrap();
    });
}

#[test]
fn all_four_times_are_kept() {
    with_root(|root| {
        let mut node = root.create_file("a", Create::New).unwrap();
        if backup_of(&mut node).is_none() {
            return;
        }
        let time = |number: i64| FileTime(132_000_000_000_000_000 + number);
        let info = BasicInfo {
            creation: time(1),
            last_access: time(2),
            last_write: time(3),
            change: time(4),
            attributes: 0x2022,
        };
        node.set_basic_info(&info).unwrap();
        assert_eq!(node.basic_info().unwrap(), info);
    });
}

/// What Wine has no backup streams for still shows that errors come through, and that nothing is left open.
#[test]
fn a_node_is_of_use_after_its_backup_failed() {
    with_root(|root| {
        let mut node = root.create_file("a", Create::New).unwrap();
        node.write_all(b"content").unwrap();
        let error = node
            .backup(true)
            .unwrap()
            .seek(SeekFrom::End(0))
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
        let mut restore = node.restore(true).unwrap();
        let error = restore.write_all(&[0xff; 20]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(restore.finish().is_err());
        node.rewind().unwrap();
        let mut content = String::new();
        node.read_to_string(&mut content).unwrap();
        assert_eq!(content, "content");
    });
}
