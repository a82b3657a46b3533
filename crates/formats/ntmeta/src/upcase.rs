//! The `$UpCase` table: upper case of a UTF-16 code unit, as NTFS folds names.
//!
//! NTFS compares names unit by unit through a table that is stored in each volume (MS-FSCC calls it the
//! upcase table; MFT record 10). It is neither Unicode's simple upper-casing nor exFAT's table. The one here
//! is the table that `mkntfs` gives to new volumes (973 units have an upper case of their own), coded as
//! runs by `examples/upcase_table.rs` and expanded at compile time.

mod runs;

use runs::RUNS;

/// Units `first`, `first + step`, … (`count` of them), each `distance` (modulo 2^16) from its upper case.
struct Run {
    first: u16,
    count: u16,
    step: u16,
    distance: u16,
}

const UNITS: usize = 0x1_0000;

static TABLE: [u16; UNITS] = expand();

const fn expand() -> [u16; UNITS] {
    let mut table = [0u16; UNITS];
    let mut unit = 0;
    while unit < UNITS {
        table[unit] = unit as u16;
        unit += 1;
    }
    let mut index = 0;
    while index < RUNS.len() {
        let run = &RUNS[index];
        let mut done = 0;
        while done < run.count {
            let unit = run.first + done * run.step;
            table[unit as usize] = unit.wrapping_add(run.distance);
            done += 1;
        }
        index += 1;
    }
    table
}

/// Returns the upper case of one UTF-16 code unit; units without one, and surrogates, are returned as they are.
#[inline]
pub fn upcase(unit: u16) -> u16 {
    TABLE[unit as usize]
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    #[test]
    fn the_expanded_table_has_the_digest_of_the_one_mkntfs_writes() {
        let bytes: Vec<u8> = TABLE.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let digest: String = Sha256::digest(&bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(
            digest,
            "41c26bc7a12bdaeb26025c93118697c7e3ef81ee048b00fe5cce2a472e0e0742"
        );
    }

    #[test]
    fn nine_hundred_and_seventy_three_units_are_mapped() {
        let mapped = (0..=u16::MAX).filter(|&unit| upcase(unit) != unit).count();
        assert_eq!(mapped, 973);
    }

    #[test]
    fn folding_twice_is_folding_once() {
        for unit in 0..=u16::MAX {
            assert_eq!(upcase(upcase(unit)), upcase(unit), "{unit:#06x}");
        }
    }

    #[test]
    fn ascii_folds_as_ascii_and_nothing_else_folds_into_it() {
        for unit in 0..=u16::MAX {
            match u8::try_from(unit) {
                Ok(byte) if byte.is_ascii() => {
                    assert_eq!(upcase(unit), u16::from(byte.to_ascii_uppercase()));
                }
                _ => assert!(upcase(unit) >= 0x80, "{unit:#06x}"),
            }
        }
    }

    #[test]
    fn surrogates_are_their_own_upper_case() {
        for unit in 0xD800..=0xDFFF {
            assert_eq!(upcase(unit), unit);
        }
    }

    #[test]
    fn the_table_is_not_unicode_upper_casing() {
        // Latin small sharp s and dotless i have no single-unit upper case in the table.
        assert_eq!(upcase(0x00DF), 0x00DF);
        assert_eq!(upcase(0x0131), 0x0131);
        assert_eq!(upcase(0x00FC), 0x00DC);
        assert_eq!(upcase(0x03B1), 0x0391);
        assert_eq!(upcase(0x0436), 0x0416);
    }
}
