//! How a tree is mounted.

use transom_layer::View;

/// How a tree is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// What the root is; the tree of a Linux image has its own root as its only view.
    pub view: View,
    /// What the mount table shows as the source, such as the image's name.
    pub name: String,
    /// Lets other users in; permission bits are then checked. Without it only the user who mounts gets in, and
    /// may read everything. A user without root may ask for it only where `/etc/fuse.conf` has
    /// `user_allow_other`.
    pub allow_other: bool,
}
