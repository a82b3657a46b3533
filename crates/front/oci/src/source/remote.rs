//! Where an image is loaded from that is neither a folder nor a file.

use std::fmt;
use std::io::{self, Read};

use crate::document::Descriptor;

/// A place that has blobs by digest, as a registry does.
pub trait Remote: Sync + fmt::Debug {
    /// Opens the document or layer that `descriptor` names. The reader gives exactly as many bytes as
    /// the descriptor says, or fails; whether they have the digest is checked by the one who reads.
    ///
    /// # Errors
    /// What kept it from being opened; it is shown to people as it stands.
    fn open(&self, descriptor: &Descriptor) -> io::Result<Box<dyn Read + '_>>;
}
