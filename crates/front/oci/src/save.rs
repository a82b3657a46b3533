//! Saves images from the store: as an OCI layout folder, an OCI archive or a docker-archive.
//!
//! Layers whose blobs are kept, and those that are plain tars, go out byte for byte, and so do manifest
//! and config. Where a blob is not kept its tar is compressed anew; then the manifest changes with its
//! digest, and the report says so. All that is written is hashed on the way: a damaged store is noticed.
//! The same images give the same bytes: entries are sorted and have no time.

mod docker;
mod error;
mod files;
mod oci;
mod outgoing;
mod output;
mod sink;

use std::io::Write;
use std::path::Path;

use transom_layer::{BlobDigest, DiffId};
use transom_sealed::{ImageRecord, Store};

pub use error::SaveError;
use files::Files;
pub use outgoing::{Outgoing, OutgoingLayer, index_of};
use sink::Sink;

use crate::progress::Progress;
use crate::reference::check_name;

/// What to save as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A tar of an OCI layout.
    OciArchive,
    /// An OCI layout folder (OCI image-layout.md).
    OciDir,
    /// What `docker load` of any version takes (Docker image specification v1.2).
    DockerArchive,
}

/// An image to save.
#[derive(Debug, Clone)]
pub struct SaveImage<'a> {
    /// The image.
    pub record: &'a ImageRecord,
    /// The names to write.
    pub names: Vec<String>,
}

/// What was saved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SaveReport {
    /// The images, in the order given.
    pub images: Vec<SavedImage>,
    /// Bytes written.
    pub bytes: u64,
}

/// An image that was saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedImage {
    /// Its manifest in the store.
    pub original: BlobDigest,
    /// Its manifest in what was written: another one if layers were compressed anew, none in a
    /// docker-archive.
    pub manifest: Option<BlobDigest>,
    /// The layers whose blobs are new.
    pub recompressed: Vec<Recompressed>,
}

/// A layer whose blob was not kept and was made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recompressed {
    /// The layer.
    pub diff_id: DiffId,
    /// The blob that the image's own manifest names.
    pub before: BlobDigest,
    /// The blob that was written: a gzip.
    pub after: BlobDigest,
    /// Its length in bytes.
    pub size: u64,
}

/// Saves images to `path`, which is there wholly or not at all.
///
/// An existing file is replaced; a folder must not exist, or be empty. A pipe or device is written to
/// as it stands.
///
/// # Errors
/// [`SaveError`]; `path` is as it was before.
pub fn save(
    store: &Store,
    images: &[SaveImage<'_>],
    path: &Path,
    format: Format,
    progress: &dyn Progress,
) -> Result<SaveReport, SaveError> {
    if format == Format::OciDir {
        return output::write_folder(path, |folder| {
            write(store, images, Sink::folder(folder), format, progress)
        });
    }
    output::write_file(path, |out| {
        write(store, images, Sink::tar(out), format, progress)
    })
}

/// Saves images into a stream, as one of the archive formats.
///
/// # Errors
/// [`SaveError`]; what was written so far is no whole archive.
pub fn save_to(
    store: &Store,
    images: &[SaveImage<'_>],
    out: &mut dyn Write,
    format: Format,
    progress: &dyn Progress,
) -> Result<SaveReport, SaveError> {
    if format == Format::OciDir {
        return Err(SaveError::FolderIntoStream);
    }
    write(store, images, Sink::tar(out), format, progress)
}

fn write(
    store: &Store,
    images: &[SaveImage<'_>],
    mut sink: Sink<'_>,
    format: Format,
    progress: &dyn Progress,
) -> Result<SaveReport, SaveError> {
    if images.is_empty() {
        return Err(SaveError::Nothing);
    }
    for name in images.iter().flat_map(|image| &image.names) {
        check_name(name)?;
    }
    // The session owns the scratch files.
    let session = store.session()?;
    let mut files = Files::new(store, &session, progress);
    let saved = match format {
        Format::OciArchive | Format::OciDir => oci::collect(&mut files, images)?,
        Format::DockerArchive => docker::collect(&mut files, images)?,
    };
    files.write(&mut sink)?;
    Ok(SaveReport {
        images: saved,
        bytes: sink.finish()?,
    })
}
