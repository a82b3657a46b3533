//! What clients leave in a Windows layer that know only paths of Linux.

use super::links::{Listing, is_folder};
use crate::paths::join;

/// Where `C:\` is.
const VOLUME: &[u8] = b"Files";

/// Forgets empty folders in `C:\` whose name is a whole Windows path: a Docker daemon on Linux makes an image's
/// working directory `C:\app` as a folder of that name. It holds nothing, and Windows can have no such name.
pub(super) fn drop_working_directories(listing: &mut Listing) {
    let Some(entries) = listing.get(VOLUME) else {
        return;
    };
    let is_foreign =
        |name: &[u8]| matches!(name, [drive, b':', b'\\', ..] if drive.is_ascii_alphabetic());
    let foreign: Vec<Vec<u8>> = entries
        .iter()
        .filter(|entry| is_folder(entry) && is_foreign(&entry.name))
        .map(|entry| entry.name.clone())
        .filter(|name| listing.get(&join(VOLUME, name)).is_some_and(Vec::is_empty))
        .collect();
    for name in foreign {
        listing.remove(&join(VOLUME, &name));
        if let Some(entries) = listing.get_mut(VOLUME) {
            entries.retain(|entry| entry.name != name);
        }
    }
}
