//! The kernel's table of mounts.

/// A table that is accepted has a place for every line that is not empty.
#[cfg(target_os = "linux")]
pub fn mount_table(data: &[u8]) {
    if let Ok(mounts) = transom_mount::parse_table(data) {
        let lines = data.split(|byte| *byte == b'\n');
        let lines = lines.filter(|line| !line.is_empty()).count();
        assert_eq!(mounts.len(), lines);
    }
}

/// Only Linux has one.
#[cfg(not(target_os = "linux"))]
pub fn mount_table(_: &[u8]) {}
