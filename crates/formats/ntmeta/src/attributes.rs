//! File attributes (MS-FSCC 2.6): the 32 bits that every file and directory has on Windows.

use bitflags::bitflags;

bitflags! {
    /// The FILE_ATTRIBUTE_* bits of a file. Bits without a name are kept as they are.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct FileAttributes: u32 {
        /// FILE_ATTRIBUTE_READONLY: the content may not be written, the file not be deleted.
        const READONLY = 0x0000_0001;
        /// FILE_ATTRIBUTE_HIDDEN: left out of ordinary listings.
        const HIDDEN = 0x0000_0002;
        /// FILE_ATTRIBUTE_SYSTEM: used by the operating system.
        const SYSTEM = 0x0000_0004;
        /// FILE_ATTRIBUTE_DIRECTORY: the file is a directory; also set on directory symlinks and junctions.
        const DIRECTORY = 0x0000_0010;
        /// FILE_ATTRIBUTE_ARCHIVE: changed since the last backup.
        const ARCHIVE = 0x0000_0020;
        /// FILE_ATTRIBUTE_DEVICE: reserved for the system.
        const DEVICE = 0x0000_0040;
        /// FILE_ATTRIBUTE_NORMAL: no other attribute is set.
        const NORMAL = 0x0000_0080;
        /// FILE_ATTRIBUTE_TEMPORARY: keep in memory where possible.
        const TEMPORARY = 0x0000_0100;
        /// FILE_ATTRIBUTE_SPARSE_FILE: ranges of the file may be unallocated.
        const SPARSE_FILE = 0x0000_0200;
        /// FILE_ATTRIBUTE_REPARSE_POINT: the file has reparse data.
        const REPARSE_POINT = 0x0000_0400;
        /// FILE_ATTRIBUTE_COMPRESSED: stored compressed by NTFS; on a directory, the default for new files.
        const COMPRESSED = 0x0000_0800;
        /// FILE_ATTRIBUTE_OFFLINE: the content has been moved elsewhere.
        const OFFLINE = 0x0000_1000;
        /// FILE_ATTRIBUTE_NOT_CONTENT_INDEXED: left out of the content index.
        const NOT_CONTENT_INDEXED = 0x0000_2000;
        /// FILE_ATTRIBUTE_ENCRYPTED: stored encrypted by EFS; on a directory, the default for new files.
        const ENCRYPTED = 0x0000_4000;
        /// FILE_ATTRIBUTE_INTEGRITY_STREAM: checksummed by ReFS.
        const INTEGRITY_STREAM = 0x0000_8000;
        /// FILE_ATTRIBUTE_VIRTUAL: reserved for the system.
        const VIRTUAL = 0x0001_0000;
        /// FILE_ATTRIBUTE_NO_SCRUB_DATA: left out of background integrity scans.
        const NO_SCRUB_DATA = 0x0002_0000;
        /// FILE_ATTRIBUTE_RECALL_ON_OPEN (also FILE_ATTRIBUTE_EA in some listings): opening fetches the file.
        const RECALL_ON_OPEN = 0x0004_0000;
        /// FILE_ATTRIBUTE_PINNED: to be kept on this machine.
        const PINNED = 0x0008_0000;
        /// FILE_ATTRIBUTE_UNPINNED: need not be kept on this machine.
        const UNPINNED = 0x0010_0000;
        /// FILE_ATTRIBUTE_RECALL_ON_DATA_ACCESS: reading fetches the content.
        const RECALL_ON_DATA_ACCESS = 0x0040_0000;
        /// FILE_ATTRIBUTE_STRICTLY_SEQUENTIAL: lies on a sequentially written zone.
        const STRICTLY_SEQUENTIAL = 0x2000_0000;

        const _ = !0;
    }
}

/// Columns that are always printed, `-` where the bit is not set: PowerShell's `Mode`, in its order.
const COLUMNS: [(FileAttributes, char); 6] = [
    (FileAttributes::DIRECTORY, 'd'),
    (FileAttributes::ARCHIVE, 'a'),
    (FileAttributes::READONLY, 'r'),
    (FileAttributes::HIDDEN, 'h'),
    (FileAttributes::SYSTEM, 's'),
    (FileAttributes::REPARSE_POINT, 'l'),
];

/// Letters that follow only where the bit is set; those that `attrib` also shows have its letter.
const EXTRAS: [(FileAttributes, char); 10] = [
    (FileAttributes::COMPRESSED, 'c'),
    (FileAttributes::ENCRYPTED, 'e'),
    (FileAttributes::OFFLINE, 'o'),
    (FileAttributes::NOT_CONTENT_INDEXED, 'i'),
    (FileAttributes::NO_SCRUB_DATA, 'x'),
    (FileAttributes::INTEGRITY_STREAM, 'v'),
    (FileAttributes::PINNED, 'p'),
    (FileAttributes::UNPINNED, 'u'),
    (FileAttributes::TEMPORARY, 't'),
    (FileAttributes::SPARSE_FILE, 'z'),
];

impl FileAttributes {
    /// Returns the letters for a listing: six columns `darhsl`, then the letters of rarer attributes.
    ///
    /// `?` stands at the end if a bit is set that has no letter; [`FileAttributes::NORMAL`] has none to show.
    pub fn letters(self) -> String {
        let mut text: String = COLUMNS
            .iter()
            .map(|&(bit, letter)| if self.contains(bit) { letter } else { '-' })
            .collect();
        let mut rest = self - FileAttributes::NORMAL;
        for (bit, _) in COLUMNS {
            rest -= bit;
        }
        for (bit, letter) in EXTRAS {
            if rest.contains(bit) {
                text.push(letter);
                rest -= bit;
            }
        }
        if !rest.is_empty() {
            text.push('?');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_without_a_name_are_kept() {
        assert_eq!(FileAttributes::from_bits_retain(u32::MAX).bits(), u32::MAX);
        let unknown = FileAttributes::from_bits_retain(0x8000_0020);
        assert_eq!((unknown - FileAttributes::ARCHIVE).bits(), 0x8000_0000);
    }

    #[test]
    fn letters_show_six_columns_and_then_the_rest() {
        for (bits, letters) in [
            (0x00, "------"),
            (0x80, "------"),
            (0x10, "d-----"),
            (0x20, "-a----"),
            (0x27, "-arhs-"),
            (0x410, "d----l"),
            (0x2220, "-a----iz"),
            (0x4800, "------ce"),
            (0x8000_0020, "-a----?"),
            (0x0040_0000, "------?"),
        ] {
            assert_eq!(
                FileAttributes::from_bits_retain(bits).letters(),
                letters,
                "{bits:#x}"
            );
        }
    }
}
