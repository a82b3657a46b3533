//! An empty registry hive: one root key, with neither values nor keys below it.
//!
//! The layout is that of the regf format, version 1.3 (msuhanov, "Windows registry file format specification"; libregf).
//! All numbers are little-endian; offsets are counted from the start of the bin.
//!
//! ```text
//!    0  base block   4096 bytes: "regf", two equal sequence numbers, last write, version, root key, length of the bins,
//!                    file name, and at 508 the XOR of the 127 words before it
//! 4096  bin          4096 bytes: "hbin", its own offset and length, last write; then cells
//!       nk cell      the root key: it is its own hive's root and cannot be deleted
//!       sk cell      its security descriptor, alone in the ring of descriptors
//!       free cell    the rest
//! ```

use crate::filetime::FileTime;

/// Length of the base block, and of the one bin.
const BLOCK: usize = 4096;
const BIN_HEADER: usize = 32;
/// Where an offset is expected: there is none.
const NONE: u32 = u32::MAX;

/// KEY_HIVE_ENTRY | KEY_NO_DELETE | KEY_COMP_NAME: the root, which cannot be deleted, with a name in Latin-1.
const ROOT_FLAGS: u16 = 0x04 | 0x08 | 0x20;
const ROOT_NAME: &[u8] = b"ROOT";

/// Most bytes of a security descriptor that has room beside the root key.
const MOST_SECURITY: usize = 3072;

/// Writes an empty hive.
///
/// `file_name` goes into the header, up to 31 characters of it; `security` is the root key's self-relative descriptor
/// (MS-DTYP 2.4.6); `time` is the last write of key and hive. `None` if the descriptor is longer than 3,072 bytes.
pub fn empty(file_name: &str, security: &[u8], time: FileTime) -> Option<Vec<u8>> {
    if security.len() > MOST_SECURITY {
        return None;
    }
    let key_cell = BIN_HEADER;
    let security_cell = key_cell + cell_length(76 + ROOT_NAME.len());
    let free_cell = security_cell + cell_length(20 + security.len());

    let mut bin = Block::new();
    bin.put(0, b"hbin");
    bin.put_u32(8, BLOCK as u32);
    bin.put(20, &time.0.to_le_bytes());
    // A length below zero marks a cell that is in use.
    bin.put_u32(
        key_cell,
        0u32.wrapping_sub((security_cell - key_cell) as u32),
    );
    put_root_key(&mut bin, key_cell + 4, security_cell as u32, time);
    bin.put_u32(
        security_cell,
        0u32.wrapping_sub((free_cell - security_cell) as u32),
    );
    put_security(&mut bin, security_cell, security);
    bin.put_u32(free_cell, (BLOCK - free_cell) as u32);

    let mut base = Block::new();
    base.put(0, b"regf");
    // Two equal sequence numbers: the last write was completed.
    base.put_u32(4, 1);
    base.put_u32(8, 1);
    base.put(12, &time.0.to_le_bytes());
    base.put_u32(20, 1);
    base.put_u32(24, 3);
    base.put_u32(32, 1); // loaded directly into memory
    base.put_u32(36, key_cell as u32);
    base.put_u32(40, BLOCK as u32);
    base.put_u32(44, 1); // clustering factor
    for (index, unit) in file_name.encode_utf16().take(31).enumerate() {
        base.put(48 + 2 * index, &unit.to_le_bytes());
    }
    let checksum = base.checksum();
    base.put_u32(508, checksum);
    Some([base.0, bin.0].concat())
}

/// The length of a cell with so much in it: with its own four bytes, a multiple of 8.
fn cell_length(content: usize) -> usize {
    (4 + content).next_multiple_of(8)
}

fn put_root_key(bin: &mut Block, at: usize, security_cell: u32, time: FileTime) {
    bin.put(at, b"nk");
    bin.put(at + 2, &ROOT_FLAGS.to_le_bytes());
    bin.put(at + 4, &time.0.to_le_bytes());
    // The parent, the lists of keys (stable, volatile), that of values, and the class name.
    for offset in [16, 28, 32, 40, 48] {
        bin.put_u32(at + offset, NONE);
    }
    bin.put_u32(at + 44, security_cell);
    bin.put(at + 72, &(ROOT_NAME.len() as u16).to_le_bytes());
    bin.put(at + 76, ROOT_NAME);
}

fn put_security(bin: &mut Block, cell: usize, security: &[u8]) {
    let at = cell + 4;
    bin.put(at, b"sk");
    // The one before it and the one after it in the ring are itself.
    bin.put_u32(at + 4, cell as u32);
    bin.put_u32(at + 8, cell as u32);
    bin.put_u32(at + 12, 1); // keys that have it
    bin.put_u32(at + 16, security.len() as u32);
    bin.put(at + 20, security);
}

/// 4096 bytes that are written to at places known to be inside.
struct Block(Vec<u8>);

impl Block {
    fn new() -> Self {
        Self(vec![0; BLOCK])
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn put_u32(&mut self, at: usize, number: u32) {
        self.put(at, &number.to_le_bytes());
    }

    fn checksum(&self) -> u32 {
        let words = self.0[..508].chunks_exact(4);
        let sum = words.fold(0, |sum, word| {
            sum ^ u32::from_le_bytes([word[0], word[1], word[2], word[3]])
        });
        // These two have a meaning of their own.
        match sum {
            0 => 1,
            u32::MAX => u32::MAX - 1,
            sum => sum,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECURITY: [u8; 20] = [
        1, 0, 4, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];
    const TIME: FileTime = FileTime(131_806_944_000_000_000);

    /// Returns the bytes from an offset on, as hex digits.
    fn hex(bytes: &[u8], at: usize, length: usize) -> String {
        bytes[at..at + length]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    #[test]
    fn every_byte_of_an_empty_hive_is_known() {
        let hive = empty("SYSTEM", &SECURITY, TIME).unwrap();
        assert_eq!(hive.len(), 2 * BLOCK);
        let golden = [
            (0, "726567660100000001000000"),
            (12, "00c00c9cb745d401"),
            (
                20,
                "01000000030000000000000001000000200000000010000001000000",
            ),
            (48, "530059005300540045004d00"),
            (508, "a2f0fffb"),
            (BLOCK, "6862696e0000000000100000"),
            (BLOCK + 20, "00c00c9cb745d401"),
            (BLOCK + 32, "a8ffffff6e6b2c00"),
            (BLOCK + 40, "00c00c9cb745d40100000000ffffffff"),
            (
                BLOCK + 64,
                "ffffffffffffffff00000000ffffffff78000000ffffffff",
            ),
            (BLOCK + 108, "04000000524f4f54"),
            (
                BLOCK + 120,
                "d0ffffff736b00007800000078000000010000001400000001000480",
            ),
            (BLOCK + 168, "580f0000"),
        ];
        let mut rest = hive.clone();
        for (at, digits) in golden {
            let length = digits.len() / 2;
            assert_eq!(hex(&hive, at, length), digits[..2 * length], "at {at}");
            rest[at..at + length].fill(0);
        }
        assert!(rest.iter().all(|byte| *byte == 0), "all else is zero");
    }

    #[test]
    fn the_cells_fill_the_bin_whatever_the_descriptor_has() {
        for length in [20, 21, 100, MOST_SECURITY] {
            let hive = empty("SAM", &vec![0xaa; length], TIME).unwrap();
            let word = |at: usize| i32::from_le_bytes(hive[at..at + 4].try_into().unwrap());
            let mut at = BLOCK + BIN_HEADER;
            let mut cells = 0;
            while at < hive.len() {
                let size = word(at).unsigned_abs() as usize;
                assert!(size > 0 && size.is_multiple_of(8), "{length}: {size}");
                at += size;
                cells += 1;
            }
            assert_eq!((at, cells), (2 * BLOCK, 3), "{length}");
        }
    }

    #[test]
    fn a_checksum_is_never_all_zeros_or_all_ones() {
        let checksum = |time: u32| {
            let hive = empty("SAM", &SECURITY, FileTime(time.into())).unwrap();
            u32::from_le_bytes(hive[508..512].try_into().unwrap())
        };
        let sum = checksum(0);
        assert_eq!(checksum(sum), 1);
        assert_eq!(checksum(!sum), u32::MAX - 1);
        assert_eq!(checksum(sum ^ 5), 5);
    }

    #[test]
    fn a_descriptor_that_has_no_room_is_refused() {
        assert_eq!(empty("SAM", &vec![0; MOST_SECURITY + 1], TIME), None);
    }

    #[test]
    fn a_long_file_name_is_cut() {
        let hive = empty(&"x".repeat(100), &SECURITY, TIME).unwrap();
        assert_eq!(hex(&hive, 48 + 60, 8), "7800000000000000");
    }
}
