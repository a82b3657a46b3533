//! From a writable layer to a sealed one.

use std::io::{BufWriter, Write};

use transom_ntmeta::filetime::UnixTime;

use super::error::{NamedLayerError, NamedLayerFault, OfLayer};
use super::open::Writable;
use crate::import::{ImportedLayer, LayerRequest};
use crate::store::Session;

/// Bytes that the writer of the tar hands over at once.
const BLOCK: usize = 64 * 1024;

impl Session<'_> {
    /// Makes a sealed layer of what a writable one holds now; that one stays as it is.
    ///
    /// The tar goes straight into the store, as if it came from elsewhere. Times of changed entries after `latest` are set to it
    /// (SOURCE_DATE_EPOCH).
    ///
    /// # Errors
    /// [`NamedLayerError`]; the store is as it was before.
    pub fn seal(
        &self,
        writable: &Writable,
        latest: Option<UnixTime>,
    ) -> Result<ImportedLayer, NamedLayerError> {
        self.seal_layer(writable, latest)
            .of_layer(&writable.layer().id)
    }

    fn seal_layer(
        &self,
        writable: &Writable,
        latest: Option<UnixTime>,
    ) -> Result<ImportedLayer, NamedLayerFault> {
        let failed = |source| {
            crate::store::StoreError::from(crate::durable::FileError {
                verb: "make a pipe for",
                path: writable.layer().id.clone().into(),
                source,
            })
        };
        let (reader, writer) = std::io::pipe().map_err(failed)?;
        let layer = writable.layer();
        let request = LayerRequest::new(&layer.id, layer.names);
        std::thread::scope(|scope| {
            let exporter = scope.spawn(move || -> Result<(), NamedLayerFault> {
                let mut out = BufWriter::with_capacity(BLOCK, writer);
                writable.write(latest, &mut out)?;
                // A failure to write means that the importer has failed, which tells more.
                let _ = out.flush();
                Ok(())
            });
            let imported = self.import_layer(reader, &request, &|_| {});
            let exported = exporter
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            match (exported, imported) {
                // The importer has seen a tar that ends too early then.
                (Err(NamedLayerFault::Export(error)), Err(imported)) if error.is_from_sink() => {
                    Err(imported.into())
                }
                (Err(error), _) => Err(error),
                (Ok(()), imported) => Ok(imported?),
            }
        })
    }
}
