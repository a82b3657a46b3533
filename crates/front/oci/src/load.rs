//! Loads images from a source into the store.
//!
//! Everything that documents can tell is checked first: digests, sizes, platforms, layer types, and that
//! every layer is there. Then all layers are imported, several at once, each against the digests that
//! manifest and config name. Then the images are added, each in one transaction.

mod docker;
mod error;
mod layers;
mod oci;
mod plan;

use std::path::Path;

use transom_layer::{BlobDigest, DiffId, Names, Whiteouts};
use transom_sealed::{ImageLayer, ImageRecord, NewImage, Session, Store};

pub use error::LoadError;
use layers::LayerKey;
pub(crate) use oci::{CONTAINERD_NAME, REF_NAME};
use plan::{ManifestPlan, PlannedImage};

use crate::document::Descriptor;
use crate::progress::Progress;
use crate::reference::{check_name, new_name};
use crate::select::PlatformChoice;
use crate::source::{Kind, Remote, Source};

/// How to load.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// Names for the image, in place of those that the source gives it.
    pub names: Vec<String>,
    /// Which image of a list to take; `None` for the rules of this host.
    pub platform: Option<PlatformChoice>,
    /// Take all images of a list; the one that would be taken alone has the name, the others have none.
    pub every_platform: bool,
    /// Keep the compressed layers, so that the image can be saved with the same digests.
    pub keep_blobs: bool,
    /// How whiteouts act; `None` to let the store decide.
    pub whiteouts: Option<Whiteouts>,
    /// Refuse what would otherwise be a note.
    pub strict: bool,
    /// How many layers are imported at once; 0 for as many as there are cores.
    pub jobs: usize,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            names: Vec::new(),
            platform: None,
            every_platform: false,
            keep_blobs: true,
            whiteouts: None,
            strict: false,
            jobs: 0,
        }
    }
}

/// An image that was loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The image as the store has it now.
    pub record: ImageRecord,
    /// What a person may want to know about it.
    pub notes: Vec<String>,
    /// Its layers, base first.
    pub layers: Vec<LoadedLayer>,
}

/// A layer of an image that was loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadedLayer {
    /// Digest of its tar.
    pub diff_id: DiffId,
    /// The store had it before.
    pub already_there: bool,
    /// Bytes of the blob that the manifest names.
    pub blob_size: u64,
    /// Bytes of its tar.
    pub size: u64,
}

/// Loads all images of `source`: an OCI layout folder, an OCI archive or a docker-archive, plain or
/// compressed with gzip or zstd; `-` is the standard input.
///
/// # Errors
/// [`LoadError`]. Until the first image is complete nothing in the store refers to what was imported.
pub fn load(
    store: &Store,
    source: &Path,
    options: &LoadOptions,
    progress: &dyn Progress,
) -> Result<Vec<Loaded>, LoadError> {
    in_session(store, |session| {
        let source = Source::open(source, session, store.limits().bytes, progress)?;
        load_in(session, store, &source, options, progress)
    })
}

/// Loads the image that `root` names from a remote, or those of a list, with `name` as its name.
///
/// Layers that the store has are not asked for. What another thread or process is fetching into the same
/// store is waited for.
///
/// # Errors
/// [`LoadError`]. Until the first image is complete nothing in the store refers to what was imported.
pub fn load_from(
    store: &Store,
    remote: &dyn Remote,
    mut root: Descriptor,
    name: Option<&str>,
    options: &LoadOptions,
    progress: &dyn Progress,
) -> Result<Vec<Loaded>, LoadError> {
    let named = name.map(|name| (REF_NAME.to_owned(), name.to_owned()));
    root.annotations = named.into_iter().collect();
    let source = Source::of_remote(remote, root);
    in_session(store, |session| {
        load_in(session, store, &source, options, progress)
    })
}

fn in_session(
    store: &Store,
    work: impl FnOnce(&Session<'_>) -> Result<Vec<Loaded>, LoadError>,
) -> Result<Vec<Loaded>, LoadError> {
    work(&store.session()?)
}

fn load_in(
    session: &Session<'_>,
    store: &Store,
    source: &Source<'_>,
    options: &LoadOptions,
    progress: &dyn Progress,
) -> Result<Vec<Loaded>, LoadError> {
    let choice = options.platform.as_ref();
    let mut images = match source.kind() {
        Kind::Oci => oci::plan(source, choice, options.every_platform)?,
        Kind::Docker => docker::plan(source, choice)?,
    };
    set_names(&mut images, &options.names)?;
    let layers = layers::import(store, session, source, &images, options, progress)?;
    images
        .into_iter()
        .map(|image| {
            let layers = layers::of_image(&image, &layers)?;
            add(session, image, layers, options)
        })
        .collect()
}

/// Gives the images their names: the caller's, or the source's if they are fit to be names.
fn set_names(images: &mut [PlannedImage], names: &[String]) -> Result<(), LoadError> {
    match images {
        [image] if !names.is_empty() => {
            image.names = names
                .iter()
                .map(|name| new_name(name))
                .collect::<Result<_, _>>()?;
        }
        _ if names.is_empty() => {
            for name in images.iter().flat_map(|image| &image.names) {
                check_name(name)?;
            }
        }
        images => {
            return Err(LoadError::NamesForSeveral {
                images: images.len(),
            });
        }
    }
    Ok(())
}

/// Adds one image whose layers are in the store.
fn add(
    session: &Session<'_>,
    image: PlannedImage,
    layers: Vec<LoadedLayer>,
    options: &LoadOptions,
) -> Result<Loaded, LoadError> {
    let (manifest, media_type) = match image.manifest {
        ManifestPlan::Given { bytes, media_type } => (bytes, media_type),
        ManifestPlan::Synthetic => {
            let sizes: Vec<_> = layers
                .iter()
                .map(|layer| (layer.diff_id, layer.size))
                .collect();
            docker::synthesize(&image.config, &sizes)
        }
    };
    let image_layers = image.layers.iter().map(|layer| ImageLayer {
        diff_id: layer.diff_id,
        blob: match &layer.key {
            LayerKey::Blob(digest) => *digest,
            // A synthetic manifest names the plain tar.
            LayerKey::Entry(_) => BlobDigest(layer.diff_id.0),
        },
    });
    let added = session.add_image(NewImage {
        manifest: &manifest,
        media_type: &media_type,
        config: &image.config,
        platform: image.platform,
        layers: image_layers.collect(),
        names: image.names,
        whiteouts: options.whiteouts,
        strict: options.strict,
    })?;
    let mut notes = image.notes;
    notes.extend(added.notes);
    Ok(Loaded {
        record: added.record,
        notes,
        layers,
    })
}

/// Tells how names compare in an image for this operating system.
fn names_rule(os: &str) -> Names {
    if os.eq_ignore_ascii_case("windows") {
        Names::Windows
    } else {
        Names::Posix
    }
}
