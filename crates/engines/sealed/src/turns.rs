//! Turns: of all threads and processes that want the same blob from somewhere, one fetches it and the
//! others wait, and then find it in the store.
//!
//! The locks are the kernel's, so they end with their holder. The files are never deleted, so that two
//! of them cannot go by the same name; there are 256, and blobs that share one only wait needlessly.

use std::fs::File;

use transom_layer::BlobDigest;

use crate::durable::{self, Named};
use crate::store::{Session, StoreError};

/// The right to fetch a blob, until it is dropped.
#[derive(Debug)]
pub struct Turn {
    _lock: File,
}

impl Session<'_> {
    /// Waits until nobody else fetches `blob` into this store. Whoever has waited looks first whether the
    /// store has the blob by now. One thread holds one turn at a time.
    ///
    /// # Errors
    /// [`StoreError`] if the lock cannot be opened or taken.
    pub fn turn(&self, blob: BlobDigest) -> Result<Turn, StoreError> {
        let path = self.store.layout.turn(blob);
        let file = durable::private()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .named("open", &path)?;
        file.lock().named("lock", &path)?;
        Ok(Turn { _lock: file })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use transom_layer::Digest;

    use super::*;
    use crate::store::Store;

    #[test]
    fn one_blob_is_fetched_by_one_at_a_time() {
        let root = tempfile::tempdir().unwrap();
        let blob = BlobDigest(Digest::of(b"blob"));
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    // A store of its own, as another process has it.
                    let store = Store::open(root.path()).unwrap();
                    let session = store.session().unwrap();
                    for _ in 0..20 {
                        let _turn = session.turn(blob).unwrap();
                        most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(most.into_inner(), 1);
    }

    #[test]
    fn different_blobs_do_not_wait_for_each_other() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(root.path()).unwrap();
        let session = store.session().unwrap();
        let digest = |first: &str| {
            let hex = format!("{first}{}", "0".repeat(62));
            BlobDigest(Digest::from_hex(&hex).unwrap())
        };
        let _one = session.turn(digest("aa")).unwrap();
        let _other = session.turn(digest("ab")).unwrap();
    }
}
