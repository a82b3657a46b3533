//! Completes $STANDARD_INFORMATION in the file records of an unmounted volume with what ntfs-3g does not set: the
//! change time, which it takes from its clock, and the attribute bits that it does not know.
//!
//! Places of the fields: Linux-NTFS project, layout of the boot sector, FILE records and $STANDARD_INFORMATION.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::object::Object;

/// Bits that follow from how a file is stored: folder, sparse, reparse point, compressed, encrypted.
const KEPT: u32 = 0x10 | 0x200 | 0x400 | 0x800 | 0x4000;
/// Type of the attribute $STANDARD_INFORMATION, the first of every record.
const STANDARD_INFORMATION: u32 = 0x10;
/// Bytes of a record before the place where the sector's last bytes are kept elsewhere.
const PLAIN: usize = 510;
/// Where $STANDARD_INFORMATION has the change time and the attributes.
const CHANGE: usize = 16;
const ATTRIBUTES: usize = 32;

/// Completes the records with these numbers.
pub(crate) fn complete<'a>(
    image: &Path,
    objects: impl Iterator<Item = (u64, &'a Object)>,
) -> Result<()> {
    let image = File::options().read(true).write(true).open(image)?;
    let (table, record_size) = table(&image)?;
    for (number, object) in objects {
        // mkntfs leaves room behind the table, so that in a fresh volume it grows in one piece.
        let at = table + number * record_size;
        complete_record(&image, at, number, object)
            .with_context(|| format!("cannot complete record {number}, {}", object.path()))?;
    }
    Ok(())
}

/// Returns where the MFT begins, and the size of its records, in bytes.
fn table(image: &File) -> Result<(u64, u64)> {
    let mut boot = [0; 512];
    image.read_exact_at(&mut boot, 0)?;
    let cluster = u64::from(u16_at(&boot, 0x0B)) * u64::from(boot[0x0D]);
    let record_size = match boot[0x40] as i8 {
        clusters @ 1.. => clusters as u64 * cluster,
        power => 1 << power.unsigned_abs(),
    };
    let table = u64::from(u32_at(&boot, 0x30)) * cluster;
    Ok((table, record_size))
}

fn complete_record(image: &File, at: u64, number: u64, object: &Object) -> Result<()> {
    let mut record = [0; PLAIN];
    image.read_exact_at(&mut record, at)?;
    ensure!(
        record.starts_with(b"FILE") && u64::from(u32_at(&record, 0x2C)) == number,
        "there is another record"
    );
    let attribute = usize::from(u16_at(&record, 0x14));
    ensure!(
        u32_at(&record, attribute) == STANDARD_INFORMATION,
        "it begins with another attribute"
    );
    let value = attribute + usize::from(u16_at(&record, attribute + 0x14));
    record[value + CHANGE..][..8].copy_from_slice(&object.times[3].to_le_bytes());
    if let Some(bits) = object.attributes {
        let bits = bits & !KEPT | u32_at(&record, value + ATTRIBUTES) & KEPT;
        record[value + ATTRIBUTES..][..4].copy_from_slice(&bits.to_le_bytes());
    }
    Ok(image.write_all_at(&record, at)?)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
