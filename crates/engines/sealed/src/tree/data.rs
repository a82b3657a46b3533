//! Reading the data of a file from where it lies.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use transom_erofs::ReadAt;
use transom_layer::DiffId;

/// The data of a file, read from where it lies.
#[derive(Debug)]
pub struct Data {
    pub(super) runs: Vec<DataRun>,
    pub(super) size: u64,
    pub(super) position: u64,
}

/// A stretch of a file in one place.
#[derive(Debug, Clone)]
pub(super) struct DataRun {
    pub(super) logical: u64,
    pub(super) length: u64,
    pub(super) source: DataSource,
}

#[derive(Debug, Clone)]
pub(super) enum DataSource {
    Zeros,
    Index {
        file: Arc<File>,
        offset: u64,
    },
    Tar {
        file: Arc<File>,
        layer: DiffId,
        offset: u64,
    },
}

impl Data {
    /// Returns its size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Says whether both are the same bytes of the same tar, so that they need not be compared.
    pub fn is_same_place(&self, other: &Data) -> bool {
        let place = |run: &DataRun| match run.source {
            DataSource::Tar { layer, offset, .. } => {
                Some((run.logical, run.length, Some((layer, offset))))
            }
            DataSource::Zeros => Some((run.logical, run.length, None)),
            DataSource::Index { .. } => None,
        };
        self.size == other.size
            && self.runs.len() == other.runs.len()
            && self.runs.iter().zip(&other.runs).all(|(a, b)| {
                let (a, b) = (place(a), place(b));
                a.is_some() && a == b
            })
    }
}

impl Read for Data {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.size.saturating_sub(self.position);
        let wanted = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        let after = self
            .runs
            .partition_point(|run| run.logical <= self.position);
        let run = after.checked_sub(1).and_then(|index| self.runs.get(index));
        let Some((run, inside)) = run.and_then(|run| {
            let inside = self.position - run.logical;
            (inside < run.length).then_some((run, inside))
        }) else {
            return Err(io::Error::other(
                "the index has no place for a part of the file",
            ));
        };
        let wanted = wanted.min(usize::try_from(run.length - inside).unwrap_or(usize::MAX));
        let buffer = &mut buffer[..wanted];
        let count = match &run.source {
            DataSource::Zeros => {
                buffer.fill(0);
                wanted
            }
            DataSource::Index { file, offset } | DataSource::Tar { file, offset, .. } => {
                file.read_at(buffer, offset + inside)?
            }
        };
        if count == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the layer's tar is shorter than its index says; `verify` tells more",
            ));
        }
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Data {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = target
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "seek before the start"))?;
        Ok(self.position)
    }
}
