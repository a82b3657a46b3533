//! The index of a layer made again from its tar, passing over the data.

use std::fs::File;
use std::io::{BufReader, Write};

use transom_layer::Names;
use transom_layertar::{ReadError, Reader};

use super::{BuildError, IndexBuilder, IndexError, IndexSummary};
use crate::limits::Limits;

/// Bytes read at once: a header with its extension headers, mostly.
const BUFFER: usize = 4096;

/// A tar of the store whose index cannot be made again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RebuildError {
    /// The tar cannot be read.
    #[error("its tar cannot be read: {0}")]
    Tar(#[from] ReadError),
    /// An entry breaks a rule.
    #[error(transparent)]
    Entry(#[from] BuildError),
    /// The index cannot be written.
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// Writes the index of the tar of `size` bytes, by the rules of `names`.
pub(crate) fn rebuild(
    tar: &File,
    size: u64,
    names: Names,
    out: &mut impl Write,
) -> Result<IndexSummary, RebuildError> {
    let mut index = IndexBuilder::new(names);
    let source = BufReader::with_capacity(BUFFER, tar);
    let mut reader = Reader::new_seekable(source, Limits::of_tar_taken_in());
    while let Some(entry) = reader.next_entry()? {
        index.add(&entry)?;
    }
    Ok(index.write(tar, size, out)?)
}
