//! Extended attributes: FILE_FULL_EA_INFORMATION lists (MS-FSCC 2.4.16), as backup streams and NTFS hold them.
//!
//! An entry is `u32 next, u8 flags, u8 name length, u16 value length, name, NUL, value`, padded to four
//! bytes; `next` leads from one entry's start to the next one's and is 0 in the last.

/// Bytes of an entry before its name.
const HEADER_LEN: usize = 8;
/// Entries start at multiples of this many bytes.
const ALIGNMENT: usize = 4;
/// Longest name in bytes; its length field has eight bits.
pub const MAX_NAME_LEN: usize = u8::MAX as usize;
/// Longest value in bytes; its length field has sixteen bits.
pub const MAX_VALUE_LEN: usize = u16::MAX as usize;

/// One extended attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ea {
    /// The name: 8-bit characters without NUL, at most [`MAX_NAME_LEN`] bytes, not empty.
    pub name: Vec<u8>,
    /// The value, at most [`MAX_VALUE_LEN`] bytes.
    pub value: Vec<u8>,
    /// 0x80 (FILE_NEED_EA): who does not understand the attributes must not use the file. Other bits are kept.
    pub flags: u8,
}

/// Why bytes are not a list of extended attributes, or attributes cannot be written as one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EaError {
    /// An entry is longer than the bytes left for it.
    #[error("EA entry at byte {at} needs {expected} bytes, {found} are left")]
    Truncated {
        /// Start of the entry in the list, in bytes.
        at: usize,
        /// Length of the entry, as far as it is known, in bytes.
        expected: usize,
        /// Bytes from the entry's start to the end of the list.
        found: usize,
    },
    /// The offset to the next entry leads into this entry or past the end.
    #[error(
        "EA entry at byte {at} is {len} bytes long and says the next one is {next} bytes on, {left} are left"
    )]
    BadNext {
        /// Start of the entry in the list, in bytes.
        at: usize,
        /// Length of the entry without padding, in bytes.
        len: usize,
        /// The offset found, in bytes from the entry's start.
        next: usize,
        /// Bytes from the entry's start to the end of the list.
        left: usize,
    },
    /// The byte after the name is not 0.
    #[error("EA entry at byte {at}: the name is followed by {found:#04x}, not by NUL")]
    NameNotTerminated {
        /// Start of the entry in the list, in bytes.
        at: usize,
        /// The byte found.
        found: u8,
    },
    /// A name is empty or holds NUL.
    #[error("EA name {name:?} is empty or holds NUL")]
    BadName {
        /// The name, with bytes that are not UTF-8 replaced.
        name: String,
    },
    /// A name does not fit its length field.
    #[error("EA name of {found} bytes, at most {MAX_NAME_LEN} are allowed")]
    NameTooLong {
        /// Length of the name in bytes.
        found: usize,
    },
    /// A value does not fit its length field.
    #[error("EA value of {found} bytes, at most {MAX_VALUE_LEN} are allowed")]
    ValueTooLong {
        /// Length of the value in bytes.
        found: usize,
    },
    /// Bytes follow the last entry that are more than its padding.
    #[error("{found} bytes follow the last EA entry, which ends at byte {at}")]
    TrailingBytes {
        /// End of the last entry in the list, in bytes.
        at: usize,
        /// How many bytes follow.
        found: usize,
    },
}

/// Parses a list. An empty input is an empty list.
///
/// The form NTFS keeps on disk is accepted too: there the last entry's offset leads exactly to the end of the list.
///
/// # Errors
/// Any entry that does not fit, overlaps the next one, or has a malformed name.
pub fn parse(list: &[u8]) -> Result<Vec<Ea>, EaError> {
    let mut eas = Vec::new();
    let mut at = 0;
    while at < list.len() {
        let (ea, len, next) = parse_entry(list, at)?;
        eas.push(ea);
        let left = list.len() - at;
        match next {
            0 => {
                let end = at + len;
                let found = list.len() - end;
                if found > len.next_multiple_of(ALIGNMENT) - len {
                    return Err(EaError::TrailingBytes { at: end, found });
                }
                break;
            }
            next if next < len || next > left => {
                return Err(EaError::BadNext {
                    at,
                    len,
                    next,
                    left,
                });
            }
            next => at += next,
        }
    }
    Ok(eas)
}

/// Reads the entry at `at`; returns it with its unpadded length and its offset to the next.
fn parse_entry(list: &[u8], at: usize) -> Result<(Ea, usize, usize), EaError> {
    let entry = &list[at..];
    let truncated = |expected| EaError::Truncated {
        at,
        expected,
        found: entry.len(),
    };
    let Some((header, rest)) = entry.split_first_chunk::<HEADER_LEN>() else {
        return Err(truncated(HEADER_LEN));
    };
    let [n0, n1, n2, n3, flags, name_len, v0, v1] = *header;
    let next = u32::from_le_bytes([n0, n1, n2, n3]);
    let name_len = usize::from(name_len);
    let value_len = usize::from(u16::from_le_bytes([v0, v1]));
    let len = HEADER_LEN + name_len + 1 + value_len;

    let name = rest.get(..name_len).ok_or_else(|| truncated(len))?;
    let nul = *rest.get(name_len).ok_or_else(|| truncated(len))?;
    let value = rest
        .get(name_len + 1..name_len + 1 + value_len)
        .ok_or_else(|| truncated(len))?;
    if nul != 0 {
        return Err(EaError::NameNotTerminated { at, found: nul });
    }
    check_name(name)?;
    let ea = Ea {
        name: name.to_vec(),
        value: value.to_vec(),
        flags,
    };
    // An offset that does not fit usize leads past the end of any list.
    Ok((ea, len, usize::try_from(next).unwrap_or(usize::MAX)))
}

fn check_name(name: &[u8]) -> Result<(), EaError> {
    if name.is_empty() || name.contains(&0) {
        let name = String::from_utf8_lossy(name).into_owned();
        return Err(EaError::BadName { name });
    }
    Ok(())
}

/// Writes a list, every entry padded to four bytes, the last one included, as go-winio does.
///
/// # Errors
/// Names and values that do not fit their length fields, and names that are empty or hold NUL.
pub fn encode(eas: &[Ea]) -> Result<Vec<u8>, EaError> {
    let mut list = Vec::new();
    for (index, ea) in eas.iter().enumerate() {
        check_name(&ea.name)?;
        let name_len = u8::try_from(ea.name.len()).map_err(|_| EaError::NameTooLong {
            found: ea.name.len(),
        })?;
        let value_len = u16::try_from(ea.value.len()).map_err(|_| EaError::ValueTooLong {
            found: ea.value.len(),
        })?;
        let len = HEADER_LEN + ea.name.len() + 1 + ea.value.len();
        let padded = len.next_multiple_of(ALIGNMENT);
        let is_last = index + 1 == eas.len();
        // Name and value are bounded above, so an entry is far below 2^32 bytes.
        let next = if is_last { 0 } else { padded as u32 };

        list.extend(next.to_le_bytes());
        list.extend([ea.flags, name_len]);
        list.extend(value_len.to_le_bytes());
        list.extend(&ea.name);
        list.push(0);
        list.extend(&ea.value);
        list.resize(list.len() + padded - len, 0);
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::fixture;
    use proptest::prelude::*;

    fn ea(name: &[u8], value: &[u8], flags: u8) -> Ea {
        Ea {
            name: name.to_vec(),
            value: value.to_vec(),
            flags,
        }
    }

    const TWO: [u8; 28] = [
        0x10, 0, 0, 0, 0x00, 3, 2, 0, b'A', b'B', b'C', 0, 1, 2, 0, 0, // {ABC: 01 02}
        0, 0, 0, 0, 0x80, 1, 1, 0, b'D', 0, 9, 0, // {D: 09, needed}
    ];

    #[test]
    fn the_list_that_go_winio_writes_is_written_and_read() {
        let eas = vec![ea(b"ABC", &[1, 2], 0), ea(b"D", &[9], 0x80)];
        assert_eq!(encode(&eas).unwrap(), TWO);
        assert_eq!(parse(&TWO).unwrap(), eas);
        // The last entry's padding may be missing.
        assert_eq!(parse(&TWO[..27]).unwrap(), eas);
    }

    #[test]
    fn no_bytes_are_no_attributes() {
        assert_eq!(parse(&[]), Ok(vec![]));
        assert_eq!(encode(&[]), Ok(vec![]));
    }

    #[test]
    fn the_form_on_disk_has_an_offset_in_its_last_entry() {
        let mut list = TWO;
        list[16] = 12;
        assert_eq!(parse(&list).unwrap().len(), 2);
    }

    #[test]
    fn damaged_lists_are_refused_with_the_place() {
        let with = |at: usize, byte: u8| {
            let mut list = TWO;
            list[at] = byte;
            parse(&list).unwrap_err()
        };
        assert_eq!(
            with(0, 13),
            EaError::BadNext {
                at: 0,
                len: 14,
                next: 13,
                left: 28
            }
        );
        assert_eq!(
            with(3, 1),
            EaError::BadNext {
                at: 0,
                len: 14,
                next: 0x0100_0010,
                left: 28
            }
        );
        assert_eq!(
            with(16, 13),
            EaError::BadNext {
                at: 16,
                len: 11,
                next: 13,
                left: 12
            }
        );
        assert_eq!(with(25, 7), EaError::NameNotTerminated { at: 16, found: 7 });
        assert_eq!(
            with(22, 3),
            EaError::Truncated {
                at: 16,
                expected: 13,
                found: 12
            }
        );
        assert!(matches!(with(9, 0), EaError::BadName { .. }));
        assert_eq!(
            parse(&TWO[..20]).unwrap_err(),
            EaError::Truncated {
                at: 16,
                expected: 8,
                found: 4
            }
        );
        let mut long = TWO.to_vec();
        long.push(0);
        assert_eq!(
            parse(&long).unwrap_err(),
            EaError::TrailingBytes { at: 27, found: 2 }
        );
    }

    #[test]
    fn what_does_not_fit_its_field_is_refused() {
        assert_eq!(
            encode(&[ea(&[b'n'; 256], b"", 0)]),
            Err(EaError::NameTooLong { found: 256 })
        );
        assert_eq!(
            encode(&[ea(b"n", &[0; 65_536], 0)]),
            Err(EaError::ValueTooLong { found: 65_536 })
        );
        assert!(matches!(
            encode(&[ea(b"", b"v", 0)]),
            Err(EaError::BadName { .. })
        ));
        let largest = [ea(&[b'n'; 255], &[7; 65_535], 0x80)];
        assert_eq!(parse(&encode(&largest).unwrap()).unwrap(), largest);
    }

    #[test]
    fn a_list_written_by_wsl_is_read() {
        let Some(list) = fixture("ea/ea-1.bin") else {
            return;
        };
        let eas = parse(&list).unwrap();
        let names: Vec<&[u8]> = eas.iter().map(|ea| ea.name.as_slice()).collect();
        assert_eq!(names, [b"LXXATTR", b"LXATTRB"]);
        assert_eq!((eas[0].value.len(), eas[1].value.len()), (0x14, 0x38));
        assert!(eas[0].value.ends_with(b"user.111\0"));
        let again = parse(&encode(&eas).unwrap()).unwrap();
        assert_eq!(again, eas);
    }

    fn any_ea() -> impl Strategy<Value = Ea> {
        (
            proptest::collection::vec(1u8.., 1..40),
            proptest::collection::vec(any::<u8>(), 0..80),
            any::<u8>(),
        )
            .prop_map(|(name, value, flags)| Ea { name, value, flags })
    }

    proptest! {
        #[test]
        fn a_written_list_reads_back(eas in proptest::collection::vec(any_ea(), 0..6)) {
            let list = encode(&eas).unwrap();
            prop_assert_eq!(list.len() % ALIGNMENT, 0);
            prop_assert_eq!(parse(&list).unwrap(), eas);
        }

        #[test]
        fn arbitrary_bytes_never_panic(list in proptest::collection::vec(0u8..20, 0..80)) {
            if let Ok(eas) = parse(&list) {
                prop_assert_eq!(parse(&encode(&eas).unwrap()).unwrap(), eas);
            }
        }
    }
}
