//! Layers of which only a row is kept here, as their files are another engine's: those of Windows.

use transom_layer::{BlobDigest, DiffId, Names};

use crate::catalog::{self, NamedKind, NamedLayer};
use crate::image::Removed;
use crate::store::{self, Store, StoreError};

/// A layer whose files another engine keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElsewhereLayer<'a> {
    /// Its name in that engine.
    pub id: &'a str,
    /// The layer in that engine that it is built on; it is noted already.
    pub parent: Option<&'a str>,
    /// What it is.
    pub kind: NamedKind,
    /// Sealed layers that stay in this store as long as it is noted, base first.
    pub below: Vec<DiffId>,
    /// How names compare in it.
    pub names: Names,
    /// Config of the image that it is made from; it stays in this store, too.
    pub config: Option<BlobDigest>,
}

impl Store {
    /// Notes a layer whose files another engine keeps. It is to be noted before it is made, and forgotten after it is
    /// gone: then a row without files is all that a dead process can leave.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`], [`StoreError::NoLayer`], or the catalog fails.
    pub fn note_elsewhere(&self, layer: ElsewhereLayer<'_>) -> Result<(), StoreError> {
        let layer = NamedLayer {
            id: layer.id.to_owned(),
            parent: layer.parent.map(str::to_owned),
            kind: layer.kind,
            below: layer.below,
            names: layer.names,
            config: layer.config,
            held: 0,
            created: store::now(),
        };
        self.catalog.write(|tx| {
            if catalog::named_layer(tx, &layer.id)?.is_some() {
                return Err(StoreError::NameTaken(layer.id.clone()));
            }
            for id in &layer.below {
                if catalog::layer(tx, *id)?.is_none() {
                    return Err(StoreError::NoLayer(*id));
                }
            }
            Ok(catalog::insert_named_layer(tx, &layer)?)
        })
    }

    /// Forgets a layer whose files another engine kept, and removes the sealed layers that only it needed. One that is
    /// not noted is no error.
    ///
    /// # Errors
    /// The catalog fails, as it does where another noted layer is built on this one.
    pub fn forget_elsewhere(&self, id: &str) -> Result<Removed, StoreError> {
        let mut removed = Removed::default();
        self.catalog
            .write(|tx| -> Result<(), StoreError> {
                let Some(layer) = catalog::named_layer(tx, id)? else {
                    return Ok(());
                };
                catalog::delete_named_layer(tx, id)?;
                let below = layer.below.into_iter().collect();
                self.drop_unused_layers(tx, Some(&below), &mut removed)
            })
            .inspect_err(|_| self.put_back())?;
        removed.bytes += self.drop_unused_chains()?;
        Ok(removed)
    }
}
