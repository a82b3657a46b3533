//! Whether this host can mount at all.

use std::fs;

use rustix::io::Errno;
use rustix::mount::{FsOpenFlags, fsopen};
use rustix::system::uname;
use rustix::thread::{CapabilitySet, capabilities};

/// First Linux that mounts EROFS with blocks of 512 bytes.
const OLDEST_KERNEL: (u32, u32) = (6, 4);

/// Why this host, or this process, cannot mount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Why {
    /// The process has no `CAP_SYS_ADMIN`.
    #[error("needs root (the capability CAP_SYS_ADMIN)")]
    NotPrivileged,
    /// The process is root in a user namespace only.
    #[error(
        "needs root of the host: this process is root in a user namespace only, where Linux mounts no EROFS"
    )]
    UserNamespace,
    /// The kernel is too old.
    #[error("needs Linux {}.{} or later, this is {release}", OLDEST_KERNEL.0, OLDEST_KERNEL.1)]
    KernelTooOld {
        /// What `uname -r` says.
        release: String,
    },
    /// The kernel has not this file system, built in or as a module that it finds.
    #[error("needs the file system {name}, which this kernel has not (try: modprobe {name})")]
    NoFileSystem {
        /// The file system.
        name: &'static str,
    },
    /// The kernel refuses to begin a mount although the process is privileged.
    #[error("the kernel refuses to mount {name}: {refusal}")]
    Refused {
        /// The file system.
        name: &'static str,
        /// What the system said.
        refusal: String,
    },
}

/// Tells whether EROFS images and overlays can be mounted here. Cheap: mounts nothing, but may load modules.
///
/// # Errors
///
/// The first thing that is missing.
pub fn can_mount() -> Result<(), Why> {
    if !capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::SYS_ADMIN)) {
        return Err(Why::NotPrivileged);
    }
    if fs::read_to_string("/proc/self/uid_map").is_ok_and(|map| !maps_every_user(&map)) {
        return Err(Why::UserNamespace);
    }
    let release = uname().release().to_string_lossy().into_owned();
    if version(&release).is_some_and(|version| version < OLDEST_KERNEL) {
        return Err(Why::KernelTooOld { release });
    }
    for name in ["erofs", "overlay"] {
        match fsopen(name, FsOpenFlags::FSOPEN_CLOEXEC) {
            Ok(_) => {}
            Err(Errno::NODEV) => return Err(Why::NoFileSystem { name }),
            Err(errno) => {
                let refusal = errno.to_string();
                return Err(Why::Refused { name, refusal });
            }
        }
    }
    Ok(())
}

/// Tells whether a `uid_map` is that of the first user namespace: all users, each as itself.
fn maps_every_user(map: &str) -> bool {
    map.split_ascii_whitespace().eq(["0", "0", "4294967295"])
}

/// Reads the two first numbers of a release such as `6.12.3-generic`.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_compared_as_numbers() {
        assert_eq!(version("6.12.3-generic"), Some((6, 12)));
        assert_eq!(version("6.4"), Some((6, 4)));
        assert_eq!(version("7.0-rc1"), Some((7, 0)));
        assert_eq!(version("unknown"), None);
        assert!(version("6.18.44").unwrap() > OLDEST_KERNEL);
        assert!(version("5.15.0").unwrap() < OLDEST_KERNEL);
    }

    #[test]
    fn only_the_first_user_namespace_maps_every_user() {
        assert!(maps_every_user("         0          0 4294967295\n"));
        assert!(!maps_every_user("         0       1000          1\n"));
        assert!(!maps_every_user(""));
        let two_ranges = "0 1000 1\n1 100000 65536\n";
        assert!(!maps_every_user(two_ranges));
    }
}
