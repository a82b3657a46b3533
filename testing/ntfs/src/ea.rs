//! The EA list as NTFS keeps it: FILE_FULL_EA_INFORMATION (MS-FSCC 2.4.16), where the last entry's offset, too, is
//! its length.

use anyhow::{Context, Result, ensure};

/// Offset to the next entry (32 bits), flags, length of the name, length of the value (16 bits).
const HEADER: usize = 8;

/// Makes a list of names and values.
pub(crate) fn to_list(eas: &[(Vec<u8>, Vec<u8>)]) -> Result<Vec<u8>> {
    let mut list = Vec::new();
    for (name, value) in eas {
        let size = (HEADER + name.len() + 1 + value.len()).next_multiple_of(4);
        let end = list.len() + size;
        list.extend(u32::try_from(size)?.to_le_bytes());
        list.extend([0, u8::try_from(name.len())?]);
        list.extend(u16::try_from(value.len())?.to_le_bytes());
        list.extend([name, &[0][..], value].concat());
        list.resize(end, 0);
    }
    Ok(list)
}

/// Reads a list, in which every entry must lead to the next and the last one to the end.
pub(crate) fn from_list(mut list: &[u8]) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut eas = Vec::new();
    while let Some((header, _)) = list.split_first_chunk::<HEADER>() {
        let [n0, n1, n2, n3, flags, name_len, v0, v1] = *header;
        let size = u32::from_le_bytes([n0, n1, n2, n3]) as usize;
        let value = HEADER + usize::from(name_len) + 1;
        let end = value + usize::from(u16::from_le_bytes([v0, v1]));
        ensure!(
            size == end.next_multiple_of(4) && flags == 0,
            "an EA of {end} bytes has offset {size} and flags {flags}"
        );
        let entry = list.get(..size).context("an EA list is cut off")?;
        ensure!(entry[value - 1] == 0, "the name of an EA has no end");
        eas.push((
            entry[HEADER..value - 1].to_vec(),
            entry[value..end].to_vec(),
        ));
        list = &list[size..];
    }
    ensure!(list.is_empty(), "{} bytes follow an EA list", list.len());
    Ok(eas)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_leads_to_the_next_and_the_last_to_the_end() {
        let eas = vec![(b"ABC".to_vec(), vec![1, 2]), (b"D".to_vec(), vec![])];
        let list = [
            16, 0, 0, 0, 0, 3, 2, 0, b'A', b'B', b'C', 0, 1, 2, 0, 0, //
            12, 0, 0, 0, 0, 1, 0, 0, b'D', 0, 0, 0,
        ];
        assert_eq!(to_list(&eas).unwrap(), list);
        assert_eq!(from_list(&list).unwrap(), eas);
    }

    #[test]
    fn a_list_that_does_not_end_so_is_refused() {
        let mut list = to_list(&[(b"D".to_vec(), vec![7])]).unwrap();
        assert!(from_list(&list[..11]).is_err());
        list[0] = 0;
        assert!(from_list(&list).is_err());
    }
}
