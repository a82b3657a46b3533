//! Where images are loaded from: an OCI layout folder, an OCI archive, a docker-archive or a remote.
//!
//! Whatever it is, files in it are found by name and read by position, so that several threads can read
//! layers at once. An archive is a regular file whose entries are listed once; a compressed one, and
//! what comes through a pipe, is unpacked into a scratch file of the store first. Names from an archive
//! are looked up and never become paths on disk. Blobs are found by their digest alone.

mod archive;
mod folder;
mod incoming;
mod piece;
mod remote;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use transom_layer::BlobDigest;
use transom_layertar::ReadError;
use transom_sealed::{Session, StoreError};

use crate::document::Descriptor;
use crate::json::{self, JsonError, MAX_DOCUMENT};
use crate::progress::Progress;
use archive::Archive;
use folder::Folder;
pub(crate) use piece::Piece;
pub use remote::Remote;

/// What an OCI layout is known by (OCI image-layout.md).
pub(crate) const LAYOUT_FILE: &str = "oci-layout";
/// Its entry point.
pub(crate) const INDEX_FILE: &str = "index.json";
/// The list of images in a docker-archive (Docker image specification v1.2).
pub(crate) const DOCKER_FILE: &str = "manifest.json";

/// Why a source cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file operation failed.
    #[error("cannot {verb} {name}: {source}")]
    Io {
        /// What was being done.
        verb: &'static str,
        /// The file, or the name of an entry.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// The archive is no tar, or damaged.
    #[error("{name} cannot be read as a tar")]
    Tar {
        /// The archive.
        name: String,
        /// What is wrong with it.
        source: ReadError,
    },
    /// The archive has more entries than any real one.
    #[error("{name} has more than {limit} entries")]
    TooManyEntries {
        /// The archive.
        name: String,
        /// The limit.
        limit: usize,
    },
    /// The unpacked archive is larger than the limit.
    #[error("{name} is larger than {limit} bytes when it is unpacked")]
    TooLarge {
        /// The archive.
        name: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// A folder without `index.json`.
    #[error("{} is no OCI layout: it has no {INDEX_FILE}", .0.display())]
    NotALayout(PathBuf),
    /// An archive without `index.json` and `manifest.json`.
    #[error("{name} holds no image: there is neither {INDEX_FILE} nor {DOCKER_FILE} in it{hint}")]
    NotAnImage {
        /// The archive.
        name: String,
        /// What it may be instead; may be empty.
        hint: &'static str,
    },
    /// The layout is of a version to come.
    #[error("{LAYOUT_FILE} says version {found:?}, only 1.x can be read")]
    Version {
        /// The version found.
        found: String,
    },
    /// A link in the archive leads nowhere, in circles or out of the archive.
    #[error("entry {name:?} is a link that cannot be followed: {reason}")]
    Link {
        /// The entry.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The name belongs to something without bytes to read.
    #[error("{name:?} is no regular file")]
    NotAFile {
        /// The entry.
        name: String,
    },
    /// A document that must be there is not.
    #[error("there is no {name:?} in the source")]
    Missing {
        /// Its name.
        name: String,
    },
    /// A document is refused.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The store gave no scratch file.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Adds what was being done, and to what, to an I/O result.
fn doing<T>(
    result: io::Result<T>,
    verb: &'static str,
    name: impl Into<String>,
) -> Result<T, SourceError> {
    result.map_err(|source| SourceError::Io {
        verb,
        name: name.into(),
        source,
    })
}

/// How the images in a source are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// By `index.json`.
    Oci,
    /// By `manifest.json`.
    Docker,
}

/// An open source.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    files: Files<'a>,
    kind: Kind,
}

#[derive(Debug)]
enum Files<'a> {
    Folder(Folder),
    Archive(Archive),
    /// A remote, and the one entry that its index would have.
    Remote(&'a dyn Remote, Descriptor),
}

impl<'a> Source<'a> {
    /// Takes the image or list of images that `root` names.
    pub(crate) fn of_remote(remote: &'a dyn Remote, root: Descriptor) -> Self {
        Self {
            files: Files::Remote(remote, root),
            kind: Kind::Oci,
        }
    }

    /// The one entry of a source that has no index; `None` if it has one.
    pub(crate) fn root(&self) -> Option<&Descriptor> {
        match &self.files {
            Files::Remote(_, root) => Some(root),
            Files::Folder(_) | Files::Archive(_) => None,
        }
    }

    /// Opens `path`; `-` is the standard input.
    pub(crate) fn open(
        path: &Path,
        session: &Session<'_>,
        limit: u64,
        progress: &dyn Progress,
    ) -> Result<Self, SourceError> {
        let name = path.display().to_string();
        let files = if path.as_os_str() == "-" {
            let input = &mut io::stdin().lock();
            let file = incoming::unpack(input, "the standard input", session, limit, progress)?;
            Files::Archive(Archive::list(file, "the standard input")?)
        } else if doing(path.metadata(), "find", &name)?.is_dir() {
            Files::Folder(Folder::new(path))
        } else {
            let mut file = doing(File::open(path), "open", &name)?;
            let metadata = doing(file.metadata(), "read", &name)?;
            if !metadata.is_file() || doing(incoming::is_compressed(&file), "read", &name)? {
                file = incoming::unpack(&mut file, &name, session, limit, progress)?;
            }
            Files::Archive(Archive::list(file, &name)?)
        };
        Self::of(files, name)
    }

    fn of(files: Files<'a>, name: String) -> Result<Self, SourceError> {
        let mut source = Self {
            files,
            kind: Kind::Oci,
        };
        if let Some(layout) = source.find(LAYOUT_FILE)? {
            check_version(&read_document(layout, LAYOUT_FILE)?)?;
        } else if source.find(DOCKER_FILE)?.is_some() {
            source.kind = Kind::Docker;
            return Ok(source);
        }
        // Old tools write layouts without the marker; the index is what counts.
        if source.find(INDEX_FILE)?.is_none() {
            return Err(match &source.files {
                Files::Folder(folder) => SourceError::NotALayout(folder.path().to_owned()),
                Files::Archive(archive) => SourceError::NotAnImage {
                    name,
                    hint: archive.hint(),
                },
                Files::Remote(..) => SourceError::NotAnImage { name, hint: "" },
            });
        }
        Ok(source)
    }

    /// Says how the images are listed.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// Finds a file by its name; `None` if there is none.
    pub(crate) fn find(&self, name: &str) -> Result<Option<Piece<'a>>, SourceError> {
        match &self.files {
            Files::Archive(archive) => archive.find(name),
            // A folder is only asked for the few names that a layout has.
            Files::Folder(folder) if [LAYOUT_FILE, INDEX_FILE].contains(&name) => {
                folder.find(Path::new(name))
            }
            Files::Folder(_) | Files::Remote(..) => Ok(None),
        }
    }

    /// Finds a blob by its digest; `None` if there is none. A remote is taken to have what is asked
    /// for: it tells when the blob is read.
    pub(crate) fn blob(&self, descriptor: &Descriptor) -> Result<Option<Piece<'a>>, SourceError> {
        let name = blob_name(descriptor.digest);
        match &self.files {
            Files::Archive(archive) => archive.find(&name),
            Files::Folder(folder) => folder.find(Path::new(&name)),
            Files::Remote(remote, _) => Ok(Some(Piece::of_remote(*remote, descriptor))),
        }
    }

    /// Reads a whole document by its name.
    pub(crate) fn document(&self, name: &str) -> Result<Vec<u8>, SourceError> {
        match self.find(name)? {
            Some(piece) => read_document(piece, name),
            None => Err(SourceError::Missing {
                name: name.to_owned(),
            }),
        }
    }
}

/// Returns the name of a blob in a layout: nothing but the digits of its digest can get into it.
pub(crate) fn blob_name(digest: BlobDigest) -> String {
    format!("blobs/sha256/{}", digest.0.hex())
}

/// Reads a whole document, which must not be longer than [`MAX_DOCUMENT`].
pub(crate) fn read_document(piece: Piece<'_>, name: &str) -> Result<Vec<u8>, SourceError> {
    if piece.len() > MAX_DOCUMENT {
        return Err(SourceError::Json(JsonError::TooLong {
            document: name.to_owned(),
            size: piece.len(),
        }));
    }
    doing(piece.read_all(), "read", name)
}

/// Refuses layouts of a later major version.
fn check_version(bytes: &[u8]) -> Result<(), SourceError> {
    let value = json::parse(LAYOUT_FILE, bytes)?;
    let found = json::Fields::of(LAYOUT_FILE, &value)?.text("imageLayoutVersion")?;
    if found == "1" || found.starts_with("1.") {
        return Ok(());
    }
    Err(SourceError::Version { found })
}
