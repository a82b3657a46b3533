//! The file: one line of JSON for each changed row, each behind a checksum of its own.
//!
//! ```text
//! 0f3a… {"notes":4}                the version of the schema
//! 51c0… {"put":"layers","row":{"diff_id":"sha256:…",…}}
//! 9e77… {"delete":"names","row":{"name":"…"}}
//! a810… {"end":7}                 transaction 7 is told of wholly
//! b2d4… {"done":7}                and was committed
//! ```

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use transom_layer::Digest;

use crate::catalog::SCHEMA_VERSION;
use crate::durable::{self, FileError, Named};

/// Digits of a digest that make the checksum of a line.
const CHECKSUM: usize = 16;
/// Bytes at the end that are looked at first.
const TAIL: u64 = 4096;

/// The log of one root.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
}

/// What the end of a log says.
#[derive(Debug, Default)]
pub(super) struct Tail {
    /// The last transaction that is told of wholly; none if there is no log or it is damaged.
    pub(super) number: Option<u64>,
    /// The last transaction that is known to be committed.
    pub(super) done: u64,
    /// Whether nothing is behind the last transaction.
    pub(super) is_clean: bool,
}

/// What a log holds.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// The lines of whole transactions, without their checksums.
    pub(crate) lines: Vec<String>,
    /// The last whole transaction.
    pub(crate) number: u64,
    /// The version of the schema of the tables.
    pub(crate) schema: Option<u64>,
    /// Lines that are damaged.
    pub(crate) damaged: u64,
    /// Whether it begins and ends as it should, and no line is damaged.
    pub(crate) is_complete: bool,
}

impl Log {
    pub(super) fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn length(&self) -> Result<u64, FileError> {
        let metadata = std::fs::metadata(&self.path).named("look at", &self.path)?;
        Ok(metadata.len())
    }

    /// Appends the lines of a transaction, and makes them durable.
    pub(super) fn append(&self, lines: &[String], number: u64) -> Result<(), FileError> {
        let mut file = durable::open_to_append(&self.path)?;
        let mut text = String::new();
        push_transaction(&mut text, lines, number);
        file.write_all(text.as_bytes())
            .named("append to", &self.path)?;
        durable::sync_file(&file, &self.path)
    }

    pub(super) fn append_done(&self, number: u64) -> Result<(), FileError> {
        let mut text = String::new();
        push_line(&mut text, &format!(r#"{{"done":{number}}}"#));
        // At once: others may append, too.
        durable::open_to_append(&self.path)?
            .write_all(text.as_bytes())
            .named("append to", &self.path)
    }

    /// Writes another log and puts it in the place of this one. Returns its length.
    pub(super) fn write_anew(&self, lines: &[String], number: u64) -> Result<u64, FileError> {
        let aside = self.path.with_extension("log.new");
        durable::delete(&aside)?;
        let mut file = durable::create_file(&aside)?;
        let mut text = String::new();
        push_line(&mut text, &format!(r#"{{"notes":{SCHEMA_VERSION}}}"#));
        push_transaction(&mut text, lines, number);
        let written = file.write_all(text.as_bytes()).named("write", &aside);
        let in_place = written
            .and_then(|()| durable::sync_file(&file, &aside))
            .and_then(|()| durable::rename(&aside, &self.path));
        if let Err(error) = in_place {
            drop(file);
            let _ = durable::delete(&aside);
            return Err(error);
        }
        durable::sync_dir(self.path.parent().unwrap_or(&self.path))?;
        Ok(text.len() as u64)
    }

    /// Looks at the end of the log.
    pub(super) fn tail(&self) -> Result<Tail, FileError> {
        let mut file = match durable::open_file(&self.path) {
            Err(error) if error.source.kind() == io::ErrorKind::NotFound => {
                return Ok(Tail::default());
            }
            file => file?,
        };
        let length = file.metadata().named("look at", &self.path)?.len();
        let tail = self.tail_of(&mut file, length.saturating_sub(TAIL))?;
        match tail.number {
            None if length > TAIL => self.tail_of(&mut file, 0),
            _ => Ok(tail),
        }
    }

    fn tail_of(&self, file: &mut File, from: u64) -> Result<Tail, FileError> {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(from))
            .and_then(|_| file.read_to_end(&mut bytes))
            .named("read", &self.path)?;
        let mut tail = Tail {
            is_clean: bytes.ends_with(b"\n"),
            ..Tail::default()
        };
        for line in bytes.split_inclusive(|byte| *byte == b'\n').rev() {
            let line = checked(line);
            if let Some(number) = line.and_then(|line| number_in(line, "done")) {
                tail.done = tail.done.max(number);
            } else if let Some(number) = line.and_then(|line| number_in(line, "end")) {
                tail.number = Some(number);
                return Ok(tail);
            } else {
                tail.is_clean = false;
            }
        }
        Ok(tail)
    }
}

/// Reads a whole log; one that is not there is empty.
pub(crate) fn read(path: &Path) -> Result<Contents, FileError> {
    let bytes = match std::fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        bytes => bytes.named("read", path)?,
    };
    let mut contents = Contents::default();
    let mut pending = Vec::new();
    for (at, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let Some(text) = checked(line) else {
            contents.damaged += 1;
            continue;
        };
        if let (0, Some(version)) = (at, number_in(text, "notes")) {
            contents.schema = Some(version);
        } else if let Some(number) = number_in(text, "end") {
            contents.number = number;
            contents.lines.append(&mut pending);
        } else if number_in(text, "done").is_none() {
            pending.push(text.to_owned());
        }
    }
    let is_known = contents.schema == u64::try_from(SCHEMA_VERSION).ok();
    contents.is_complete = is_known && contents.damaged == 0 && contents.number > 0;
    Ok(contents)
}

/// The number in a line that has nothing else.
fn number_in(line: &str, word: &str) -> Option<u64> {
    let rest = line.strip_prefix("{\"")?.strip_prefix(word)?;
    rest.strip_prefix("\":")?.strip_suffix('}')?.parse().ok()
}

fn checksum(line: &str) -> String {
    let mut digits = Digest::of(line.as_bytes()).hex();
    digits.truncate(CHECKSUM);
    digits
}

fn push_line(text: &mut String, line: &str) {
    *text += &checksum(line);
    text.push(' ');
    *text += line;
    text.push('\n');
}

/// The lines of a transaction, and the one that ends it.
fn push_transaction(text: &mut String, lines: &[String], number: u64) {
    for line in lines {
        push_line(text, line);
    }
    push_line(text, &format!(r#"{{"end":{number}}}"#));
}

/// Returns a line without its checksum; none if it is damaged.
fn checked(line: &[u8]) -> Option<&str> {
    let line = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?;
    let (sum, text) = line.split_once(' ')?;
    (sum == checksum(text)).then_some(text)
}
