//! What an operator can choose.

use std::path::PathBuf;

/// What kind of mounts clients are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MountKind {
    /// `bind` mounts, which stock containerd can do on Linux.
    #[default]
    Bind,
    /// `windows-layer` mounts with the layer's folder and its parents' (containerd's snapshotter for Windows): for
    /// clients that pass them on or do them by other means. Nothing is mounted by the store then.
    WindowsLayer,
}

/// How a store is offered to containerd.
#[derive(Debug, Clone)]
pub struct Options {
    /// Socket of the containerd that is served: layers are read from and written to its content store.
    pub containerd: PathBuf,
    /// What kind of mounts clients are given.
    pub mounts: MountKind,
    /// Gives out real mounts also for unpacking, so that a containerd without the differ can unpack. Windows
    /// attributes of layers are lost then.
    pub unpack_by_mount: bool,
}
