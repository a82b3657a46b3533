//! What Windows has for container layers, and nothing else has: the Host Compute Service, files as backup streams.
//!
//! ```text
//!   Hcs      layers as vmcompute.dll knows them ◄── Watchdog: no call takes for ever
//!   Folder   files beneath a root, with all that NTFS keeps of them
//! ```
//!
//! The two traits are portable, so that everything above them is, and is tested where there is no Windows.
//! What implements them over the real system is on Windows only: `SystemHcs` and `NtfsFolder`, and with them
//! `Privileges`, `Job` and what tells hosts and volumes apart.

mod files;
mod hcs;
mod hresult;
#[cfg(any(windows, test))]
mod stream_end;
#[cfg(windows)]
mod system;
mod watchdog;

pub use files::{BackupWriter, BasicInfo, Create, Folder, Identity, Listed, Node};
pub use hcs::{Descriptor, Guid, Hcs, HcsError};
pub use hresult::HResult;
#[cfg(windows)]
pub use system::{
    AttachedDisk, ExportedEntry, Job, LayerExport, LayerImport, NtfsBackup, NtfsFolder, NtfsNode,
    NtfsRestore, PipeListener, Privilege, Privileges, SystemHcs, WindowsBuild, allocated,
    is_elevated, volume_file_system, windows_build,
};
pub use watchdog::Watchdog;
