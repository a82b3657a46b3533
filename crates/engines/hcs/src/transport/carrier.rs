//! Carriers: what stands for a file or folder in a transport folder. Attributes come first, then the backup stream.

use std::io::{self, Read, Write};

use transom_layer::CARRIER_SUFFIX;

/// Bytes of attributes before the backup stream.
pub(super) const HEADER: u64 = 4;

/// Begins one; the backup stream is to follow.
pub(super) fn begin(out: &mut impl Write, attributes: u32) -> io::Result<()> {
    out.write_all(&attributes.to_le_bytes())
}

/// Reads the attributes; the backup stream is what follows.
pub(super) fn attributes(carrier: &mut impl Read) -> io::Result<u32> {
    let mut attributes = [0; HEADER as usize];
    carrier.read_exact(&mut attributes)?;
    Ok(u32::from_le_bytes(attributes))
}

/// Returns the name of a folder's carrier.
pub(super) fn of_folder(name: &str) -> String {
    format!("{name}{CARRIER_SUFFIX}")
}

/// Returns the name of the folder of which a name is the carrier.
pub(super) fn folder_of(name: &str) -> Option<&str> {
    name.strip_suffix(CARRIER_SUFFIX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use transom_ntmeta::backup_stream::{Reader, StreamHeader, StreamId, Writer};

    use super::*;

    /// What a carrier holds: attributes, security, main stream, alternate streams.
    type Content = (u32, Vec<u8>, Vec<u8>, Vec<Vec<u8>>);

    fn encode((attributes, security, data, alternate): &Content) -> Vec<u8> {
        let mut bytes = Vec::new();
        begin(&mut bytes, *attributes).expect("memory takes all");
        let mut streams = Writer::new(bytes);
        let mut put = |header: &StreamHeader, bytes: &[u8]| {
            streams.begin(header).expect("is valid");
            streams.write_all(bytes).expect("memory takes all");
        };
        let header = |id, bytes: &[u8]| StreamHeader::new(id, bytes.len() as u64);
        put(&header(StreamId::SECURITY_DATA, security), security);
        put(&header(StreamId::DATA, data), data);
        for (number, bytes) in alternate.iter().enumerate() {
            let name = format!(":{number}:$DATA");
            put(&StreamHeader::alternate(&name, bytes.len() as u64), bytes);
        }
        streams.finish().expect("is whole")
    }

    fn decode(mut carrier: &[u8]) -> Content {
        let attributes = attributes(&mut carrier).expect("has them");
        let (mut security, mut data, mut alternate) = (Vec::new(), Vec::new(), Vec::new());
        let mut streams = Reader::new(carrier);
        while let Some(header) = streams.next().expect("is valid") {
            let mut bytes = Vec::new();
            streams.read_to_end(&mut bytes).expect("is whole");
            match header.id {
                StreamId::SECURITY_DATA => security = bytes,
                StreamId::DATA => data = bytes,
                _ => alternate.push(bytes),
            }
        }
        (attributes, security, data, alternate)
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(
            content in (
                any::<u32>(),
                prop::collection::vec(any::<u8>(), 0..200),
                prop::collection::vec(any::<u8>(), 0..2000),
                prop::collection::vec(prop::collection::vec(any::<u8>(), 0..100), 0..4),
            ),
        ) {
            prop_assert_eq!(decode(&encode(&content)), content);
        }

        #[test]
        fn a_name_comes_back_from_its_carriers(name in "\\PC{0,20}") {
            let carrier = of_folder(&name);
            prop_assert_eq!(folder_of(&carrier), Some(&name[..]));
        }
    }

    #[test]
    fn a_carrier_without_attributes_is_refused() {
        for cut in 0..HEADER as usize {
            let error = attributes(&mut &vec![0; cut][..]).expect_err("is too short");
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }
    }
}
