//! PAX extended header records (POSIX.1-2001 pax, "pax Extended Header").

use std::collections::HashMap;

use super::error::ParseError;
use super::text::decimal;

/// Records in the order of their first appearance, one per key.
pub(super) type Records = Vec<(Vec<u8>, Vec<u8>)>;

/// Reads the records of a body that starts at `offset` of the archive.
pub(super) fn records(body: &[u8], offset: u64) -> Result<Records, ParseError> {
    let mut records = Records::new();
    let mut places = HashMap::new();
    let mut set = |key: &[u8], value: &[u8]| match places.get(key) {
        Some(&place) => {
            if let Some((_, old)) = records.get_mut::<usize>(place) {
                *old = value.to_vec();
            }
        }
        None => {
            places.insert(key.to_vec(), records.len());
            records.push((key.to_vec(), value.to_vec()));
        }
    };
    // Sparse format 0.0 repeats two keys in turn, against POSIX; joined they are format 0.1's map.
    let mut sparse_map = Vec::new();
    let mut sparse_numbers = 0u64;
    let mut rest = body;
    while !rest.is_empty() {
        let refuse = |rule| ParseError::BadPaxRecord {
            offset: offset.saturating_add((body.len() - rest.len()) as u64),
            rule,
        };
        let (key, value, tail) = split_record(rest).map_err(refuse)?;
        match key {
            b"GNU.sparse.offset" | b"GNU.sparse.numbytes" => {
                if sparse_numbers.is_multiple_of(2) != (key == b"GNU.sparse.offset")
                    || value.contains(&b',')
                {
                    return Err(refuse(
                        "GNU.sparse.offset and GNU.sparse.numbytes must alternate",
                    ));
                }
                if sparse_numbers > 0 {
                    sparse_map.push(b',');
                }
                sparse_map.extend_from_slice(value);
                sparse_numbers += 1;
            }
            _ => set(key, value),
        }
        rest = tail;
    }
    if sparse_numbers > 0 {
        set(b"GNU.sparse.map", &sparse_map);
    }
    Ok(records)
}

/// Key and value of a record, and what comes after it.
type Split<'a> = (&'a [u8], &'a [u8], &'a [u8]);

/// Splits `<length> <key>=<value>\n` off the front, checked as Go's `archive/tar` checks it.
fn split_record(body: &[u8]) -> Result<Split<'_>, &'static str> {
    let (digits, _) = cut(body, b' ').ok_or("there is no space after the length")?;
    let length = decimal(digits)
        .and_then(|n| usize::try_from(n).ok())
        .ok_or("the length is not a number")?;
    if length > body.len() {
        return Err("the length goes past the end of the header");
    }
    let (record, rest) = body.split_at(length);
    let text = record
        .get(digits.len() + 1..)
        .and_then(|text| text.strip_suffix(b"\n"))
        .ok_or("there is no newline where the length says it ends")?;
    let (key, value) = cut(text, b'=').ok_or("there is no equals sign")?;
    check(key, value)?;
    Ok((key, value, rest))
}

/// Cuts at the first `separator`, which is in neither part.
fn cut(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let mut parts = text.splitn(2, |&b| b == separator);
    Some((parts.next()?, parts.next()?))
}

/// Checks a key and its value: no empty key, no `=` in it, no NUL in it nor in a value that is a name.
pub(crate) fn check(key: &[u8], value: &[u8]) -> Result<(), &'static str> {
    if key.is_empty() {
        return Err("the key is empty");
    }
    if key.contains(&b'=') {
        return Err("the key contains an equals sign");
    }
    let is_name = matches!(key, b"path" | b"linkpath" | b"uname" | b"gname");
    if is_name && value.contains(&0) {
        return Err("a name contains a NUL");
    }
    if key.contains(&0) {
        return Err("the key contains a NUL");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Option<Vec<(String, String)>> {
        let text = |bytes| String::from_utf8(bytes).expect("the cases are text");
        let records = records(body.as_bytes(), 0).ok()?;
        Some(
            records
                .into_iter()
                .map(|(k, v)| (text(k), text(v)))
                .collect(),
        )
    }

    fn pairs(list: &[(&str, &str)]) -> Option<Vec<(String, String)>> {
        Some(
            list.iter()
                .map(|&(k, v)| (k.to_owned(), v.to_owned()))
                .collect(),
        )
    }

    #[test]
    fn records_are_read_as_go_reads_them() {
        assert_eq!(read(""), pairs(&[]));
        assert_eq!(read("6 k=1\n"), pairs(&[("k", "1")]));
        assert_eq!(read("10 a=name\n"), pairs(&[("a", "name")]));
        // The length may count itself with fewer digits than it has when self-consistency allows both.
        assert_eq!(read("9 a=name\n"), pairs(&[("a", "name")]));
        assert_eq!(read("3 somelongkey=\n"), None);
        assert_eq!(read("50 tooshort=\n"), None);
        assert_eq!(read("5 =1\n"), None);
        assert_eq!(read("-6 k=1\n"), None);
        assert_eq!(read("6_k=1\n"), None);
        assert_eq!(read("6 k=1x"), None);
        assert_eq!(read("6 kk1\n"), None);
    }

    #[test]
    fn the_last_of_equal_keys_wins_in_the_place_of_the_first() {
        assert_eq!(
            read("13 key1=val1\n13 key2=val2\n8 key1=\n"),
            pairs(&[("key1", ""), ("key2", "val2")])
        );
    }

    #[test]
    fn sparse_format_0_0_is_joined_into_one_map() {
        assert_eq!(
            read(
                "22 GNU.sparse.size=10\n26 GNU.sparse.numblocks=2\n23 GNU.sparse.offset=1\n25 GNU.sparse.numbytes=2\n\
                 23 GNU.sparse.offset=3\n25 GNU.sparse.numbytes=4\n"
            ),
            pairs(&[
                ("GNU.sparse.size", "10"),
                ("GNU.sparse.numblocks", "2"),
                ("GNU.sparse.map", "1,2,3,4")
            ])
        );
        assert_eq!(
            read("25 GNU.sparse.numbytes=2\n23 GNU.sparse.offset=1\n"),
            None
        );
        assert_eq!(
            read("25 GNU.sparse.offset=1,2\n25 GNU.sparse.numbytes=2\n"),
            None
        );
    }
}
