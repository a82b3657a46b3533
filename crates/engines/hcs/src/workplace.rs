//! What a worker and whoever started it have in common, beside the streams: a folder of the worker's own.
//!
//! ```text
//! alive         locked by the worker from its start to its end; once it is empty the worker may not start any more
//! whole         there when all of the tar was sent: the stream also ends where its sender dies
//! result.json   what the worker reports
//! ```
//!
//! A worker can outlive whoever started it. The next process to open the store waits for its lock.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::{durable, waiting};

const PREFIX: &str = "worker-";
const ALIVE: &str = "alive";
const WHOLE: &str = "whole";
const RESULT: &str = "result.json";

/// The folder as whoever starts the worker has it. It goes when this is dropped.
#[derive(Debug)]
pub(crate) struct Workplace(TempDir);

impl Workplace {
    pub(crate) fn new(staging: &Path) -> io::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix(PREFIX)
            .tempdir_in(staging)?;
        fs::write(folder.path().join(ALIVE), b"welcome")?;
        Ok(Self(folder))
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    /// Lets the worker take the end of the stream for the end of the tar.
    pub(crate) fn tar_is_whole(&self) -> io::Result<()> {
        fs::write(self.folder().join(WHOLE), b"")
    }

    pub(crate) fn report(&self) -> io::Result<Vec<u8>> {
        fs::read(self.folder().join(RESULT))
    }
}

/// The folder as the worker has it. The lock is held until the process ends.
#[derive(Debug)]
pub(crate) struct Presence {
    folder: PathBuf,
    _alive: File,
}

impl Presence {
    /// Begins to work; `None` if the store has been opened by another process since this one was started.
    pub(crate) fn begin(folder: &Path) -> io::Result<Option<Self>> {
        let mut alive = File::open(folder.join(ALIVE))?;
        if !waiting::lock(&alive, Duration::ZERO)? {
            return Ok(None);
        }
        let mut welcome = Vec::new();
        alive.read_to_end(&mut welcome)?;
        Ok((!welcome.is_empty()).then(|| Self {
            folder: folder.to_owned(),
            _alive: alive,
        }))
    }

    /// Reads the tar from a stream that may end before it.
    pub(crate) fn tar<R: Read>(&self, stream: R) -> Sent<R> {
        Sent {
            stream,
            whole: self.folder.join(WHOLE),
        }
    }

    pub(crate) fn write_report(&self, report: &[u8]) -> io::Result<()> {
        durable::write(&self.folder.join(RESULT), report)
    }
}

/// A tar that ends with an error if not all of it was sent.
#[derive(Debug)]
pub(crate) struct Sent<R> {
    stream: R,
    whole: PathBuf,
}

impl<R: Read> Read for Sent<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(buffer)?;
        if read == 0 && !buffer.is_empty() && !self.whole.try_exists()? {
            let what = "whoever sends it ended before the tar did";
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, what));
        }
        Ok(read)
    }
}

/// Waits until no worker of a dead process is at work, and keeps those from starting that did not yet; `false` if one
/// is at work for longer than the limit. Nobody may start one meanwhile.
pub(crate) fn see_out_workers(staging: &Path, limit: Duration) -> io::Result<bool> {
    for entry in fs::read_dir(staging)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let alive = match File::options().write(true).open(entry.path().join(ALIVE)) {
            // Whoever made the folder died before it could start a worker, or another worker ended it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            alive => alive?,
        };
        if !waiting::lock(&alive, limit)? {
            return Ok(false);
        }
        // A worker that opened the file before it is removed can still lock it afterwards.
        alive.set_len(0)?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(100);

    #[test]
    fn a_worker_at_work_is_waited_for_and_only_so_long() {
        let staging = tempfile::tempdir().unwrap();
        let place = Workplace::new(staging.path()).unwrap();
        let presence = Presence::begin(place.folder()).unwrap();
        assert!(presence.is_some());
        assert!(!see_out_workers(staging.path(), SHORT).unwrap());
        drop(presence);
        assert!(see_out_workers(staging.path(), SHORT).unwrap());
    }

    #[test]
    fn a_worker_that_comes_late_does_not_begin() {
        let staging = tempfile::tempdir().unwrap();
        let place = Workplace::new(staging.path()).unwrap();
        assert!(see_out_workers(staging.path(), SHORT).unwrap());
        assert!(Presence::begin(place.folder()).unwrap().is_none());
        let folder = place.folder().to_owned();
        drop(place);
        Presence::begin(&folder).unwrap_err();
    }

    #[test]
    fn what_is_not_of_a_worker_is_passed_over() {
        let staging = tempfile::tempdir().unwrap();
        fs::create_dir(staging.path().join("hcs1")).unwrap();
        fs::create_dir(staging.path().join("worker-1")).unwrap();
        assert!(see_out_workers(staging.path(), SHORT).unwrap());
    }

    #[test]
    fn a_tar_ends_where_its_sender_says_so() {
        let staging = tempfile::tempdir().unwrap();
        let place = Workplace::new(staging.path()).unwrap();
        let presence = Presence::begin(place.folder()).unwrap().unwrap();
        let read = || {
            let mut bytes = Vec::new();
            presence.tar(&b"tar"[..]).read_to_end(&mut bytes)?;
            Ok::<_, io::Error>(bytes)
        };
        assert_eq!(read().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        place.tar_is_whole().unwrap();
        assert_eq!(read().unwrap(), b"tar");
    }
}
