//! How values are shown to people.

use serde_json::{Value, json};
use transom_ntmeta::filetime::{FileTime, UnixTime};
use transom_ntmeta::sddl;
use transom_ntmeta::security::SecurityDescriptor;

/// Shows bytes from an image: control characters, which could steer the terminal, are escaped.
pub(crate) fn text(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for character in String::from_utf8_lossy(bytes).chars() {
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Shows bytes from an image in JSON: as text, or in base 16 beside it where they are no UTF-8.
pub(crate) fn json_text(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => json!(text),
        Err(_) => json!({ "text": String::from_utf8_lossy(bytes), "hex": hex(bytes) }),
    }
}

/// Shows bytes in base 16.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing into a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Shows a number of things: `1 layer`, `2 layers`.
pub(crate) fn count(number: u64, thing: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{ending}")
}

/// Shows a size: `1.5 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// Shows a time in UTC with all the digits NTFS has.
pub(crate) fn time(time: UnixTime) -> String {
    match FileTime::from_unix_checked(UnixTime {
        nanos: time.nanos / 100 * 100,
        ..time
    }) {
        Some(time) => time.to_string(),
        None => format!("{} seconds after 1970", time.to_pax()),
    }
}

/// Shows a time to the minute, for listings.
pub(crate) fn short_time(time: UnixTime) -> String {
    let whole = self::time(time);
    match (whole.get(..10), whole.get(11..16)) {
        (Some(date), Some(minute)) if whole.ends_with('Z') => format!("{date} {minute}"),
        _ => whole,
    }
}

/// Shows the owner in a security descriptor: by name if everybody knows it, else by SID.
pub(crate) fn owner(descriptor: &[u8]) -> Option<String> {
    let descriptor = SecurityDescriptor::parse(descriptor).ok()?;
    let sid = descriptor.owner()?.to_string();
    Some(known_sid(&sid).map_or(sid, str::to_owned))
}

/// Shows a security descriptor as SDDL; what has no SDDL form as its bytes and why.
pub(crate) fn sddl(descriptor: &[u8]) -> String {
    let text = SecurityDescriptor::parse(descriptor)
        .map_err(|error| error.to_string())
        .and_then(|descriptor| sddl::to_sddl(&descriptor).map_err(|error| error.to_string()));
    text.unwrap_or_else(|error| format!("({error}) 0x{}", hex(descriptor)))
}

/// Names of accounts that are the same on every Windows (MS-DTYP 2.4.2.4).
fn known_sid(sid: &str) -> Option<&'static str> {
    Some(match sid {
        "S-1-1-0" => "Everyone",
        "S-1-3-0" => "CREATOR OWNER",
        "S-1-5-11" => "Authenticated Users",
        "S-1-5-18" => "SYSTEM",
        "S-1-5-19" => "LOCAL SERVICE",
        "S-1-5-20" => "NETWORK SERVICE",
        "S-1-5-32-544" => "Administrators",
        "S-1-5-32-545" => "Users",
        "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464" => "TrustedInstaller",
        "S-1-5-93-2-1" => "ContainerAdministrator",
        "S-1-5-93-2-2" => "ContainerUser",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_change_their_unit_before_they_need_four_digits() {
        for (bytes, shown) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1_048_575, "1.0 MiB"),
            (1_572_864, "1.5 MiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(size(bytes), shown);
        }
    }

    #[test]
    fn names_cannot_steer_the_terminal() {
        assert_eq!(text(b"a\x1b[2Jb\n"), "a\\u{1b}[2Jb\\n");
        assert_eq!(text("日本.txt".as_bytes()), "日本.txt");
    }

    #[test]
    fn a_time_that_ntfs_cannot_have_is_shown_in_seconds() {
        let time_of = |seconds| UnixTime { seconds, nanos: 0 };
        assert_eq!(time(time_of(0)), "1970-01-01T00:00:00.0000000Z");
        assert_eq!(short_time(time_of(0)), "1970-01-01 00:00");
        assert_eq!(
            time(time_of(i64::MAX)),
            "9223372036854775807 seconds after 1970"
        );
    }

    #[test]
    fn bytes_that_are_no_text_stay_whole_in_json() {
        assert_eq!(json_text(b"a\xff")["hex"], "61ff");
    }
}
