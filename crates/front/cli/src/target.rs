//! What a REF on the command line means, opened as a tree.

use anyhow::{Context, Result};
use transom_layer::{Names, TreePath, View, Whiteouts};
use transom_oci::{ReferenceError, resolve, resolve_layer};
use transom_sealed::{ImageRecord, LayerRecord, Node, Stacking, Store, Tree};

/// What a REF means.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    Image(ImageRecord),
    Layer(LayerRecord),
}

impl Target {
    /// Finds the image or, if there is none, the layer that `text` means.
    pub(crate) fn find(store: &Store, text: &str) -> Result<Self> {
        match Self::image(store, text) {
            Ok(image) => return Ok(Self::Image(image)),
            Err(error) if is_not_found(&error) => {}
            Err(error) => return Err(error),
        }
        match resolve_layer(&store.layers()?, text) {
            Ok(layer) => Ok(Self::Layer(layer.clone())),
            Err(ReferenceError::NotFound { .. }) => {
                anyhow::bail!(
                    "there is no image or layer {text:?} in the store; `images` and `layers` list what is"
                )
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Finds an image. One with this very name is the one, so the others need not be read.
    pub(crate) fn image(store: &Store, text: &str) -> Result<ImageRecord> {
        // What has an `@` in it is a name and a digest.
        if !text.contains('@')
            && let Some(image) = store.image_named(text)?
        {
            return Ok(image);
        }
        Ok(resolve(&store.images()?, text)?.clone())
    }

    /// Opens it as a tree.
    pub(crate) fn open(&self, store: &Store, whiteouts: Option<Whiteouts>) -> Result<Tree> {
        match self {
            Self::Image(image) => {
                let stacking = Stacking {
                    names: image.names_rule(),
                    whiteouts,
                };
                let what = || format!("cannot read image {}", image.manifest);
                store
                    .open_chain(&image.diff_ids(), stacking)
                    .with_context(what)
            }
            Self::Layer(layer) => {
                let what = || format!("cannot read layer {}", layer.diff_id);
                store
                    .open_layer(layer.diff_id, layer.names)
                    .with_context(what)
            }
        }
    }

    /// The layers below a layer, in the first image that has it.
    pub(crate) fn below(&self, store: &Store) -> Result<Option<(ImageRecord, usize)>> {
        let images = store.images()?;
        Ok(match self {
            Self::Image(image) => image
                .layers
                .len()
                .checked_sub(1)
                .map(|top| (image.clone(), top)),
            Self::Layer(layer) => images.into_iter().find_map(|image| {
                let position = image
                    .layers
                    .iter()
                    .position(|l| l.diff_id == layer.diff_id)?;
                Some((image, position))
            }),
        })
    }
}

fn is_not_found(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(ReferenceError::NotFound { .. }))
}

/// Finds what a written path names in a tree.
pub(crate) fn find(tree: &Tree, path: &str, raw: bool) -> Result<Node> {
    Ok(tree.find(&parse_path(tree, path, raw)?)?)
}

/// Reads a written path. A layer without `Files` is shown from its own root.
pub(crate) fn parse_path(tree: &Tree, path: &str, raw: bool) -> Result<TreePath> {
    let has_files = || -> Result<bool> {
        Ok(tree.names() == Names::Windows && tree.child(&tree.root()?, b"Files")?.is_some())
    };
    let view = if raw || !has_files()? {
        View::Raw
    } else {
        View::Volume
    };
    Ok(TreePath::parse(path, tree.names(), view)?)
}

/// Splits `REF:PATH`. Both may have colons in them: the longest REF that means something wins.
pub(crate) fn split(store: &Store, text: &str) -> Result<(Target, String)> {
    let colons: Vec<usize> = text.match_indices(':').map(|(at, _)| at).collect();
    let mut ambiguity = None;
    for at in colons.iter().rev() {
        let (reference, path) = (&text[..*at], &text[at + 1..]);
        match Target::find(store, reference) {
            Ok(target) => return Ok((target, path.to_owned())),
            Err(error) => {
                if let Some(ReferenceError::Ambiguous { .. }) = error.downcast_ref() {
                    ambiguity.get_or_insert(error);
                }
            }
        }
    }
    if let Some(ambiguity) = ambiguity {
        return Err(ambiguity);
    }
    anyhow::ensure!(!colons.is_empty(), "{text:?} is no REF:PATH");
    anyhow::bail!("no part of {text:?} before a colon is an image or layer in the store")
}
