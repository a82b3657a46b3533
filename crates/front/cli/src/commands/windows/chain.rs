//! The layers of an image, as Windows has them: made from the sealed store's tars when they are first needed.

use std::io::BufReader;

use anyhow::{Context, Result, ensure};
use transom_driver::Id;
use transom_layer::{ChainId, DiffId, Names};
use transom_sealed::{ImageRecord, Store};

use super::layers::Layers;
use crate::args::Global;
use crate::commands::images::display_name;
use crate::progress;

/// Makes what is missing of an image's layers, base first, and returns the topmost.
pub(super) fn make(
    store: &Store,
    global: &Global,
    layers: &dyn Layers,
    image: &ImageRecord,
) -> Result<Id> {
    ensure!(
        image.names_rule() == Names::Windows,
        "{} is no image for Windows",
        display_name(image)
    );
    let diff_ids = image.diff_ids();
    let mut top = None;
    for (index, diff_id) in diff_ids.iter().enumerate() {
        let chain = ChainId::of(&diff_ids[..=index]).context("a chain without layers")?;
        let id = Id::new(&chain.digest().hex())?;
        fill(store, global, layers, *diff_id, &id, top.as_ref())
            .with_context(|| format!("cannot make layer {diff_id} in Windows"))?;
        top = Some(id);
    }
    top.with_context(|| format!("{} has no layers", display_name(image)))
}

/// Makes one layer, unless it is there and filled.
fn fill(
    store: &Store,
    global: &Global,
    layers: &dyn Layers,
    diff_id: DiffId,
    id: &Id,
    parent: Option<&Id>,
) -> Result<()> {
    if !layers.exists(id)? {
        layers.create(id, parent)?;
    }
    if transom_hcs::is_filled(&layers.layer_path(id)?)? {
        return Ok(());
    }
    let watch = progress::to_stderr(global.quiet);
    let _line = watch.layer_started(&diff_id.to_string(), None);
    let mut tar = BufReader::new(store.layer_tar(diff_id)?);
    layers.apply_diff(id, parent, &mut tar)?;
    Ok(())
}
