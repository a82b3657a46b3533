use std::os::unix::ffi::OsStrExt;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Writes a line as the kernel does: `mangle` for paths, `seq_show_option` for options.
fn write(mounted: &Mounted) -> Vec<u8> {
    let list = |options: &[OsString]| {
        let options: Vec<_> = options.iter().map(|option| escape(option)).collect();
        options.join(&b',')
    };
    let mut line = format!(
        "{} {} {}:{} ",
        mounted.id, mounted.parent, mounted.device.0, mounted.device.1
    )
    .into_bytes();
    let mut fields = vec![
        escape(mounted.root.as_os_str()),
        escape(mounted.target.as_os_str()),
        list(&mounted.options),
    ];
    fields.extend(mounted.propagation.iter().map(|relation| escape(relation)));
    fields.push(b"-".to_vec());
    fields.push(escape(&mounted.file_system));
    fields.push(escape(&mounted.source));
    fields.push(list(&mounted.file_system_options));
    line.extend(fields.join(&b' '));
    line.push(b'\n');
    line
}

fn escape(text: &std::ffi::OsStr) -> Vec<u8> {
    let mut escaped = Vec::new();
    for byte in text.as_bytes() {
        if b" \t\n\\#,".contains(byte) {
            escaped.extend(format!("\\{byte:03o}").into_bytes());
        } else {
            escaped.push(*byte);
        }
    }
    escaped
}

fn text(shortest: usize) -> impl Strategy<Value = OsString> {
    let byte = prop_oneof![
        4 => prop::sample::select(b" \t\n\\#,-:014/=ax".to_vec()),
        1 => any::<u8>(),
    ];
    vec(byte, shortest..12).prop_map(OsString::from_vec)
}

fn mounted() -> impl Strategy<Value = Mounted> {
    let relation = text(1).prop_filter("the separator", |text| text != "-");
    (
        any::<(u32, u32, (u32, u32))>(),
        (text(1), text(1), vec(text(1), 0..4)),
        vec(relation, 0..3),
        (text(1), text(0), vec(text(1), 0..4)),
    )
        .prop_map(
            |((id, parent, device), (root, target, options), propagation, last)| Mounted {
                id,
                parent,
                device,
                root: root.into(),
                target: target.into(),
                options,
                propagation,
                file_system: last.0,
                source: last.1,
                file_system_options: last.2,
            },
        )
}

proptest! {
    #[test]
    fn what_the_kernel_writes_is_read_back(mounts in vec(mounted(), 0..5)) {
        let lines: Vec<u8> = mounts.iter().flat_map(write).collect();
        prop_assert_eq!(parse_table(&lines), Ok(mounts));
    }

    #[test]
    fn any_bytes_give_mounts_or_an_error_at_one_of_their_lines(
        bytes in vec(prop_oneof![prop::sample::select(b" -:,\\017\nab".to_vec()), any::<u8>()], 0..200)
    ) {
        let lines = bytes.split(|byte| *byte == b'\n').count();
        match parse_table(&bytes) {
            Ok(mounts) => prop_assert!(mounts.len() <= lines),
            Err(error) => prop_assert!((1..=lines).contains(&error.line)),
        }
    }
}

#[test]
fn optional_fields_may_be_none_or_many() {
    let lines = b"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:7 - ext3 /dev/root rw,errors=continue\n\
        37 35 0:40 / /a\\040b\\134c ro - overlay transom:x rw,upperdir=/x\\054y\n";
    let mounts = parse_table(lines).unwrap();
    assert_eq!(mounts[0].propagation, ["master:1", "shared:7"]);
    assert_eq!(mounts[0].root, Path::new("/mnt1"));
    assert_eq!(mounts[0].file_system_options, ["rw", "errors=continue"]);
    assert_eq!(mounts[1].propagation, [] as [&str; 0]);
    assert_eq!(mounts[1].target, Path::new("/a b\\c"));
    assert_eq!(mounts[1].file_system_options, ["rw", "upperdir=/x,y"]);
}

#[test]
fn backslashes_that_begin_no_escape_stand_for_themselves() {
    for plain in ["\\", "\\04", "\\400", "\\089", "a\\", "\\x41"] {
        assert_eq!(unescape(plain.as_bytes()), plain);
    }
    assert_eq!(unescape(b"\\377\\000").as_bytes(), [0xff, 0]);
}

#[test]
fn missing_fields_are_named_with_their_line() {
    let whole = "36 35 98:0 / /mnt rw - ext4 /dev/root rw";
    for (line, what) in [
        (
            "x 35 98:0 / /mnt rw - ext4 /dev/root rw",
            "the number of the mount",
        ),
        ("36", "the number of the parent"),
        (
            "36 35 98 / /mnt rw - ext4 /dev/root rw",
            "the device number",
        ),
        ("36 35 98:0", "the root"),
        ("36 35 98:0 / /mnt", "the options of the mount"),
        ("36 35 98:0 / /mnt rw shared:1", "the separator"),
        ("36 35 98:0 / /mnt rw - ext4", "the source"),
        (
            "36 35 98:0 / /mnt rw - ext4 /dev/root",
            "the options of the file system",
        ),
    ] {
        let error = parse_table(format!("{whole}\n{line}\n").as_bytes()).unwrap_err();
        assert_eq!(error, TableError { line: 2, what });
    }
}
