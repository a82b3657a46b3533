//! The chain index: the trees of all layers of a chain merged into one, once, by the rules of the
//! platform it is made for.
//!
//! It is a cache: `chains/<chain id>.<rules>.erofs` is made again when it is missing.

mod merge;

pub(crate) use merge::Oddity;

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use transom_erofs::{Image, OpenError, ReadAt, ReadError, WriteError};
use transom_layer::{BlobDigest, ChainId, DiffId, Digest, Names, Whiteouts};

use crate::catalog::{CatalogError, Dialect, LayerRecord};
use crate::durable::{self, FileError, Named};
use crate::index::{RebuildError, rebuild};
use crate::staging::Staging;
use crate::store::{Store, StoreError};
use crate::streams::HashingWriter;
use crate::tree::{Tree, TreeError};

/// Indexes up to this size are read as a whole before they are merged: fewer system calls.
const WHOLE_MAX: u64 = 64 * 1024 * 1024;

/// How often, and after what time, a merged index is put in the place of one that is in use.
const ATTEMPTS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(10);

/// Name of the index that has nothing but the folders of every layer.
pub(crate) const NOTHING: &str = "nothing";

/// How layers are stacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stacking {
    /// How names compare.
    pub names: Names,
    /// What whiteouts do; `None`: as the writer of each layer meant them, [`Whiteouts::Hcs`] for layers
    /// that a Windows exporter wrote, [`Whiteouts::Oci`] for all others.
    pub whiteouts: Option<Whiteouts>,
}

/// A chain that cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// A chain has at least one layer.
    #[error("an image without layers has no files")]
    NoLayers,
    /// A layer that was imported for another kind of names breaks a rule of this one.
    #[error("layer {layer} cannot be part of an image with {names} names: {source}")]
    OtherNames {
        /// The layer.
        layer: DiffId,
        /// How names compare in the image.
        names: Names,
        /// The rule.
        source: Box<RebuildError>,
    },
    /// A layer breaks a rule of stacking.
    #[error("cannot stack layer {layer}: entry {entry:?}: {rule}")]
    Rule {
        /// The layer.
        layer: DiffId,
        /// Path of the entry.
        entry: String,
        /// The rule.
        rule: StackingRule,
    },
    /// The index of a layer is damaged.
    #[error("the index of layer {layer} is damaged: {source}; `verify` tells more")]
    Index {
        /// The layer.
        layer: DiffId,
        /// What is wrong with it.
        source: ReadError,
    },
    /// The index of a layer cannot be opened as one.
    #[error("the index of layer {layer} is damaged: {source}; `verify` tells more")]
    Open {
        /// The layer.
        layer: DiffId,
        /// What is wrong with it.
        source: OpenError,
    },
    /// The merged index cannot be written.
    #[error("the merged index cannot be made: {0}")]
    Write(#[from] WriteError),
    /// The merged index cannot be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The rule that a stack of layers breaks.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StackingRule {
    /// A whiteout in the lowest layer of a Windows image.
    #[error("whiteout in the base layer: there is nothing below it (Windows refuses this, too)")]
    WhiteoutInBase,
    /// A whiteout of a folder into which the same layer puts something.
    #[error("whiteout of a folder that the same layer fills (Windows refuses this, too)")]
    WhiteoutOfFilledFolder,
    /// A whiteout of something that no lower layer has; an error only when asked for strictness.
    #[error("whiteout of nothing: no lower layer has this")]
    WhiteoutOfNothing,
    /// A hard link whose target neither its layer nor a lower one has.
    #[error("hard link to {target:?}, which neither this layer nor a lower one has")]
    LinkToNothing {
        /// Path of the target.
        target: String,
    },
    /// A hard link to a folder of a lower layer.
    #[error("hard link to the folder {target:?} of a lower layer")]
    LinkToFolder {
        /// Path of the target.
        target: String,
    },
    /// Sparse files that have to be copied into the merged index and are too large for that.
    #[error(
        "sparse files whose parts are not aligned to 512 bytes hold more than {} bytes up to here",
        merge::EMBEDDED_MAX
    )]
    Embedded,
}

impl From<FileError> for ChainError {
    fn from(error: FileError) -> Self {
        Self::Store(error.into())
    }
}

impl From<CatalogError> for ChainError {
    fn from(error: CatalogError) -> Self {
        Self::Store(error.into())
    }
}

impl Store {
    /// Opens one layer as the tar shows it: whiteouts are entries called `.wh.…`.
    ///
    /// # Errors
    /// [`ChainError`] if there is no such layer or its index cannot be opened.
    pub fn open_layer(&self, id: DiffId, names: Names) -> Result<Tree, ChainError> {
        self.whole_layer(id)?;
        let index = durable::open_file(&self.layout.index(id))?;
        Ok(Tree::open(&self.layout, index, &[id], names)?)
    }

    /// Opens a chain, base first; its merged index is made if it is not there yet.
    ///
    /// # Errors
    /// [`ChainError`] if a layer is missing or breaks a rule of stacking, or a file cannot be used.
    pub fn open_chain(&self, layers: &[DiffId], stacking: Stacking) -> Result<Tree, ChainError> {
        Ok(self.open_chain_at(layers, stacking)?.0)
    }

    /// Opens a chain as [`open_chain`](Self::open_chain) does, and tells where its index lies.
    pub(crate) fn open_chain_at(
        &self,
        layers: &[DiffId],
        stacking: Stacking,
    ) -> Result<(Tree, PathBuf), ChainError> {
        let records = self.records(layers)?;
        if let [only] = records.as_slice()
            && only.has_names(stacking.names)
            && only.whiteouts == 0
            && only.unresolved_links == 0
        {
            let tree = self.open_layer(only.diff_id, stacking.names)?;
            return Ok((tree, self.layout.index(only.diff_id)));
        }
        let path = self.chain_path(layers, stacking)?;
        let tree = self.open_or_make(&path, layers, stacking.names, || {
            self.merge(&records, stacking)
        })?;
        Ok((tree, path))
    }

    /// Opens what a layer without any other below it is over: the folders that every layer has.
    pub(crate) fn open_nothing(&self, names: Names) -> Result<(Tree, PathBuf), ChainError> {
        let path = self
            .layout
            .chains()
            .join(format!("{NOTHING}.{names}.erofs"));
        let tree = self.open_or_make(&path, &[], names, || Ok(merge::Merge::nothing(names)?))?;
        Ok((tree, path))
    }

    /// Opens a merged index; one that is missing, or damaged from the start, is made again.
    fn open_or_make(
        &self,
        path: &Path,
        layers: &[DiffId],
        names: Names,
        make: impl FnOnce() -> Result<merge::Merge, ChainError>,
    ) -> Result<Tree, ChainError> {
        let open = |index| Tree::open(&self.layout, index, layers, names);
        match durable::open_file(path).map(open) {
            Ok(Err(TreeError::Open(_))) => {}
            Err(error) if error.source.kind() == io::ErrorKind::NotFound => {}
            // It is being deleted.
            Err(error) if durable::is_in_use(&error) => {}
            result => return Ok(result??),
        }
        let (index, _) = self.write_chain(make()?, path)?;
        Ok(open(index)?)
    }

    /// Makes the merged index of a chain, and tells what was odd about the layers.
    pub(crate) fn check_chain(
        &self,
        layers: &[DiffId],
        stacking: Stacking,
    ) -> Result<Vec<Oddity>, ChainError> {
        let records = self.records(layers)?;
        let path = self.chain_path(layers, stacking)?;
        let (_, oddities) = self.write_chain(self.merge(&records, stacking)?, &path)?;
        Ok(oddities)
    }

    /// Says whether layers make a chain, without keeping its merged index.
    pub(crate) fn check_layers(
        &self,
        layers: &[DiffId],
        stacking: Stacking,
    ) -> Result<(), ChainError> {
        self.merge(&self.records(layers)?, stacking)?;
        Ok(())
    }

    fn records(&self, layers: &[DiffId]) -> Result<Vec<LayerRecord>, ChainError> {
        if layers.is_empty() {
            return Err(ChainError::NoLayers);
        }
        Ok(self.whole_layers(layers)?)
    }

    /// Where the merged index of a chain lies: its rules are part of the name.
    pub(crate) fn chain_path(
        &self,
        layers: &[DiffId],
        stacking: Stacking,
    ) -> Result<PathBuf, ChainError> {
        let chain = ChainId::of(layers).ok_or(ChainError::NoLayers)?;
        let whiteouts = stacking
            .whiteouts
            .map_or("auto".to_owned(), |rule| rule.to_string());
        let name = format!("{}.{}-{whiteouts}.erofs", chain.0.hex(), stacking.names);
        Ok(self.layout.chains().join(name))
    }

    /// Returns the digest that the merged index of a chain must have.
    pub(crate) fn digest_of_chain(
        &self,
        layers: &[DiffId],
        stacking: Stacking,
    ) -> Result<BlobDigest, ChainError> {
        let mut out = HashingWriter::new(io::sink());
        self.merge(&self.records(layers)?, stacking)?
            .write(&mut out)?;
        Ok(out.finish())
    }

    fn merge(
        &self,
        records: &[LayerRecord],
        stacking: Stacking,
    ) -> Result<merge::Merge, ChainError> {
        let mut merge = merge::Merge::new(stacking.names);
        for record in records {
            let (record, image) = self.layer_image(record, stacking.names)?;
            let whiteouts = stacking.whiteouts.unwrap_or(match record.dialect {
                Dialect::Windows => Whiteouts::Hcs,
                Dialect::Foreign => Whiteouts::Oci,
            });
            merge.add(&record, &image, whiteouts)?;
        }
        Ok(merge)
    }

    /// Writes a merged index to its place; returns it, open, and what was passed over.
    fn write_chain(
        &self,
        merge: merge::Merge,
        target: &Path,
    ) -> Result<(File, Vec<Oddity>), ChainError> {
        let staging = Staging::create(&self.layout)?;
        let staged = staging.new_path();
        let file = durable::create_file(&staged)?;
        let mut out = BufWriter::with_capacity(256 * 1024, &file);
        let oddities = merge.write(&mut out)?;
        out.flush().named("write", &staged)?;
        drop(out);
        // A cache, but one that is trusted when it is there: so it must be whole.
        durable::sync_file(&file, &staged)?;
        let mut attempts = 0..ATTEMPTS;
        loop {
            match durable::rename(&staged, target) {
                Err(error) if durable::is_in_use(&error) && attempts.next().is_some() => {}
                result => break result?,
            }
            // Somebody has made it meanwhile and reads it: the layers and rules are the same, so the bytes are.
            if let Ok(file) = durable::open_file(target) {
                return Ok((file, oddities));
            }
            // Or it is being deleted.
            thread::sleep(PAUSE);
        }
        durable::sync_dir(&self.layout.chains())?;
        Ok((file, oddities))
    }

    /// Opens the index of a layer for merging. One that was made for another kind of names is made
    /// again for this one: two images of different platforms may share a layer.
    fn layer_image(
        &self,
        record: &LayerRecord,
        names: Names,
    ) -> Result<(LayerRecord, Image<IndexSource>), ChainError> {
        let layer = record.diff_id;
        let mut record = record.clone();
        let source = if record.has_names(names) {
            let path = self.layout.index(layer);
            let file = durable::open_file(&path)?;
            if record.index_size <= WHOLE_MAX {
                let mut bytes = Vec::new();
                let mut file = file.take(record.index_size);
                file.read_to_end(&mut bytes).named("read", &path)?;
                IndexSource::Whole(bytes)
            } else {
                IndexSource::File(file)
            }
        } else {
            let tar = durable::open_file(&self.layout.tar(layer))?;
            let mut bytes = Vec::new();
            let summary = rebuild(&tar, record.size, names, &mut bytes).map_err(|source| {
                ChainError::OtherNames {
                    layer,
                    names,
                    source: Box::new(source),
                }
            })?;
            record.unresolved_links = summary.unresolved_links;
            IndexSource::Whole(bytes)
        };
        let image = Image::open(source).map_err(|source| ChainError::Open { layer, source })?;
        Ok((record, image))
    }
}

/// Returns the chain that a file in `chains/` is of by its name: the digits of its id, or [`NOTHING`].
pub(crate) fn chain_of_file(name: &str) -> Option<&str> {
    let (chain, rules) = name.strip_suffix(".erofs")?.split_once('.')?;
    match chain == NOTHING {
        true => names_of(rules).map(|_| chain),
        false => {
            stacking_of_file(name)?;
            Digest::from_hex(chain).ok().map(|_| chain)
        }
    }
}

/// Returns how the layers of a file in `chains/` are stacked, by its name.
pub(crate) fn stacking_of_file(name: &str) -> Option<Stacking> {
    let (_, rules) = name.strip_suffix(".erofs")?.split_once('.')?;
    let (names, whiteouts) = rules.split_once('-')?;
    let whiteouts = match whiteouts {
        "auto" => None,
        rule => {
            let mut known = [Whiteouts::Hcs, Whiteouts::Oci].into_iter();
            Some(known.find(|known| known.to_string() == rule)?)
        }
    };
    Some(Stacking {
        names: names_of(names)?,
        whiteouts,
    })
}

fn names_of(word: &str) -> Option<Names> {
    let mut known = [Names::Windows, Names::Posix].into_iter();
    known.find(|names| names.to_string() == word)
}

/// An index to be merged: in memory if it is small.
#[derive(Debug)]
pub(crate) enum IndexSource {
    Whole(Vec<u8>),
    File(File),
}

impl ReadAt for IndexSource {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match self {
            Self::Whole(bytes) => bytes.read_at(buffer, offset),
            Self::File(file) => file.read_at(buffer, offset),
        }
    }

    fn len(&self) -> io::Result<u64> {
        match self {
            Self::Whole(bytes) => ReadAt::len(bytes),
            Self::File(file) => ReadAt::len(file),
        }
    }
}
