//! Running a program under `strace`, and reading what it says.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, bail, ensure};

/// System calls that change files, and those that say where the next write of a file goes.
const WRITES: &str = "open,openat,openat2,creat,close,dup,dup2,dup3,fcntl,lseek,\
    write,writev,pwrite64,pwritev,pwritev2,copy_file_range,sendfile,splice,\
    truncate,ftruncate,fallocate,mkdir,mkdirat,mknod,mknodat,link,linkat,symlink,symlinkat,\
    rename,renameat,renameat2,unlink,unlinkat,rmdir,chmod,fchmod,fchmodat,\
    setxattr,lsetxattr,fsetxattr,removexattr,lremovexattr,fremovexattr,fsync,fdatasync,sync,syncfs,\
    io_uring_setup";

/// One system call that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The thread that made it.
    pub thread: u32,
    /// The name of the call.
    pub name: String,
    /// Its arguments.
    pub arguments: Vec<Argument>,
    /// What it returned.
    pub returned: Argument,
}

/// An argument of a call, or what it returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    /// An open file, with its path at that time; the current folder has [`CURRENT_FOLDER`] as its number.
    File {
        /// Its number.
        number: i64,
        /// Its path; empty if it has none any more.
        path: PathBuf,
    },
    /// The bytes of a string or buffer.
    Bytes(Vec<u8>),
    /// Anything else, as it was printed.
    Word(String),
}

/// The number under which the current folder stands among open files.
pub const CURRENT_FOLDER: i64 = -100;

impl Argument {
    /// Returns it as a number; `None` if it is none.
    pub fn number(&self) -> Option<i64> {
        match self {
            Self::File { number, .. } => Some(*number),
            Self::Word(word) => match word.strip_prefix("0x") {
                Some(hex) => i64::from_str_radix(hex, 16).ok(),
                // Modes are printed in octal digits, with a zero in front.
                None if word.len() > 1 && word.starts_with('0') => {
                    i64::from_str_radix(word, 8).ok()
                }
                None => word.parse().ok(),
            },
            Self::Bytes(_) => None,
        }
    }

    /// Says whether it is a set of flags with this one in it.
    pub fn has_flag(&self, flag: &str) -> bool {
        let is_end = |byte: char| !byte.is_ascii_alphanumeric() && byte != '_';
        matches!(self, Self::Word(word) if word.split(is_end).any(|word| word == flag))
    }
}

/// Says whether `strace` can be started and may trace here.
pub fn is_possible() -> bool {
    let traced = Command::new("strace")
        .args(["-f", "-o", "/dev/null", "true"])
        .output();
    traced.is_ok_and(|output| output.status.success())
}

/// Runs `program` with `arguments` and returns the calls that changed files, in the order in which they ended.
///
/// # Errors
/// If `strace` cannot be started or says something that this cannot read.
pub fn record<S: AsRef<OsStr>>(program: &Path, arguments: &[S]) -> Result<(Output, Vec<Call>)> {
    let said = tempfile::NamedTempFile::new()?;
    let output = Command::new("strace")
        // All threads; only what succeeded; paths of open files; strings as hexadecimal digits and whole.
        .args(["-f", "-z", "-y", "-xx", "-qq", "--seccomp-bpf"])
        .args(["-s", "1000000000", "-e", "signal=none", "-e"])
        .arg(format!("trace={WRITES}"))
        .arg("-o")
        .arg(said.path())
        .arg(program)
        .args(arguments)
        .output()
        .context("cannot start strace")?;
    let said = fs::read_to_string(said.path()).context("cannot read what strace wrote")?;
    let calls = said
        .lines()
        .map(|line| read_line(line).with_context(|| format!("strace says {}", shortened(line))))
        .collect::<Result<_>>()?;
    Ok((output, calls))
}

/// A fault that is put into a program's calls.
#[derive(Debug, Clone, Copy)]
pub struct Fault<'a> {
    /// The name of the system call.
    pub call: &'a str,
    /// What each thread's call fails with: `EIO`, …
    pub error: &'a str,
    /// Which one of each thread's calls of this name, the first being 1.
    pub number: u32,
}

/// Runs `program` with `arguments` and a fault; `None` if it made no such call. It is killed after `seconds`.
///
/// # Errors
/// If `strace` cannot be started.
pub fn inject<S: AsRef<OsStr>>(
    program: &Path,
    arguments: &[S],
    fault: Fault<'_>,
    seconds: u32,
) -> Result<Option<Output>> {
    let said = tempfile::NamedTempFile::new()?;
    let Fault {
        call,
        error,
        number,
    } = fault;
    let output = Command::new("timeout")
        .args(["-s", "KILL", &seconds.to_string(), "strace"])
        .args([
            "-f",
            "-qq",
            "--seccomp-bpf",
            "-s",
            "0",
            "-e",
            "signal=none",
            "-o",
        ])
        .arg(said.path())
        .args(["-e", &format!("trace={call}"), "-e"])
        .arg(format!("inject={call}:error={error}:when={number}"))
        .arg(program)
        .args(arguments)
        .output()
        .context("cannot start strace")?;
    let said = fs::read(said.path()).context("cannot read what strace wrote")?;
    let was_made = said.windows(10).any(|word| word == b"(INJECTED)");
    Ok(was_made.then_some(output))
}

fn shortened(line: &str) -> &str {
    &line[..line.len().min(300)]
}

/// Reads a line of the form `<thread> <name>(<arguments>) = <value>`.
fn read_line(line: &str) -> Result<Call> {
    let (thread, rest) = line.split_once(' ').context("no thread")?;
    let (name, rest) = rest.trim_start().split_once('(').context("no name")?;
    let mut arguments = Vec::new();
    let mut rest = rest.trim_start();
    if let Some(after) = rest.strip_prefix(')') {
        rest = after;
    } else {
        loop {
            let (argument, after) = read_argument(rest)?;
            arguments.push(argument);
            if let Some(after) = after.strip_prefix(", ") {
                rest = after;
            } else {
                rest = after.strip_prefix(')').context("no end of the arguments")?;
                break;
            }
        }
    }
    let rest = rest.trim_start();
    let rest = rest.strip_prefix("= ").context("no value")?;
    let (returned, _) = read_argument(rest)?;
    Ok(Call {
        thread: thread.parse()?,
        name: name.to_owned(),
        arguments,
        returned,
    })
}

/// Reads one argument; what comes after it is left.
fn read_argument(text: &str) -> Result<(Argument, &str)> {
    if let Some(text) = text.strip_prefix('"') {
        let (bytes, rest) = text.split_once('"').context("no end of a string")?;
        ensure!(!rest.starts_with("..."), "a string that is cut off");
        return Ok((Argument::Bytes(unescape(bytes)?), rest));
    }
    // Structures and lists are not looked into, but what is in them must not be taken for the end.
    let (mut depth, mut end) = (0_u32, text.len());
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' | b'{' | b'(' => depth += 1,
            b']' | b'}' | b')' if depth > 0 => depth -= 1,
            b',' | b')' | b' ' if depth == 0 => {
                end = at;
                break;
            }
            _ => {}
        }
    }
    let (word, rest) = text.split_at(end);
    if let Some((number, path)) = word.split_once('<') {
        let number = match number {
            "AT_FDCWD" => CURRENT_FOLDER,
            number => number.parse().context("the number of a file")?,
        };
        let (path, after) = path.split_once('>').context("no end of a path")?;
        let path = match after {
            // A file that has no name any more.
            "(deleted)" => PathBuf::new(),
            _ => PathBuf::from(std::ffi::OsString::from_vec(unescape(path)?)),
        };
        return Ok((Argument::File { number, path }, rest));
    }
    Ok((Argument::Word(word.to_owned()), rest))
}

/// Reads `\x41\x42`; what is not escaped stands for itself.
fn unescape(text: &str) -> Result<Vec<u8>> {
    let digit = |byte: Option<&u8>| match byte {
        Some(byte @ b'0'..=b'9') => Ok(byte - b'0'),
        Some(byte @ b'a'..=b'f') => Ok(byte - b'a' + 10),
        _ => bail!("no hexadecimal digit"),
    };
    let text = text.as_bytes();
    let mut bytes = Vec::with_capacity(text.len() / 4);
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with(b"\\x") {
            bytes.push(digit(text.get(at + 2))? << 4 | digit(text.get(at + 3))?);
            at += 4;
        } else {
            bytes.push(text[at]);
            at += 1;
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_into_its_parts() {
        let line = r#"17 openat(AT_FDCWD<\x2f>, "\x2f\x61", O_RDWR|O_CREAT, 0644) = 3<\x2f\x61>"#;
        let call = read_line(line).unwrap();
        assert_eq!((call.thread, call.name.as_str()), (17, "openat"));
        assert_eq!(call.arguments[1], Argument::Bytes(b"/a".to_vec()));
        assert!(call.arguments[2].has_flag("O_CREAT"));
        assert!(!call.arguments[2].has_flag("O_RDW"));
        assert_eq!(call.arguments[3].number(), Some(0o644));
        let path = PathBuf::from("/a");
        assert_eq!(call.returned, Argument::File { number: 3, path });
    }

    #[test]
    fn lists_and_structures_are_one_argument() {
        let line = r#"17 fcntl(5<\x2f\x61>, F_SETLK, {l_type=F_RDLCK, l_start=1}) = 0"#;
        let call = read_line(line).unwrap();
        assert_eq!(call.arguments.len(), 3);
        assert_eq!(call.returned.number(), Some(0));
    }

    #[test]
    fn what_is_no_line_is_an_error() {
        for line in [
            "",
            "17",
            "17 a",
            "17 a(",
            "17 a(\"",
            "17 a(b",
            "17 a(b)",
            "17 a(\"\\x4\") = 0",
        ] {
            assert!(read_line(line).is_err(), "{line}");
        }
    }
}
