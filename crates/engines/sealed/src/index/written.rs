//! An index in a file.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use transom_layer::BlobDigest;

use super::IndexSummary;
use crate::durable::{self, FileError, Named};
use crate::streams::HashingWriter;

/// Bytes handed to the system at once.
const BUFFER: usize = 256 * 1024;

/// Makes the new file `path`, has `write` write an index to it, and makes it durable; returns its digest as well.
pub(crate) fn write_durably<E: From<FileError>>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&mut HashingWriter<&File>>) -> Result<IndexSummary, E>,
) -> Result<(IndexSummary, BlobDigest), E> {
    let file = durable::create_file(path)?;
    let mut out = HashingWriter::new(&file);
    let mut buffered = BufWriter::with_capacity(BUFFER, &mut out);
    let summary = write(&mut buffered)?;
    buffered.flush().named("write", path)?;
    drop(buffered);
    let digest = out.finish();
    durable::sync_file(&file, path)?;
    Ok((summary, digest))
}
