//! What is mounted: `/proc/self/mountinfo` (proc_pid_mountinfo(5)).

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use rustix::fs::makedev;

use crate::error::{MountError, Named};

const TABLE: &str = "/proc/self/mountinfo";

/// One line of the table of mounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mounted {
    /// The number of the mount.
    pub id: u32,
    /// The number of the mount that it is attached in.
    pub parent: u32,
    /// Major and minor number of the file system's device.
    pub device: (u32, u32),
    /// Which folder of its file system is shown.
    pub root: PathBuf,
    /// Where it is shown, from the root of this process.
    pub target: PathBuf,
    /// Options of the mount: `ro`, `nosuid`.
    pub options: Vec<OsString>,
    /// Relations to other mounts: `shared:1`.
    pub propagation: Vec<OsString>,
    /// The type of the file system: `erofs`, `overlay`.
    pub file_system: OsString,
    /// What was mounted: a device, a file, or whatever its maker gave.
    pub source: OsString,
    /// Options of the file system, the same at all places that show it: `upperdir=/a`.
    pub file_system_options: Vec<OsString>,
}

impl Mounted {
    /// Returns the device number as `st_dev` of a file in it has it.
    pub fn device_number(&self) -> u64 {
        makedev(self.device.0, self.device.1)
    }
}

/// A line of the table that is not as the kernel writes it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what} is missing or damaged")]
pub struct TableError {
    /// The line, from 1.
    pub line: usize,
    /// What could not be read.
    pub what: &'static str,
}

/// Reads what is mounted in this process's mount namespace, in the order of mounting.
///
/// # Errors
///
/// If `/proc` is not mounted.
pub fn table() -> Result<Vec<Mounted>, MountError> {
    let path = Path::new(TABLE);
    let bytes = fs::read(path).named("read", path)?;
    let parsed = parse_table(&bytes);
    parsed.map_err(|error| crate::error::Reason::from(error).into())
}

/// Parses the text of `/proc/self/mountinfo`; never panics, whatever the bytes.
///
/// # Errors
///
/// The first line that lacks a field.
pub fn parse_table(bytes: &[u8]) -> Result<Vec<Mounted>, TableError> {
    let lines = bytes.split(|byte| *byte == b'\n').enumerate();
    lines
        .filter(|(_, line)| !line.is_empty())
        .map(|(number, line)| {
            parse_line(line).map_err(|what| TableError {
                line: number + 1,
                what,
            })
        })
        .collect()
}

fn parse_line(line: &[u8]) -> Result<Mounted, &'static str> {
    let mut fields = line.split(|byte| *byte == b' ');
    let id = number(fields.next()).ok_or("the number of the mount")?;
    let parent = number(fields.next()).ok_or("the number of the parent")?;
    let device = device(fields.next()).ok_or("the device number")?;
    let root = fields.next().ok_or("the root")?;
    let target = fields.next().ok_or("the target")?;
    let options = fields.next().ok_or("the options of the mount")?;
    let mut propagation = Vec::new();
    loop {
        match fields.next().ok_or("the separator")? {
            b"-" => break,
            relation => propagation.push(unescape(relation)),
        }
    }
    let file_system = fields.next().ok_or("the type of the file system")?;
    let source = fields.next().ok_or("the source")?;
    let file_system_options = fields.next().ok_or("the options of the file system")?;
    Ok(Mounted {
        id,
        parent,
        device,
        root: unescape(root).into(),
        target: unescape(target).into(),
        options: list(options),
        propagation,
        file_system: unescape(file_system),
        source: unescape(source),
        file_system_options: list(file_system_options),
    })
}

fn number(field: Option<&[u8]>) -> Option<u32> {
    std::str::from_utf8(field?).ok()?.parse().ok()
}

fn device(field: Option<&[u8]>) -> Option<(u32, u32)> {
    let (major, minor) = std::str::from_utf8(field?).ok()?.split_once(':')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Splits options at their commas; commas within an option are escaped.
fn list(field: &[u8]) -> Vec<OsString> {
    let options = field.split(|byte| *byte == b',');
    options
        .filter(|option| !option.is_empty())
        .map(unescape)
        .collect()
}

/// Undoes the kernel's escapes: a backslash and three octal digits are one byte.
fn unescape(field: &[u8]) -> OsString {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, after)) = rest.split_first() {
        let escaped = match after {
            [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] if first == b'\\' => {
                Some((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'))
            }
            _ => None,
        };
        bytes.push(escaped.unwrap_or(first));
        rest = if escaped.is_some() {
            &after[3..]
        } else {
            after
        };
    }
    OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests;
