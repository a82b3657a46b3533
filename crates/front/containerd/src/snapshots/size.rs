//! Labels by which a client bounds what can be written to a snapshot.

use std::collections::BTreeMap;

/// Bytes (containerd, plugins/snapshots/windows).
const BYTES: &str = "containerd.io/snapshot/windows/rootfs.sizebytes";
/// Gigabytes of 2^30 bytes, the older label.
const GIGABYTES: &str = "containerd.io/snapshot/io.microsoft.container.storage.rootfs.size-gb";

/// Returns the bytes that labels ask for; a label that is no number asks for nothing.
pub(crate) fn of(labels: &BTreeMap<String, String>) -> Option<u64> {
    let number = |label| {
        labels
            .get(label)
            .and_then(|value| value.parse::<u64>().ok())
    };
    let bytes = number(BYTES).or_else(|| number(GIGABYTES)?.checked_mul(1 << 30));
    bytes.filter(|bytes| *bytes > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_win_over_gigabytes_and_nonsense_is_no_size() {
        let labels = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter();
            of(&pairs
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect())
        };
        assert_eq!(labels(&[]), None);
        assert_eq!(labels(&[(BYTES, "21474836480")]), Some(20 << 30));
        assert_eq!(labels(&[(GIGABYTES, "20")]), Some(20 << 30));
        assert_eq!(labels(&[(BYTES, "1"), (GIGABYTES, "20")]), Some(1));
        for nonsense in ["", "-1", "20GB", "0", "99999999999999999999"] {
            assert_eq!(labels(&[(BYTES, nonsense)]), None, "{nonsense}");
        }
        assert_eq!(labels(&[(GIGABYTES, "18446744073709551615")]), None);
    }
}
