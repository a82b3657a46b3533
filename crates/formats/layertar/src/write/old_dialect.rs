//! A writer of the old dialect (the fork of Go's `archive/tar` in go-winio before 0.5), for tests only.
//!
//! It gives the reader true bytes of what Docker up to 19.03 exported. Where it differs from the canonical
//! writer: the `x` header has the entry's mtime and zeros as device numbers, there is always an `mtime` record,
//! fractions have nine digits, negative times are rounded down before their fraction is added, and a name that
//! needs a `path` record leaves the name field empty.

use transom_ntmeta::filetime::UnixTime;

use super::block::{self, BLOCK, Main};
use super::header::{Header, append_record};
use crate::parse::EntryKind;

/// Go's zero time: what a whiteout's header holds.
const YEAR_ONE: i64 = -62_135_596_800;

/// Appends a whiteout: a NUL type flag and a time in year 1.
pub(crate) fn append_whiteout(tar: &mut Vec<u8>, name: &[u8]) {
    let mut header = Header::new(EntryKind::File, name);
    header.mtime.seconds = YEAR_ONE;
    append_with_flag(tar, &header, b"", 0);
}

/// Appends an entry.
pub(crate) fn append(tar: &mut Vec<u8>, header: &Header, data: &[u8]) {
    let flag = match header.kind {
        EntryKind::Directory => b'5',
        EntryKind::Symlink => b'2',
        _ => b'0',
    };
    append_with_flag(tar, header, data, flag);
}

fn append_with_flag(tar: &mut Vec<u8>, header: &Header, data: &[u8], typeflag: u8) {
    let mut records = header.pax.clone();
    let mut set = |key: &str, value: Vec<u8>| _ = records.insert(key.into(), value);
    if let Some(creation) = header.pax.get(&b"LIBARCHIVE.creationtime"[..]) {
        let creation = UnixTime::parse_pax(creation).expect("the canonical writer made it");
        set("LIBARCHIVE.creationtime", time(creation));
    }
    let needs_record = header.name.len() > 100 || !block::is_plain(&header.name);
    if needs_record {
        set("path", header.name.clone());
    }
    set("mtime", time(header.mtime));
    if let Some(atime) = header.atime {
        set("atime", time(atime));
    }
    if let Some(ctime) = header.ctime {
        set("ctime", time(ctime));
    }
    let mut body = Vec::new();
    for (key, value) in &records {
        append_record(&mut body, key, value);
    }
    let mut main = Main {
        typeflag: b'x',
        link_name: b"",
        size: body.len() as u64,
        mode: 0,
        uid: 0,
        gid: 0,
        uname: b"",
        gname: b"",
        mtime: header.mtime.seconds,
        dev_major: 0,
        dev_minor: 0,
    };
    let mut name = block::extension_name(&header.name);
    name.truncate(100);
    tar.extend_from_slice(&main.block(b"", &name));
    tar.extend_from_slice(&body);
    tar.resize(tar.len().next_multiple_of(BLOCK), 0);

    main.typeflag = typeflag;
    main.link_name = &header.link_name;
    main.size = header.size;
    main.mode = header.mode;
    let name = if needs_record { &b""[..] } else { &header.name };
    tar.extend_from_slice(&main.block(b"", name));
    tar.extend_from_slice(data);
    tar.resize(tar.len().next_multiple_of(BLOCK), 0);
}

fn time(time: UnixTime) -> Vec<u8> {
    let UnixTime { seconds, nanos } = time;
    match nanos {
        0 => seconds.to_string(),
        _ => format!("{seconds}.{nanos:09}"),
    }
    .into_bytes()
}
