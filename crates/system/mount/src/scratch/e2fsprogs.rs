//! Making and growing file systems at rest, with the programs that know how.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rustix::process::{getegid, geteuid};

use crate::error::{MountError, Named, Reason};

/// Where the programs are: in `PATH`, or where they are for users whose `PATH` lacks system programs.
const FOLDERS: [&str; 3] = ["", "/usr/sbin", "/sbin"];

/// What must be on whatever the program's configuration says: attributes of up to 64 KiB (`ea_inode`),
/// growing while mounted (`resize_inode`, `64bit`), surviving a crash (`has_journal`, `metadata_csum`).
const FEATURES: &str = "ea_inode,resize_inode,64bit,has_journal,metadata_csum";

/// Makes an ext4 in the file `path` of `size` bytes.
pub(super) fn make(path: &Path, size: u64) -> Result<(), MountError> {
    let owner = format!("root_owner={}:{}", geteuid().as_raw(), getegid().as_raw());
    let extended = format!("lazy_itable_init=1,lazy_journal_init=1,{owner}");
    let journal = format!("size={}", journal_size(size));
    let make = Step {
        name: "make a file system in",
        program: "mke2fs",
        path,
    };
    make.run(
        &[
            &["-q", "-F", "-t", "ext4", "-O", FEATURES, "-b", "4096"][..],
            // Room for a security descriptor and the like in the inode itself: without it every file with
            // attributes takes a block more.
            &["-I", "1024", "-i", "16384"],
            &[
                "-m",
                "0",
                "-e",
                "remount-ro",
                "-J",
                &journal,
                "-E",
                &extended,
            ],
        ]
        .concat(),
        0,
    )
}

/// Grows the ext4 in the file `path` to the size of the file.
pub(super) fn grow(path: &Path) -> Result<(), MountError> {
    let check = Step {
        name: "check the file system in",
        program: "e2fsck",
        path,
    };
    // e2fsck(8): 1 is "file system errors corrected"; replaying the journal counts as that.
    check.run(&["-f", "-p"], 1)?;
    let grow = Step {
        name: "grow the file system in",
        program: "resize2fs",
        path,
    };
    grow.run(&[], 0)
}

/// What a program is run for.
struct Step<'a> {
    name: &'static str,
    program: &'static str,
    path: &'a Path,
}

impl Step<'_> {
    /// Runs the program on the file; it must end with `worst` or less.
    fn run(&self, arguments: &[&str], worst: i32) -> Result<(), MountError> {
        let output = self.output(arguments)?;
        if output.status.code().is_some_and(|code| code <= worst) {
            return Ok(());
        }
        let said = [output.stdout, output.stderr].concat();
        Err(Reason::Program {
            step: self.name,
            path: self.path.to_owned(),
            program: self.program,
            status: output.status,
            said: String::from_utf8_lossy(&said).trim().to_owned(),
        }
        .into())
    }

    fn output(&self, arguments: &[&str]) -> Result<Output, MountError> {
        let arguments = arguments.iter().map(OsStr::new);
        let arguments: Vec<_> = arguments.chain([self.path.as_os_str()]).collect();
        for folder in FOLDERS {
            let output = Command::new(Path::new(folder).join(self.program))
                .args(&arguments)
                .stdin(Stdio::null())
                .output();
            match output {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                result => return result.named(self.name, self.path),
            }
        }
        Err(Reason::NoProgram {
            step: self.name,
            path: self.path.to_owned(),
            program: self.program,
        }
        .into())
    }
}

/// Returns how large the journal of an image of `size` bytes is, in MiB.
///
/// Four is the least that ext4 takes with blocks of 4 KiB; past 64 it no longer gets faster.
fn journal_size(size: u64) -> u64 {
    (size / (64 << 20)).clamp(4, 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn journal_takes_a_small_part_of_the_image() {
        assert_eq!(journal_size(16 << 20), 4);
        assert_eq!(journal_size(1 << 30), 16);
        assert_eq!(journal_size(20 << 30), 64);
        assert_eq!(journal_size(u64::MAX), 64);
    }
}
