//! Why an archive is refused.

use crate::parse::text::shown;

/// Why bytes are not an archive that Go's `archive/tar` would read. Offsets are bytes from the archive's start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The header's checksum is neither the unsigned nor the signed sum of its bytes.
    #[error("header at byte {offset}: checksum field says {}, the bytes sum to {found}", field(.expected))]
    Checksum {
        /// Where the header lies.
        offset: u64,
        /// What the field says; `None` if it is no octal number.
        expected: Option<u64>,
        /// Unsigned sum of the bytes.
        found: u64,
    },
    /// A numeric field is neither octal nor base-256, or its number does not fit.
    #[error("header at byte {offset}: bad number in field {field}")]
    BadNumber {
        /// Where the header lies.
        offset: u64,
        /// Name of the field.
        field: &'static str,
    },
    /// An entry with data has a size below zero.
    #[error("entry {} at byte {offset}: size is {size}", shown(.name))]
    NegativeSize {
        /// Where the header lies.
        offset: u64,
        /// Name of the entry.
        name: Vec<u8>,
        /// The size found.
        size: i64,
    },
    /// A position in the archive would not fit 64 bits.
    #[error(
        "entry at byte {offset}: its data of {size} bytes would end beyond what 64 bits can address"
    )]
    TooFar {
        /// Where the header lies.
        offset: u64,
        /// Bytes of data it announces.
        size: u64,
    },
    /// Metadata is larger than a [`crate::Limits`] value allows.
    #[error("header at byte {offset}: {what} is {found}, the limit is {limit}")]
    OverLimit {
        /// Where the header lies.
        offset: u64,
        /// What is too large.
        what: &'static str,
        /// How large it is (bytes, or segments).
        found: u64,
        /// What is allowed.
        limit: u64,
    },
    /// A PAX record is malformed (POSIX.1-2001 pax, "pax Header Block").
    #[error("PAX record at byte {offset}: {rule}")]
    BadPaxRecord {
        /// Where the record starts.
        offset: u64,
        /// The rule it breaks.
        rule: &'static str,
    },
    /// A PAX record that replaces a header field holds no valid value.
    #[error("entry at byte {offset}: PAX record {key} holds {}", shown(.value))]
    BadPaxValue {
        /// Where the entry's header lies.
        offset: u64,
        /// The record's key.
        key: &'static str,
        /// The record's value.
        value: Vec<u8>,
    },
    /// A sparse map cannot be read or does not fit its file.
    #[error("sparse entry {} at byte {offset}: {rule}", shown(.name))]
    BadSparseMap {
        /// Where the entry's header lies.
        offset: u64,
        /// Name of the entry.
        name: Vec<u8>,
        /// The rule it breaks.
        rule: &'static str,
    },
    /// One block of zeros is followed by something else than a second one.
    #[error("block of zeros at byte {offset} is followed by a block that is not")]
    LoneZeroBlock {
        /// Where the block of zeros lies.
        offset: u64,
    },
    /// The archive ends in the middle of a header, an extension header or a sparse map.
    #[error("archive ends at byte {offset} inside {part}, which began at byte {started}")]
    TruncatedHeader {
        /// Length of the archive.
        offset: u64,
        /// What was being read.
        part: &'static str,
        /// Where it began.
        started: u64,
    },
    /// The archive ends in the middle of an entry's data.
    #[error("archive ends at byte {offset}: {missing} bytes of entry {} are missing", shown(.name))]
    TruncatedData {
        /// Length of the archive.
        offset: u64,
        /// Name of the entry.
        name: Vec<u8>,
        /// How many bytes of its stored data are missing.
        missing: u64,
    },
}

fn field(value: &Option<u64>) -> String {
    value.map_or_else(|| "no number".to_owned(), |v| v.to_string())
}
