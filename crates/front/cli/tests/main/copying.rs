//! cp

use std::fs;
use std::path::Path;

use crate::support::{HELLO, Home};

#[test]
fn a_folder_is_copied_with_all_below_it() {
    let home = Home::with_sample();
    let dest = home.path("copy");
    let source = format!("{HELLO}:C:\\hello");
    home.ok(["cp".as_ref(), source.as_ref(), dest.as_os_str()]);
    let program = fs::read(dest.join("hello.exe")).unwrap();
    assert_eq!(&program[..2], b"MZ");
    let to_docs = Path::new("..").join("Data").join("docs");
    if home.makes_links() {
        assert_eq!(fs::read_link(dest.join("docs")).unwrap(), to_docs);
    } else {
        println!("skipped: this user, or this system, makes no symbolic links");
    }
    let modified = fs::metadata(dest.join("hello.exe"))
        .unwrap()
        .modified()
        .unwrap();
    let seconds = modified
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    assert_eq!(seconds, 1_704_672_060, "2024-01-08T00:01:00Z");
}

#[test]
fn into_a_folder_that_exists_the_name_is_kept() {
    let home = Home::with_sample();
    let dest = home.path("into");
    fs::create_dir(&dest).unwrap();
    let source = format!("{HELLO}:/hello/hello.exe");
    home.ok(["cp".as_ref(), source.as_ref(), dest.as_os_str()]);
    assert!(dest.join("hello.exe").exists());
    let source = format!("{HELLO}:/hello/hello.exe:greeting");
    home.ok([
        "cp".as_ref(),
        source.as_ref(),
        dest.join("greeting.txt").as_os_str(),
    ]);
    assert!(
        fs::read_to_string(dest.join("greeting.txt"))
            .unwrap()
            .contains("greeting")
    );
}

#[test]
fn wildcards_copy_what_matches() {
    let home = Home::with_sample();
    let dest = home.path("into");
    fs::create_dir(&dest).unwrap();
    let source = format!("{HELLO}:C:\\data\\*.TXT");
    home.ok(["cp".as_ref(), source.as_ref(), dest.as_os_str()]);
    assert!(dest.join("notes.txt").exists() && dest.join("日本語.txt").exists());
    assert!(!dest.join("sparse.bin").exists());
    let source = format!("{HELLO}:C:\\data\\*.nothing");
    home.fails(["cp".as_ref(), source.as_ref(), dest.as_os_str()]);
}

#[test]
fn metadata_that_is_left_is_told() {
    let home = Home::with_sample();
    let source = format!("{HELLO}:/hello/hello.exe");
    let plain = home.run([
        "cp".as_ref(),
        source.as_ref(),
        home.path("plain").as_os_str(),
    ]);
    assert!(String::from_utf8_lossy(&plain.stderr).contains("2 alternate streams were not copied"));
}

#[cfg(unix)]
#[test]
fn metadata_is_copied_when_asked_for() {
    let home = Home::with_sample();
    let source = format!("{HELLO}:/hello/hello.exe");
    let dest = home.path("whole");
    let output = home.run([
        "cp".as_ref(),
        "--metadata".as_ref(),
        source.as_ref(),
        dest.as_os_str(),
    ]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    if stderr.contains("Operation not supported") {
        println!("skipped: the folder for temporary files keeps no extended attributes");
        return;
    }
    assert!(output.status.success(), "{stderr}");
    assert!(home.path("whole:greeting").exists());
    let mut value = [0; 64];
    let length = rustix::fs::getxattr(&dest, "user.MSWINDOWS.fileattr", &mut value[..]).unwrap();
    assert_eq!(&value[..length], b"32");
}

#[cfg(windows)]
#[test]
fn an_absolute_link_is_left_and_told() {
    let home = Home::with_sample();
    let dest = home.path("copy");
    let source = format!("{HELLO}:C:\\hello");
    let output = home.run(["cp".as_ref(), source.as_ref(), dest.as_os_str()]);
    assert!(output.status.success());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("links were not copied"), "{stderr}");
    assert!(!dest.join("data").exists());
}

#[cfg(unix)]
#[test]
fn a_link_in_the_destination_leads_nowhere() {
    let home = Home::with_sample();
    let (outside, dest) = (home.path("outside"), home.path("dest"));
    fs::create_dir(&outside).unwrap();
    fs::create_dir(&dest).unwrap();
    // The image's folder Files/HELLO would be written through this.
    std::os::unix::fs::symlink(&outside, dest.join("HELLO")).unwrap();
    let source = format!("{HELLO}:/hello");
    let stderr = home.fails(["cp".as_ref(), source.as_ref(), dest.as_os_str()]);
    assert!(stderr.contains("in the way"), "{stderr}");
    // A file is replaced, not written through.
    std::os::unix::fs::symlink(outside.join("x"), dest.join("hello.exe")).unwrap();
    let source = format!("{HELLO}:/hello/hello.exe");
    home.ok(["cp".as_ref(), source.as_ref(), dest.as_os_str()]);
    assert_eq!(outside.read_dir().unwrap().count(), 0);
    assert!(dest.join("hello.exe").symlink_metadata().unwrap().is_file());
}
