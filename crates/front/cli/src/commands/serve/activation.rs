//! Sockets that a service manager made before the server ran, and what the manager is told (sd_listen_fds(3), sd_notify(3)).

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};

use anyhow::{Context, Result, bail};
use listenfd::ListenFd;

/// Sockets by what is to be served at them.
#[derive(Debug, Default)]
pub(super) struct Inherited {
    pub(super) containerd: Option<UnixListener>,
    pub(super) graphdriver: Option<UnixListener>,
}

/// Takes the sockets over that were passed to this process. Their names say what they are for.
///
/// # Errors
/// A name is unknown or there twice, or a descriptor is no listening unix socket.
pub(super) fn inherited() -> Result<Inherited> {
    let mut passed = ListenFd::from_env();
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':');
    let mut inherited = Inherited::default();
    for number in 0..passed.len() {
        let name = names.next().unwrap_or_default();
        let place = match name {
            "containerd" => &mut inherited.containerd,
            "graphdriver" => &mut inherited.graphdriver,
            _ => bail!(
                "the service manager passed a socket named {name:?}; FileDescriptorName= must be containerd or graphdriver"
            ),
        };
        let socket = passed
            .take_unix_listener(number)
            .with_context(|| format!("cannot take over the socket {name}"))?;
        if place.is_some() {
            bail!("the service manager passed two sockets named {name}; one is enough");
        }
        *place = socket;
    }
    Ok(inherited)
}

/// What a service manager is told.
#[derive(Debug, Clone, Copy)]
pub(super) enum State {
    /// Clients may call.
    Ready,
    /// No new calls are taken.
    Stopping,
}

/// Tells the service manager, if there is one that listens.
pub(super) fn notify(state: State) {
    let Some(socket) = std::env::var_os("NOTIFY_SOCKET") else {
        return;
    };
    let text: &[u8] = match state {
        State::Ready => b"READY=1",
        State::Stopping => b"STOPPING=1",
    };
    let sent = match socket.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
        _ => SocketAddr::from_pathname(&socket),
    }
    .and_then(|address| UnixDatagram::unbound()?.send_to_addr(text, &address));
    if let Err(error) = sent {
        tracing::warn!(socket = %socket.display(), %error, "cannot tell the service manager");
    }
}
