//! Unix sockets that only root (or whoever serves) may connect to.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tokio::net::UnixListener;

/// A socket in the file system, listened to.
pub(super) struct Socket {
    listener: UnixListener,
    /// None if it is somebody else's.
    file: Option<SocketFile>,
}

/// The file of a socket; it is deleted when this is dropped.
pub(super) struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Socket {
    /// Makes a socket with mode 0600, and its folder. One that nobody listens to any more is replaced.
    ///
    /// # Errors
    /// Somebody listens there, something other than a socket is there, or the system refuses.
    pub(super) fn listen(path: &Path) -> Result<Self> {
        let named = || format!("cannot listen at {}", path.display());
        let path = std::path::absolute(path).with_context(named)?;
        let folder = path
            .parent()
            .context("a socket is no folder")
            .with_context(named)?;
        fs::create_dir_all(folder).with_context(named)?;
        refuse_if_used(&path).with_context(named)?;
        // Nobody may connect before the mode is set, and a stale socket goes in the step in which the new one comes.
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let staging = folder.join(format!(".{name}.{}", std::process::id()));
        let _ = fs::remove_file(&staging);
        let listener = UnixListener::bind(&staging).with_context(named)?;
        let made = (|| -> io::Result<SocketFile> {
            fs::set_permissions(&staging, Permissions::from_mode(0o600))?;
            let metadata = fs::symlink_metadata(&staging)?;
            fs::rename(&staging, &path)?;
            Ok(SocketFile {
                path,
                device: metadata.dev(),
                inode: metadata.ino(),
            })
        })();
        if made.is_err() {
            let _ = fs::remove_file(&staging);
        }
        Ok(Self {
            listener,
            file: Some(made.with_context(named)?),
        })
    }

    /// Takes a socket over that a service manager made: its mode and its file are that one's.
    pub(super) fn inherit(listener: std::os::unix::net::UnixListener) -> Result<Self> {
        listener.set_nonblocking(true)?;
        let listener = UnixListener::from_std(listener);
        Ok(Self {
            listener: listener.context("cannot listen at the socket of the service manager")?,
            file: None,
        })
    }

    /// Returns what is served, and what is kept as long as it is.
    pub(super) fn split(self) -> (UnixListener, Option<SocketFile>) {
        (self.listener, self.file)
    }
}

fn refuse_if_used(path: &Path) -> Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
        Ok(metadata) if !metadata.file_type().is_socket() => {
            bail!("there is a file that is no socket; remove it if it is not needed")
        }
        Ok(_) => {}
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) => Err(error.into()),
        Ok(_) => bail!("another process listens there"),
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|file| (file.dev(), file.ino()) == (self.device, self.inode));
        if is_ours {
            let _ = fs::remove_file(&self.path);
        }
    }
}
