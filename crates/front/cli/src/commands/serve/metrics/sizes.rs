//! How large the store is. To count takes a walk through what writable layers hold, so it is done only now and then.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;
use transom_sealed::{Store, StoreError};

/// How long one page waits for a count; a later one shows it.
const PATIENCE: Duration = Duration::from_secs(2);
/// The least time between two counts.
const REST: Duration = Duration::from_secs(15);
/// The least time between two counts, in times that the last one took.
const REST_FACTOR: u32 = 20;

/// What was counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted {
    pub(super) layers: i64,
    pub(super) images: i64,
    /// Parts of the store, and their bytes.
    pub(super) bytes: [(&'static str, u64); 12],
}

/// The last count of a store, and the one that runs.
#[derive(Debug)]
pub(super) struct Sizes {
    store: Arc<Store>,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    last: Option<Counted>,
    due: Instant,
    running: Option<JoinHandle<(Result<Counted, StoreError>, Duration)>>,
}

impl Sizes {
    pub(super) fn new(store: Arc<Store>) -> Self {
        Self {
            store,
            known: Mutex::new(Known {
                last: None,
                due: Instant::now(),
                running: None,
            }),
        }
    }

    /// Returns the newest count that is there within two seconds; `None` if there never was one.
    pub(super) async fn now(&self) -> Option<Counted> {
        let mut known = self.known.lock().await;
        if known.running.is_none() && known.due <= Instant::now() {
            let store = Arc::clone(&self.store);
            known.running = Some(spawn_blocking(move || {
                let start = Instant::now();
                (count(&store), start.elapsed())
            }));
        }
        let Some(running) = &mut known.running else {
            return known.last;
        };
        let Ok(ended) = timeout(PATIENCE, running).await else {
            return known.last;
        };
        known.running = None;
        known.due = Instant::now() + REST;
        match ended {
            Ok((Ok(counted), took)) => {
                known.due = Instant::now() + REST.max(took * REST_FACTOR);
                known.last = Some(counted);
            }
            Ok((Err(error), _)) => tracing::warn!(%error, "cannot count what is in the store"),
            Err(error) => tracing::warn!(%error, "counting what is in the store was cut off"),
        }
        known.last
    }
}

fn count(store: &Store) -> Result<Counted, StoreError> {
    let layers = store.layers()?.len();
    let usage = store.usage()?;
    let number = |length: usize| length.try_into().unwrap_or(i64::MAX);
    Ok(Counted {
        layers: number(layers),
        images: number(usage.images.len()),
        bytes: [
            ("tars", usage.tars),
            ("indexes", usage.indexes),
            ("blobs", usage.blobs),
            ("merged_indexes", usage.chains),
            ("writable", usage.writable),
            ("catalog", usage.catalog),
            ("notes", usage.notes),
            ("quarantine", usage.quarantine),
            ("staging", usage.staging),
            ("trash", usage.trash),
            ("other", usage.other),
            ("reclaimable", usage.reclaimable),
        ],
    })
}
