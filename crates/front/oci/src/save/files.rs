//! The files that are to be written, by name, and what they are made of.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::thread;

use transom_layer::{BlobDigest, DiffId, Digest, Hasher};
use transom_sealed::{Session, Store};

use super::error::{SaveError, doing};
use super::sink::Sink;
use crate::progress::{LayerProgress, Progress};

/// Bytes moved at once.
const BUFFER: usize = 256 << 10;

/// What a file is made of.
#[derive(Debug)]
enum Content {
    Folder,
    Bytes(Vec<u8>),
    Layer(Layer),
}

/// A layer's bytes, in one form.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    form: Form,
    diff_id: DiffId,
    /// Digest of this form.
    pub(super) digest: Digest,
    /// Length of this form in bytes.
    pub(super) size: u64,
}

#[derive(Debug, Clone)]
enum Form {
    /// The tar.
    Tar,
    /// The blob as it came.
    Kept,
    /// A scratch file.
    Scratch(PathBuf),
}

/// All files of one save. Names are sorted, so that a folder comes before what is in it.
pub(super) struct Files<'a> {
    store: &'a Store,
    session: &'a Session<'a>,
    progress: &'a dyn Progress,
    files: BTreeMap<String, Content>,
    /// Tars that were compressed anew, each once.
    compressed: Vec<Layer>,
}

impl<'a> Files<'a> {
    pub(super) fn new(
        store: &'a Store,
        session: &'a Session<'a>,
        progress: &'a dyn Progress,
    ) -> Self {
        Self {
            store,
            session,
            progress,
            files: BTreeMap::new(),
            compressed: Vec::new(),
        }
    }

    /// Adds a folder.
    pub(super) fn add_folder(&mut self, name: String) {
        self.files.insert(name, Content::Folder);
    }

    /// Adds a file of these bytes.
    pub(super) fn add_bytes(&mut self, name: String, bytes: Vec<u8>) {
        self.files.insert(name, Content::Bytes(bytes));
    }

    /// Adds a file that holds a layer.
    pub(super) fn add_layer(&mut self, name: String, layer: Layer) {
        self.files.insert(name, Content::Layer(layer));
    }

    /// Reads a manifest or config of the store and checks its digest.
    pub(super) fn document(
        &self,
        what: &'static str,
        digest: BlobDigest,
    ) -> Result<Vec<u8>, SaveError> {
        let bytes = self.store.document(digest)?;
        let bytes = bytes.ok_or(SaveError::MissingDocument { what, digest })?;
        let found = Digest::of(&bytes);
        if found != digest.0 {
            return Err(SaveError::Damaged {
                what: format!("{what} {digest}"),
                expected: digest.0,
                found,
            });
        }
        Ok(bytes)
    }

    /// Returns a layer's tar.
    pub(super) fn tar(&self, diff_id: DiffId) -> Result<Layer, SaveError> {
        Ok(Layer {
            form: Form::Tar,
            diff_id,
            digest: diff_id.0,
            size: self.store.layer(diff_id)?.size,
        })
    }

    /// Returns the blob by which a manifest names a layer, if the store has it.
    pub(super) fn blob(
        &self,
        diff_id: DiffId,
        blob: BlobDigest,
    ) -> Result<Option<Layer>, SaveError> {
        if blob.0 == diff_id.0 {
            return self.tar(diff_id).map(Some);
        }
        Ok(self.store.kept_blob(blob)?.map(|(record, _)| Layer {
            form: Form::Kept,
            diff_id,
            digest: record.digest.0,
            size: record.size,
        }))
    }

    /// Compresses a layer's tar into a scratch file.
    pub(super) fn compress(&mut self, diff_id: DiffId) -> Result<Layer, SaveError> {
        if let Some(layer) = self
            .compressed
            .iter()
            .find(|layer| layer.diff_id == diff_id)
        {
            return Ok(layer.clone());
        }
        let tar = self.tar(diff_id)?;
        let (file, path) = self.session.scratch_file()?;
        let mut sink = Hashing::new(file);
        let watch = self
            .progress
            .layer_started(&diff_id.0.short(), Some(tar.size));
        let mut source = Checked::new(self.open(&tar)?, &tar, &*watch);
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let result = transom_gzip::compress(&mut source, &mut sink, threads);
        source.finish(result)?;
        let (digest, size) = sink.finish();
        let layer = Layer {
            form: Form::Scratch(path),
            diff_id,
            digest,
            size,
        };
        self.compressed.push(layer.clone());
        Ok(layer)
    }

    /// Opens a layer's bytes.
    pub(super) fn open(&self, layer: &Layer) -> Result<File, SaveError> {
        match &layer.form {
            Form::Tar => Ok(self.store.layer_tar(layer.diff_id)?),
            Form::Kept => {
                let digest = BlobDigest(layer.digest);
                let lost = || SaveError::Inconsistent {
                    manifest: digest,
                    reason: "the bytes of a layer were removed meanwhile",
                };
                Ok(self.store.kept_blob(digest)?.ok_or_else(lost)?.1)
            }
            Form::Scratch(path) => doing(File::open(path), "open", path.display().to_string()),
        }
    }

    /// Writes all files, and checks layers against their digests on the way.
    pub(super) fn write(&self, sink: &mut Sink<'_>) -> Result<(), SaveError> {
        for (name, content) in &self.files {
            match content {
                Content::Folder => sink.add_folder(name)?,
                Content::Bytes(bytes) => sink.add_file(name, bytes.len() as u64, |out| {
                    doing(out.write_all(bytes), "write", name)
                })?,
                Content::Layer(layer) => {
                    let watch = self
                        .progress
                        .layer_started(&layer.diff_id.0.short(), Some(layer.size));
                    let mut source = Checked::new(self.open(layer)?, layer, &*watch);
                    sink.add_file(name, layer.size, |out| {
                        let result = copy(&mut source, out);
                        source.finish(result)
                    })?;
                }
            }
        }
        Ok(())
    }
}

fn copy(source: &mut dyn Read, out: &mut dyn Write) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(got) => out.write_all(buffer.get(..got).unwrap_or_default())?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Reads a layer, hashes what it reads, and never gives more than the layer's length.
struct Checked<'a> {
    file: File,
    layer: &'a Layer,
    hasher: Hasher,
    count: u64,
    failure: Option<io::Error>,
    watch: &'a dyn LayerProgress,
}

impl<'a> Checked<'a> {
    fn new(file: File, layer: &'a Layer, watch: &'a dyn LayerProgress) -> Self {
        Self {
            file,
            layer,
            hasher: Hasher::new(),
            count: 0,
            failure: None,
            watch,
        }
    }

    /// Tells whether all was read and written, and is what it must be.
    fn finish(&mut self, result: io::Result<()>) -> Result<(), SaveError> {
        let layer = self.layer;
        let what = || format!("layer {}", layer.diff_id);
        if let Some(source) = self.failure.take() {
            return Err(SaveError::Read {
                layer: layer.diff_id,
                source,
            });
        }
        doing(result, "write", what())?;
        let mut found = self.count;
        if found == layer.size && matches!(self.file.read(&mut [0]), Ok(1)) {
            found += 1;
        }
        if found != layer.size {
            return Err(SaveError::DamagedLength {
                what: what(),
                expected: layer.size,
                found,
            });
        }
        let found = std::mem::take(&mut self.hasher).finish();
        if found != layer.digest {
            return Err(SaveError::Damaged {
                what: what(),
                expected: layer.digest,
                found,
            });
        }
        Ok(())
    }
}

impl Read for Checked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.layer.size - self.count;
        let wanted = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let wanted = buffer.get_mut(..wanted).unwrap_or_default();
        let got = match self.file.read(wanted) {
            Ok(got) => got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => {
                let kind = error.kind();
                self.failure = Some(error);
                return Err(kind.into());
            }
        };
        self.hasher.update(wanted.get(..got).unwrap_or_default());
        self.count += got as u64;
        self.watch.advance(got as u64);
        Ok(got)
    }
}

/// Hashes what it writes.
struct Hashing {
    file: File,
    hasher: Hasher,
    count: u64,
}

impl Hashing {
    fn new(file: File) -> Self {
        Self {
            file,
            hasher: Hasher::new(),
            count: 0,
        }
    }

    fn finish(self) -> (Digest, u64) {
        (self.hasher.finish(), self.count)
    }
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hasher.update(bytes.get(..count).unwrap_or_default());
        self.count += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
