//! A writer of small registry hives, so that the sample's hives are files of our own making.
//!
//! The format (version 1.3, one bin, `lf` lists) is the one described by the regf documents of
//! libregf and of msuhanov's "Windows registry file format specification".

use transom_ntmeta::filetime::FileTime;

/// A registry key with all that is below it.
#[derive(Debug, Default)]
pub(crate) struct Key {
    name: &'static str,
    values: Vec<(&'static str, Value)>,
    subkeys: Vec<Key>,
}

/// What a registry value holds.
#[derive(Debug)]
pub(crate) enum Value {
    /// REG_SZ.
    Text(&'static str),
    /// REG_DWORD.
    Number(u32),
}

impl Key {
    /// Makes an empty key.
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            ..Self::default()
        }
    }

    /// Adds a value.
    pub(crate) fn value(mut self, name: &'static str, value: Value) -> Self {
        self.values.push((name, value));
        self
    }

    /// Adds a key below. Keys must be added in the order of their upper-case names: readers search by halving.
    pub(crate) fn subkey(mut self, key: Key) -> Self {
        self.subkeys.push(key);
        self
    }
}

const BLOCK: usize = 4096;
const BIN_HEADER: usize = 32;
/// Says "there is no such list" where an offset is expected.
const NONE: u32 = u32::MAX;
/// Names of keys and values are stored as Latin-1, not as UTF-16.
const COMPRESSED_NAME: u16 = 0x20;
/// The root of a hive, which cannot be deleted.
const ROOT: u16 = 0x04 | 0x08;

/// Writes the hive that has `root` as its root key.
///
/// `file_name` goes into the header; `security` is the descriptor of every key, in bytes as stored; `time` is the last
/// write of every key and of the hive.
pub(crate) fn hive(file_name: &str, root: &Key, security: &[u8], time: FileTime) -> Vec<u8> {
    let mut cells = Cells {
        bytes: Vec::new(),
        time,
    };
    let root_cell = cells.reserve_key(root);
    let security_cell = cells.add_security(security, count(root));
    cells.fill_key(root_cell, root, None, security_cell);
    let bins = cells.into_bin();

    let mut hive = vec![0; BLOCK];
    put(&mut hive, 0, b"regf");
    put_u32(&mut hive, 4, 1); // both sequence numbers: the last write was completed
    put_u32(&mut hive, 8, 1);
    put(&mut hive, 12, &time.0.to_le_bytes());
    put_u32(&mut hive, 20, 1); // version 1.3
    put_u32(&mut hive, 24, 3);
    put_u32(&mut hive, 28, 0); // a primary file, not a log
    put_u32(&mut hive, 32, 1); // loaded directly into memory
    put_u32(&mut hive, 36, root_cell);
    put_u32(&mut hive, 40, bins.len() as u32);
    put_u32(&mut hive, 44, 1); // clustering factor
    let name: Vec<u8> = file_name
        .encode_utf16()
        .take(31)
        .flat_map(u16::to_le_bytes)
        .collect();
    put(&mut hive, 48, &name);
    let checksum = hive[..508].chunks_exact(4).fold(0, |sum, word| {
        sum ^ u32::from_le_bytes([word[0], word[1], word[2], word[3]])
    });
    put_u32(&mut hive, 508, checksum);
    hive.extend_from_slice(&bins);
    hive
}

fn count(key: &Key) -> u32 {
    1 + key.subkeys.iter().map(count).sum::<u32>()
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

fn put_u16(bytes: &mut [u8], at: usize, value: u16) {
    put(bytes, at, &value.to_le_bytes());
}

fn put_u32(bytes: &mut [u8], at: usize, value: u32) {
    put(bytes, at, &value.to_le_bytes());
}

/// The cells of one bin, without its header. Offsets are counted from the start of the bin.
struct Cells {
    bytes: Vec<u8>,
    time: FileTime,
}

impl Cells {
    /// Adds an allocated cell and returns its offset.
    fn add(&mut self, content: &[u8]) -> u32 {
        let offset = BIN_HEADER + self.bytes.len();
        let size = (4 + content.len()).next_multiple_of(8);
        // A size below zero marks a cell that is in use.
        self.bytes
            .extend_from_slice(&(-(size as i32)).to_le_bytes());
        self.bytes.extend_from_slice(content);
        self.bytes.resize(offset - BIN_HEADER + size, 0);
        offset as u32
    }

    /// Returns the content of the cell at `offset` for changes.
    fn content(&mut self, offset: u32) -> &mut [u8] {
        &mut self.bytes[offset as usize - BIN_HEADER + 4..]
    }

    fn reserve_key(&mut self, key: &Key) -> u32 {
        self.add(&vec![0; 76 + key.name.len()])
    }

    fn add_security(&mut self, descriptor: &[u8], users: u32) -> u32 {
        let mut cell = vec![0; 20];
        put(&mut cell, 0, b"sk");
        put_u32(&mut cell, 12, users);
        put_u32(&mut cell, 16, descriptor.len() as u32);
        cell.extend_from_slice(descriptor);
        let offset = self.add(&cell);
        // The list of descriptors is a ring; this one is alone in it.
        put_u32(self.content(offset), 4, offset);
        put_u32(self.content(offset), 8, offset);
        offset
    }

    fn add_value(&mut self, name: &str, value: &Value) -> (u32, usize) {
        let mut cell = vec![0; 20];
        put(&mut cell, 0, b"vk");
        put_u16(&mut cell, 2, name.len() as u16);
        let size = match value {
            Value::Number(number) => {
                // Up to four bytes of data stand in place of their offset.
                put_u32(&mut cell, 4, 4 | 0x8000_0000);
                put_u32(&mut cell, 8, *number);
                put_u32(&mut cell, 12, 4);
                4
            }
            Value::Text(text) => {
                let data: Vec<u8> = text
                    .encode_utf16()
                    .chain([0])
                    .flat_map(u16::to_le_bytes)
                    .collect();
                put_u32(&mut cell, 4, data.len() as u32);
                put_u32(&mut cell, 8, self.add(&data));
                put_u32(&mut cell, 12, 1);
                data.len()
            }
        };
        put_u16(&mut cell, 16, 1); // the name is Latin-1
        cell.extend_from_slice(name.as_bytes());
        (self.add(&cell), size)
    }

    fn fill_key(&mut self, offset: u32, key: &Key, parent: Option<u32>, security: u32) {
        let mut values = Vec::new();
        let mut longest_data = 0;
        for (name, value) in &key.values {
            let (value, size) = self.add_value(name, value);
            values.extend_from_slice(&value.to_le_bytes());
            longest_data = longest_data.max(size);
        }
        let value_list = if values.is_empty() {
            NONE
        } else {
            self.add(&values)
        };

        let mut list = Vec::new();
        for subkey in &key.subkeys {
            let cell = self.reserve_key(subkey);
            self.fill_key(cell, subkey, Some(offset), security);
            list.extend_from_slice(&cell.to_le_bytes());
            let mut hint = [0; 4];
            hint.iter_mut()
                .zip(subkey.name.bytes())
                .for_each(|(to, from)| *to = from);
            list.extend_from_slice(&hint);
        }
        let subkey_list = if list.is_empty() {
            NONE
        } else {
            let count = (key.subkeys.len() as u16).to_le_bytes();
            self.add(&[b"lf".as_slice(), &count, &list].concat())
        };

        // Lengths in bytes of UTF-16, as readers use them to size their buffers.
        let longest = |names: &mut dyn Iterator<Item = usize>| names.max().unwrap_or(0) as u32 * 2;
        let longest_subkey = longest(&mut key.subkeys.iter().map(|subkey| subkey.name.len()));
        let longest_value = longest(&mut key.values.iter().map(|(name, _)| name.len()));
        let time = self.time;
        let root = if parent.is_none() { ROOT } else { 0 };
        let cell = self.content(offset);
        put(cell, 0, b"nk");
        put_u16(cell, 2, COMPRESSED_NAME | root);
        put(cell, 4, &time.0.to_le_bytes());
        put_u32(cell, 16, parent.unwrap_or(NONE));
        put_u32(cell, 20, key.subkeys.len() as u32);
        put_u32(cell, 28, subkey_list);
        put_u32(cell, 32, NONE);
        put_u32(cell, 36, key.values.len() as u32);
        put_u32(cell, 40, value_list);
        put_u32(cell, 44, security);
        put_u32(cell, 48, NONE);
        put_u32(cell, 52, longest_subkey);
        put_u32(cell, 60, longest_value);
        put_u32(cell, 64, longest_data as u32);
        put_u16(cell, 72, key.name.len() as u16);
        put(cell, 76, key.name.as_bytes());
    }

    /// Puts the header before the cells and one free cell behind them, up to a whole number of blocks.
    fn into_bin(mut self) -> Vec<u8> {
        let used = BIN_HEADER + self.bytes.len();
        // At least one free cell of eight bytes, so that there is never a remainder too small for a cell.
        let size = (used + 8).next_multiple_of(BLOCK);
        self.bytes
            .extend_from_slice(&((size - used) as i32).to_le_bytes());
        self.bytes.resize(size - BIN_HEADER, 0);
        let mut bin = vec![0; BIN_HEADER];
        put(&mut bin, 0, b"hbin");
        put_u32(&mut bin, 8, size as u32);
        put(&mut bin, 20, &self.time.0.to_le_bytes());
        bin.extend_from_slice(&self.bytes);
        bin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let root = Key::new("ROOT")
            .value("Number", Value::Number(7))
            .subkey(Key::new("Alpha").value("Text", Value::Text("one")))
            .subkey(Key::new("Beta").subkey(Key::new("Gamma")));
        hive(
            "SYSTEM",
            &root,
            &[1, 0, 4, 0x80],
            FileTime(131_806_944_000_000_000),
        )
    }

    fn u32_at(bytes: &[u8], at: usize) -> u32 {
        u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
    }

    #[test]
    fn a_hive_of_nothing_has_the_bytes_of_the_empty_hive() {
        let (security, time) = ([1, 0, 4, 0x80], FileTime(131_806_944_000_000_000));
        assert_eq!(
            Some(hive("SAM", &Key::new("ROOT"), &security, time)),
            transom_ntmeta::hive::empty("SAM", &security, time)
        );
    }

    #[test]
    fn a_hive_is_a_header_and_one_bin_of_whole_blocks() {
        let hive = sample();
        assert_eq!(&hive[..4], b"regf");
        assert_eq!(&hive[BLOCK..BLOCK + 4], b"hbin");
        assert_eq!(hive.len() % BLOCK, 0);
        assert_eq!(u32_at(&hive, 40) as usize, hive.len() - BLOCK);
        let words = (0..128).map(|word| u32_at(&hive, word * 4));
        assert_eq!(words.fold(0, |sum, word| sum ^ word), 0, "checksum");
    }

    #[test]
    fn cells_fill_the_bin_without_a_gap() {
        let hive = sample();
        let mut at = BLOCK + BIN_HEADER;
        let mut kinds = Vec::new();
        while at < hive.len() {
            let size = u32_at(&hive, at) as i32;
            assert!(
                size != 0 && size % 8 == 0,
                "cell at {at:#x} has size {size}"
            );
            if size < 0 {
                kinds.push(String::from_utf8_lossy(&hive[at + 4..at + 6]).into_owned());
            }
            at += size.unsigned_abs() as usize;
        }
        assert_eq!(at, hive.len());
        let count = |kind: &str| kinds.iter().filter(|found| *found == kind).count();
        assert_eq!(
            (count("nk"), count("sk"), count("vk"), count("lf")),
            (4, 1, 2, 2)
        );
    }

    #[test]
    fn the_header_points_at_the_root_key() {
        let hive = sample();
        let root = BLOCK + u32_at(&hive, 36) as usize + 4;
        assert_eq!(&hive[root..root + 2], b"nk");
        assert_eq!(&hive[root + 76..root + 80], b"ROOT");
        let list = BLOCK + u32_at(&hive, root + 28) as usize + 4;
        assert_eq!(&hive[list..list + 4], b"lf\x02\0");
        let alpha = BLOCK + u32_at(&hive, list + 4) as usize + 4;
        assert_eq!(&hive[alpha + 76..alpha + 81], b"Alpha");
        assert_eq!(u32_at(&hive, alpha + 16), u32_at(&hive, 36), "parent");
    }
}
