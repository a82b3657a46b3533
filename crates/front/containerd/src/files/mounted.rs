//! Snapshots on Linux: the store mounts them itself.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use transom_layer::DiffId;
use transom_ntmeta::filetime::UnixTime;
use transom_sealed::{Commit, Session, Snapshot, SnapshotUsage, Store};

use super::{Files, Result, access, is_to_unpack, mount, windows_layer};
use crate::mounts::OURS;
use crate::options::{MountKind, Options};
use crate::proto::types::Mount;
use crate::snapshots::size;

/// The files of snapshots as a store has them.
pub(crate) struct Mounted {
    pub(crate) store: Arc<Store>,
    pub(crate) options: Options,
}

impl Mounted {
    /// The folders of all parents, the nearest first.
    fn parents(&self, snapshot: &Snapshot) -> Result<Vec<String>> {
        let mut folders = Vec::new();
        let mut parent = snapshot.parent.clone();
        while let Some(key) = parent {
            let path = self.store.snapshot_path(&key)?;
            folders.push(path.to_string_lossy().into_owned());
            parent = self.store.snapshot(&key)?.parent;
        }
        Ok(folders)
    }
}

impl Files for Mounted {
    fn store(&self) -> &Store {
        &self.store
    }

    fn mounts_of(&self, snapshot: &Snapshot) -> Result<Vec<Mount>> {
        let key = &snapshot.key;
        let access = access(snapshot);
        if self.options.mounts == MountKind::WindowsLayer {
            let source = self.store.snapshot_path(key)?;
            return Ok(windows_layer(
                &source,
                access,
                Some(self.parents(snapshot)?),
            ));
        }
        let access = access.to_owned();
        if is_to_unpack(key) && !self.options.unpack_by_mount {
            return Ok(vec![mount(
                OURS,
                &self.store.snapshot_path(key)?,
                vec![access],
            )]);
        }
        let source = self.store.mount_snapshot(key, size::of(&snapshot.labels))?;
        Ok(vec![mount(
            "bind",
            &source,
            vec!["rbind".to_owned(), access],
        )])
    }

    fn snapshot_at(&self, source: &Path) -> Result<Option<String>> {
        Ok(self.store.snapshot_at(source)?)
    }

    fn commit(&self, key: &str, commit: &Commit<'_>) -> Result<()> {
        Ok(self.store.commit_snapshot(key, commit)?)
    }

    fn remove(&self, key: &str) -> Result<()> {
        Ok(self.store.remove_snapshot(key)?)
    }

    fn usage(&self, key: &str) -> Result<SnapshotUsage> {
        Ok(self.store.snapshot_usage(key)?)
    }

    fn clean_up(&self) -> Result<()> {
        Ok(self.store.empty_trash()?)
    }

    fn apply(&self, session: &Session<'_>, key: &str, layer: DiffId) -> Result<()> {
        Ok(self.store.apply_to_snapshot(session, key, layer)?)
    }

    fn write_difference(
        &self,
        lower: Option<&str>,
        upper: &str,
        latest: Option<UnixTime>,
        out: &mut dyn Write,
    ) -> Result<()> {
        Ok(self
            .store
            .write_snapshot_difference(lower, upper, latest, out)?)
    }
}
