//! The archives of Go's `archive/tar` tests, read as Go reads them.

use std::fs;
use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};

use super::*;
use crate::parse::{EntryKind, Format};
use crate::write::{Header, Writer};

/// The folder of test archives; `None`, with a note, where it is not there.
fn fixtures() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/fixtures/tar");
    if folder.is_dir() {
        return Some(folder);
    }
    skipped();
    None
}

#[expect(clippy::print_stderr, reason = "a test that did not run says so")]
fn skipped() {
    eprintln!("skipped: fixtures not present");
}

fn load(name: &str) -> Option<Vec<u8>> {
    fixtures().map(|folder| fs::read(folder.join(name)).expect("the fixtures are readable"))
}

/// Reads everything: entries and their content.
fn read(bytes: &[u8]) -> Result<Vec<(Entry, Vec<u8>)>, ReadError> {
    let mut reader = Reader::new(bytes, Limits::default());
    let mut all = Vec::new();
    while let Some(entry) = reader.next_entry()? {
        let mut content = Vec::new();
        // The two archives of 60 GB are all hole.
        if entry.size < 1 << 20 {
            reader
                .contents(&entry)
                .read_to_end(&mut content)
                .map_err(|e| reader.io_error(e))?;
        }
        all.push((entry, content));
    }
    Ok(all)
}

/// One line per entry with every field that is not empty.
fn describe(entry: &Entry) -> String {
    let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
    let time =
        |t: Option<transom_ntmeta::filetime::UnixTime>| t.map_or("-".to_owned(), |t| t.to_pax());
    let mut line = format!(
        "{} {:?} {:o} {}:{} {} m={} a={} c={} {:?}",
        text(&entry.name),
        char::from(entry.typeflag),
        entry.mode,
        entry.uid,
        entry.gid,
        entry.size,
        time(Some(entry.mtime)),
        time(entry.atime),
        time(entry.ctime),
        entry.format,
    );
    for (what, value) in [
        ("->", &entry.link_name),
        ("u=", &entry.uname),
        ("g=", &entry.gname),
    ] {
        if !value.is_empty() {
            line += &format!(" {what}{}", text(value));
        }
    }
    if (entry.dev_major, entry.dev_minor) != (0, 0) {
        line += &format!(" dev={},{}", entry.dev_major, entry.dev_minor);
    }
    line
}

/// Every archive that Go reads, and what it reads: name, flag, mode, owner, size, times, format, and the rest.
fn readable() -> Vec<(&'static str, Vec<String>)> {
    let lines = |lines: &[&str]| lines.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>();
    let smileys = r"\xe2\x98\xba\xe2\x98\xbb\xe2\x98\xb9".repeat(18);
    let numbers: String = (1..=100).map(|n| n.to_string()).collect();
    let header_only = [
        "dir/ '5' 750 319973:5000 0 m=1442273732 a=- c=- Gnu u=joetsai g=eng",
        "fifo '6' 640 319973:5000 0 m=1442273806 a=- c=- Gnu u=joetsai g=eng",
        "file '0' 640 319973:5000 46 m=1442273747 a=- c=- Gnu u=joetsai g=eng",
        "hardlink '1' 640 319973:5000 0 m=1442273747 a=- c=- Gnu ->file u=joetsai g=eng",
        "null '3' 666 319973:5000 0 m=1442264573 a=- c=- Gnu u=joetsai g=eng dev=1,3",
        "sda '4' 660 319973:5000 0 m=1442264573 a=- c=- Gnu u=joetsai g=eng dev=8,0",
        "symlink '2' 777 319973:5000 0 m=1442273756 a=- c=- Gnu ->file u=joetsai g=eng",
        "badlink '2' 777 319973:5000 0 m=1442274044 a=- c=- Gnu ->missing u=joetsai g=eng",
    ];
    vec![
        (
            "file-and-dir.tar",
            lines(&[
                "small.txt '0' 0 0:0 5 m=0 a=- c=- Ustar",
                "dir/ '5' 0 0:0 0 m=0 a=- c=- Ustar",
            ]),
        ),
        (
            "gnu-incremental.tar",
            lines(&[
                "test2/ 'D' 40755 1000:1000 14 m=1441973427 a=1441974501 c=1441973436 Gnu u=rawr g=dsnet",
                "test2/foo '0' 100644 1000:1000 64 m=1441973363 a=1441974501 c=1441973436 Gnu u=rawr g=dsnet",
                "test2/sparse 'S' 100644 1000:1000 536870912 m=1441973427 a=1441991948 c=1441973436 Gnu u=rawr g=dsnet",
            ]),
        ),
        (
            "gnu-long-nul.tar",
            lines(&["0123456789 '0' 644 1000:1000 0 m=1486082191 a=- c=- Gnu u=rawr g=dsnet"]),
        ),
        (
            "gnu-multi-hdrs.tar",
            lines(&[
                "GNU2/GNU2/long-path-name '2' 0 0:0 0 m=0 a=- c=- Gnu ->GNU4/GNU4/long-linkpath-name",
            ]),
        ),
        (
            "gnu-nil-sparse-data.tar",
            lines(&["sparse.db 'S' 0 0:0 1000 m=0 a=- c=- Gnu"]),
        ),
        (
            "gnu-nil-sparse-hole.tar",
            lines(&["sparse.db 'S' 0 0:0 1000 m=0 a=- c=- Gnu"]),
        ),
        (
            "gnu-not-utf8.tar",
            lines(&[r"hi\x80\x81\x82\x83bye '0' 644 1000:1000 0 m=0 a=- c=- Gnu u=rawr g=dsnet"]),
        ),
        (
            "gnu-sparse-big.tar",
            lines(&["gnu-sparse 'S' 0 0:0 60000000000 m=0 a=- c=- Gnu"]),
        ),
        (
            "gnu-utf8.tar",
            vec![format!(
                r"{smileys} '0' 644 1000:1000 0 m=0 a=- c=- Gnu u=\xe2\x98\xba g=\xe2\x9a\xb9"
            )],
        ),
        (
            "gnu.tar",
            lines(&[
                "small.txt '0' 640 73025:5000 5 m=1244428340 a=- c=- Gnu u=dsymonds g=eng",
                "small2.txt '0' 640 73025:5000 11 m=1244436044 a=- c=- Gnu u=dsymonds g=eng",
            ]),
        ),
        (
            "hardlink.tar",
            lines(&[
                "file.txt '0' 644 1000:100 15 m=1425484303 a=- c=- Ustar u=vbatts g=users",
                "hard.txt '1' 644 1000:100 0 m=1425484303 a=- c=- Ustar ->file.txt u=vbatts g=users",
            ]),
        ),
        // The second half has sizes in headers that have no data; they are not believed.
        ("hdr-only.tar", lines(&[header_only, header_only].concat())),
        (
            "invalid-go17.tar",
            vec![format!(
                r"{}/foo '\0' 0 2097152:0 0 m=0 a=- c=- Unknown",
                "a".repeat(97)
            )],
        ),
        (
            "nil-uid.tar",
            lines(&["P1050238.JPG.log '0' 664 0:0 14 m=1365454838 a=- c=- Gnu u=eyefi g=eyefi"]),
        ),
        (
            "pax-global-records.tar",
            lines(&[
                "GlobalHead.0.0 'g' 0 0:0 0 m=0 a=- c=- Pax",
                "file1 '0' 0 0:0 0 m=0 a=- c=- Ustar",
                "file2 '0' 0 0:0 0 m=0 a=- c=- Pax",
                "GlobalHead.0.0 'g' 0 0:0 0 m=0 a=- c=- Pax",
                "file3 '0' 0 0:0 0 m=0 a=- c=- Ustar",
                "file4 '0' 0 0:0 0 m=1400000000 a=- c=- Pax",
            ]),
        ),
        (
            "pax-multi-hdrs.tar",
            lines(&["bar '2' 0 0:0 0 m=0 a=- c=- Pax ->PAX4/PAX4/long-linkpath-name"]),
        ),
        (
            "pax-nil-sparse-data.tar",
            lines(&["sparse.db '0' 0 0:0 1000 m=0 a=- c=- Pax"]),
        ),
        (
            "pax-nil-sparse-hole.tar",
            lines(&["sparse.db '0' 0 0:0 1000 m=0 a=- c=- Pax"]),
        ),
        ("pax-path-hdr.tar", vec![]),
        (
            "pax-pos-size-file.tar",
            lines(&["foo '0' 640 319973:5000 999 m=1442282516 a=- c=- Pax u=joetsai g=eng"]),
        ),
        (
            "pax-records.tar",
            vec![format!(
                "file '0' 0 0:0 0 m=0 a=- c=- Pax u={}",
                "long".repeat(10)
            )],
        ),
        (
            "pax-sparse-big.tar",
            lines(&["pax-sparse '0' 0 0:0 60000000000 m=0 a=- c=- Pax"]),
        ),
        ("pax.tar", {
            let (t1, t2) = ("1350244992.023960108", "1350266320.910238425");
            vec![
                format!("a/{numbers} '0' 664 1000:1000 7 m={t1} a={t1} c={t1} Pax u=shane g=shane"),
                format!(
                    "a/b '2' 777 1000:1000 0 m={t2} a={t2} c={t2} Pax ->{numbers} u=shane g=shane"
                ),
            ]
        }),
        (
            "sparse-formats.tar",
            lines(&[
                "sparse-gnu 'S' 644 1000:1000 200 m=1392395740 a=- c=- Gnu u=david g=david",
                "sparse-posix-0.0 '0' 644 1000:1000 200 m=1392342187 a=- c=- Pax u=david g=david",
                "sparse-posix-0.1 '0' 644 1000:1000 200 m=1392340456 a=- c=- Pax u=david g=david",
                "sparse-posix-1.0 '0' 644 1000:1000 200 m=1392337404 a=- c=- Pax u=david g=david",
                "end '0' 644 1000:1000 4 m=1392398319 a=- c=- Gnu u=david g=david",
            ]),
        ),
        (
            "star.tar",
            lines(&[
                "small.txt '0' 640 73025:5000 5 m=1244592783 a=1244592783 c=1244592783 Unknown u=dsymonds g=eng",
                "small2.txt '0' 640 73025:5000 11 m=1244592783 a=1244592783 c=1244592783 Unknown u=dsymonds g=eng",
            ]),
        ),
        (
            "trailing-slash.tar",
            vec![format!(
                "{} '5' 0 0:0 0 m=0 a=- c=- Pax",
                "123456789/".repeat(30)
            )],
        ),
        (
            "ustar-file-devs.tar",
            lines(&["file '0' 644 0:0 0 m=0 a=- c=- Ustar dev=1,1"]),
        ),
        (
            "ustar-file-reg.tar",
            lines(&["foo '0' 640 319973:5000 684 m=1442282516 a=- c=- Ustar u=joetsai g=eng"]),
        ),
        (
            "ustar.tar",
            vec![format!(
                "{}file.txt '0' 644 501:20 6 m=1360135598 a=- c=- Ustar u=shane g=staff",
                "longname/".repeat(15)
            )],
        ),
        (
            "v7.tar",
            lines(&[
                r"small.txt '\0' 444 73025:5000 5 m=1244593104 a=- c=- Unknown",
                r"small2.txt '\0' 444 73025:5000 11 m=1244593104 a=- c=- Unknown",
            ]),
        ),
        (
            "writer.tar",
            lines(&[
                "small.txt '0' 640 73025:5000 5 m=1246508266 a=- c=- Ustar u=dsymonds g=eng",
                "small2.txt '0' 640 73025:5000 11 m=1245217492 a=- c=- Ustar u=dsymonds g=eng",
                "link.txt '2' 777 1000:1000 0 m=1314603082 a=- c=- Ustar ->small.txt u=strings g=strings",
            ]),
        ),
        (
            "xattrs.tar",
            lines(&[
                "small.txt '0' 644 1000:10 5 m=1386065770.44825232 a=1389782991.41987522 c=1389782956.794414986 Pax u=alex g=wheel",
                "small2.txt '0' 644 1000:10 11 m=1386065770.449252304 a=1389782991.41987522 c=1386065770.449252304 Pax u=alex g=wheel",
            ]),
        ),
    ]
}

/// Every archive that Go refuses, and how our message begins.
const REFUSED: [(&str, &str); 10] = [
    (
        "issue10968.tar",
        "header at byte 0: checksum field says no number",
    ),
    (
        "issue11169.tar",
        "PAX record at byte 512: there is no newline",
    ),
    (
        "issue12435.tar",
        "header at byte 0: bad number in field size",
    ),
    ("neg-size.tar", "header at byte 0: bad number in field size"),
    (
        "pax-bad-hdr-file.tar",
        "PAX record at byte 512: there is no newline",
    ),
    (
        "pax-bad-mtime-file.tar",
        "entry at byte 1024: PAX record mtime holds \"999xxx",
    ),
    (
        "pax-nul-path.tar",
        "PAX record at byte 512: a name contains a NUL",
    ),
    (
        "pax-nul-xattrs.tar",
        "PAX record at byte 512: the key contains a NUL",
    ),
    (
        "writer-big-long.tar",
        "archive ends at byte 1536: 17179869184 bytes of entry \"longname/",
    ),
    (
        "writer-big.tar",
        "archive ends at byte 512: 17179869184 bytes of entry \"tmp/16gig.txt\" are missing",
    ),
];

#[test]
fn what_go_reads_is_read_with_the_same_values() {
    if fixtures().is_none() {
        return;
    }
    for (name, expected) in readable() {
        let bytes = load(name).expect("the folder is there");
        let all = read(&bytes).unwrap_or_else(|e| panic!("{name} is refused: {e}"));
        let found: Vec<_> = all.iter().map(|(entry, _)| describe(entry)).collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn what_go_refuses_is_refused_for_a_named_reason() {
    if fixtures().is_none() {
        return;
    }
    for (name, reason) in REFUSED {
        let bytes = load(name).expect("the folder is there");
        let error = read(&bytes).map(|_| ()).expect_err(name).to_string();
        assert!(error.starts_with(reason), "{name}: {error}");
    }
}

#[test]
fn no_archive_of_the_folder_is_left_out() {
    let Some(folder) = fixtures() else { return };
    let mut known: Vec<_> = readable()
        .into_iter()
        .map(|(name, _)| name.to_owned())
        .collect();
    known.extend(REFUSED.iter().map(|(name, _)| (*name).to_owned()));
    // Compressed; the parser's tests make the same archive.
    known.push("pax-bad-hdr-large.tar.bz2".to_owned());
    let mut there: Vec<_> = fs::read_dir(folder)
        .expect("the folder is readable")
        .map(|file| {
            file.expect("is readable")
                .file_name()
                .into_string()
                .expect("is text")
        })
        .collect();
    known.sort();
    there.sort();
    assert_eq!(there, known);
}

#[test]
fn contents_are_what_go_reads() {
    let Some(sparse) = load("sparse-formats.tar") else {
        return;
    };
    let all = read(&sparse).expect("is valid");
    let mut alternating = [&b"\0G\0o".repeat(47)[..], b"\0!"].concat();
    alternating.resize(200, 0);
    for (entry, content) in &all[..4] {
        assert_eq!(content, &alternating, "{}", describe(entry));
    }
    assert_eq!(all[4].1, b"end\n");

    let gnu = read(&load("gnu.tar").expect("is there")).expect("is valid");
    assert_eq!(
        (&*gnu[0].1, &*gnu[1].1),
        (&b"Kilts"[..], &b"Google.com\n"[..])
    );

    let nil = read(&load("pax-nil-sparse-data.tar").expect("is there")).expect("is valid");
    assert_eq!(nil[0].1, b"0123456789".repeat(100));
    let nil = read(&load("gnu-nil-sparse-hole.tar").expect("is there")).expect("is valid");
    assert_eq!(nil[0].1, [0; 1000]);
}

#[test]
fn big_sparse_maps_place_their_segments() {
    let Some(bytes) = load("pax-sparse-big.tar") else {
        return;
    };
    let (entry, _) = read(&bytes).expect("is valid").swap_remove(0);
    let segments = entry.sparse.as_deref().expect("is sparse");
    assert_eq!(segments.len(), 6);
    assert_eq!(
        (segments[0].logical, segments[5].logical),
        (9_999_999_488, 59_999_999_488)
    );
    assert_eq!(
        segments.iter().map(|s| s.length).sum::<u64>(),
        entry.stored_size
    );
    for segment in segments {
        let at = usize::try_from(segment.data_offset).expect("is small");
        let length = usize::try_from(segment.length).expect("is small");
        assert!(
            bytes[at..at + length].iter().any(|&b| b != 0),
            "the segment is in the data"
        );
    }
}

#[test]
fn pax_records_are_kept_raw_and_in_order() {
    let Some(bytes) = load("xattrs.tar") else {
        return;
    };
    let all = read(&bytes).expect("is valid");
    let keys: Vec<_> = all[0]
        .0
        .pax
        .iter()
        .map(|(k, _)| k.escape_ascii().to_string())
        .collect();
    assert_eq!(
        keys,
        [
            "mtime",
            "atime",
            "ctime",
            "SCHILY.xattr.user.key",
            "SCHILY.xattr.user.key2",
            "SCHILY.xattr.security.selinux"
        ]
    );
    let selinux = all[0].0.pax_value(b"SCHILY.xattr.security.selinux");
    assert_eq!(selinux, Some(&b"unconfined_u:object_r:default_t:s0\0"[..]));
}

/// Three files with contents of awkward lengths.
fn archive() -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    for (name, size) in [("a", 0), ("b", 511), ("c", 1025)] {
        let mut header = Header::new(EntryKind::File, name.as_bytes());
        header.size = size;
        writer.append(&header).expect("is valid");
        let data = vec![name.as_bytes()[0]; usize::try_from(size).expect("is small")];
        writer.write_all(&data).expect("is announced");
    }
    writer.finish().expect("is complete")
}

#[test]
fn data_can_be_read_in_part_or_passed_over_by_reading_or_seeking() {
    let tar = archive();
    for read_before_skip in [0, 1, 511] {
        let mut plain = Reader::new(&tar[..], Limits::default());
        let mut seekable = Reader::new_seekable(Cursor::new(&tar), Limits::default());
        for name in ["a", "b", "c"] {
            let entry = plain.next_entry().expect("is valid").expect("is there");
            assert_eq!(
                seekable.next_entry().expect("is valid"),
                Some(entry.clone())
            );
            assert_eq!(
                (entry.name.as_slice(), entry.format),
                (name.as_bytes(), Format::Ustar)
            );
            let (mut one, mut two) = (vec![0; read_before_skip], vec![0; read_before_skip]);
            let got = read_up_to(&mut plain, &mut one).expect("is there");
            assert_eq!(read_up_to(&mut seekable, &mut two).expect("is there"), got);
            assert_eq!(one, two);
            assert!(one[..got].iter().all(|&b| b == name.as_bytes()[0]));
        }
        assert_eq!(plain.next_entry().expect("is valid"), None);
        assert_eq!(seekable.next_entry().expect("is valid"), None);
        assert_eq!(plain.position(), tar.len() as u64);
    }
}

#[test]
fn a_seek_past_the_end_is_noticed() {
    let tar = archive();
    let last = tar.len() - 1024 - 1536;
    for cut in [last + 1, last + 1024] {
        let mut reader = Reader::new_seekable(Cursor::new(&tar[..cut]), Limits::default());
        let error = loop {
            match reader.next_entry() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the cut at {cut} is not noticed"),
                Err(error) => break error.to_string(),
            }
        };
        let missing = last + 1025 - cut;
        assert_eq!(
            error,
            format!("archive ends at byte {cut}: {missing} bytes of entry \"c\" are missing")
        );
    }
}

#[test]
fn reading_data_that_is_cut_off_is_an_error() {
    let tar = archive();
    let mut reader = Reader::new(&tar[..1024 + 100], Limits::default());
    for _ in 0..2 {
        reader.next_entry().expect("is valid").expect("is there");
    }
    let error = io::copy(&mut reader, &mut io::sink()).expect_err("411 bytes are missing");
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}
