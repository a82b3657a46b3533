//! Windows metadata: whatever can be read can be written again, and reads the same.

use std::io::{self, Read};

use transom_ntmeta::backup_stream::{Reader, SparseMapper, StreamId, Writer};
use transom_ntmeta::filetime::{FileTime, UnixTime};
use transom_ntmeta::inherit::{Creator, inherit as inherited};
use transom_ntmeta::security::{AclField, SecurityDescriptor};
use transom_ntmeta::{ea as eas, name, reparse as reparse_point, sddl as text};

/// Backup streams that were read whole are written back as streams with the same headers.
pub fn backup_stream(data: &[u8]) {
    let mut reader = Reader::new(data);
    let mut streams = Vec::new();
    let mut sparse: Option<SparseMapper> = None;
    loop {
        let header = match reader.next() {
            Ok(Some(header)) => header,
            Ok(None) => break,
            Err(_) => return,
        };
        if header.id == StreamId::SPARSE_BLOCK {
            if let Some(map) = &mut sparse {
                let _ = map.push(&header);
            }
        } else if let Some(map) = std::mem::replace(&mut sparse, SparseMapper::start(&header).ok())
        {
            let _ = map.finish();
        }
        let mut bytes = Vec::new();
        if reader.read_to_end(&mut bytes).is_err() {
            return;
        }
        assert!(bytes.len() <= data.len(), "more data than there was input");
        streams.push((header, bytes));
    }

    let mut writer = Writer::new(Vec::new());
    for (header, bytes) in &streams {
        if writer.begin(header).is_err() {
            return;
        }
        io::Write::write_all(&mut writer, bytes).expect("as many bytes as the header says");
    }
    let written = writer.finish().expect("every stream is complete");
    let mut again = Reader::new(written.as_slice());
    for (header, bytes) in &streams {
        assert_eq!(again.next().expect("just written").as_ref(), Some(header));
        let mut found = Vec::new();
        again.read_to_end(&mut found).expect("just written");
        assert_eq!(&found, bytes);
    }
    assert_eq!(again.next().expect("just written"), None);
}

/// What a child inherits from any accepted descriptor is a descriptor, and so is what its own child inherits.
pub fn inherit(data: &[u8]) {
    let Ok(parent) = SecurityDescriptor::parse(data) else {
        return;
    };
    let creator = Creator::container_administrator();
    for is_directory in [false, true] {
        let Ok(child) = inherited(Some(&parent), is_directory, &creator) else {
            continue;
        };
        let child = SecurityDescriptor::parse(&child).expect("our own descriptor");
        if let Ok(grandchild) = inherited(Some(&child), false, &creator) {
            SecurityDescriptor::parse(&grandchild).expect("our own descriptor");
        }
    }
}

/// A descriptor that is accepted can be walked, and its SDDL means a descriptor with the same SDDL.
pub fn security_descriptor(data: &[u8]) {
    let Ok(descriptor) = SecurityDescriptor::parse(data) else {
        return;
    };
    assert_eq!(descriptor.as_bytes(), data);
    for list in [descriptor.dacl(), descriptor.sacl()] {
        if let AclField::Present(list) = list {
            for ace in list.aces() {
                let _ = format!("{ace:?}");
            }
        }
    }
    for sid in [descriptor.owner(), descriptor.group()]
        .into_iter()
        .flatten()
    {
        assert!(sid.to_string().starts_with("S-1-"));
    }
    if let Ok(sddl) = text::to_sddl(&descriptor) {
        let bytes = text::from_sddl(&sddl).expect("our own SDDL");
        let again = SecurityDescriptor::parse(&bytes).expect("our own descriptor");
        assert_eq!(text::to_sddl(&again).expect("it had SDDL before"), sddl);
    }
}

/// SDDL that is accepted makes a valid descriptor, and SDDL printed from that makes the same bytes.
pub fn sddl(data: &[u8]) {
    let Ok(input) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(bytes) = text::from_sddl(input) else {
        return;
    };
    let descriptor = SecurityDescriptor::parse(&bytes).expect("our own descriptor");
    if let Ok(printed) = text::to_sddl(&descriptor) {
        assert_eq!(
            text::from_sddl(&printed).expect("our own SDDL"),
            bytes,
            "{input} became {printed}"
        );
    }
}

/// A link that is called representable comes back from its text.
pub fn reparse(data: &[u8]) {
    let _ = reparse_point::ReparseBuffer::parse(data);
    let link = reparse_point::decode_link(data);
    if reparse_point::is_representable(data) {
        let link = link.expect("what cannot be decoded cannot be represented");
        let target = reparse_point::target_of(&link);
        let encoded = reparse_point::encode_link(link.kind, &target).expect("representable");
        let again = reparse_point::decode_link(&encoded).expect("our own buffer");
        assert_eq!(
            (again.kind, again.substitute, again.relative),
            (link.kind, link.substitute, link.relative)
        );
    }
}

/// Extended attributes that are accepted are the same after writing and reading.
pub fn ea(data: &[u8]) {
    let Ok(list) = eas::parse(data) else { return };
    let encoded = eas::encode(&list).expect("what was read can be written");
    assert_eq!(eas::parse(&encoded).expect("our own list"), list);
}

/// A PAX time that is accepted keeps its value as text, and as FILETIME wherever that is possible.
pub fn pax_time(data: &[u8]) {
    let Ok(time) = UnixTime::parse_pax(data) else {
        return;
    };
    assert!(time.nanos < 1_000_000_000);
    assert_eq!(UnixTime::parse_pax(time.to_pax().as_bytes()), Ok(time));
    let wrapped = FileTime::from_unix_wrapping(time);
    let _ = (wrapped.to_string(), wrapped.to_unix_wrapping());
    if let Some(ticks) = FileTime::from_unix_checked(time) {
        assert_eq!(ticks, wrapped);
        assert_eq!(ticks.to_unix_checked(), Some(time));
    }
}

/// Two names are equal exactly if they fold to the same units; a stream's name is cut at its colon.
pub fn name_fold(data: &[u8]) {
    let middle = data
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(data.len() / 2);
    let (a, b) = data.split_at(middle);
    let b = b.strip_prefix(b"\0").unwrap_or(b);
    let (folded_a, folded_b) = (name::fold(a), name::fold(b));
    assert_eq!(name::eq_folded(a, b), folded_a == folded_b);
    assert!(name::eq_folded(a, a));
    let mut units = Vec::new();
    name::fold_into(a, &mut units);
    assert_eq!(units, folded_a.as_units());
    let _ = name::check_component(a);
    let (file, stream) = name::split_stream(a);
    assert!(file.len() + stream.map_or(0, <[u8]>::len) <= a.len());
}
