//! Conversion between entries and Win32 backup streams (MS-BKUP; go-winio backuptar).
//!
//! Towards Windows, [`write_backup_stream`] gives a file's own streams and [`write_alternate_stream`] those of the
//! entries that [continue](continues) it. Towards the tar, [`Plan::read`] passes over a backup stream once and keeps
//! its metadata and the places of its data; [`Plan::append_to`] then writes the entries and copies the data from a
//! source that can seek. Two passes, because extended attributes may come after the data, and a sparse file tells
//! its size at its end.
//!
//! The tar holds less than a backup stream. What it cannot hold is an error, or where the loss is customary
//! (link names, object ids, transactions, flags of extended attributes) it is listed in [`Plan::ignored`].

mod error;
mod from_tar;
#[cfg(test)]
mod tests;
mod to_tar;

pub use error::ToTarError;
pub use from_tar::{ToBackupError, continues, write_alternate_stream, write_backup_stream};
pub use to_tar::{AlternateStream, Content, Ignored, Plan};
