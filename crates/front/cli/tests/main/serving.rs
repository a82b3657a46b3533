//! serve: its socket, and how it starts and stops.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::Home;

/// A server that is killed when this is dropped.
struct Server(Child);

impl Server {
    /// Starts one, and waits until it listens.
    fn start(home: &Home, socket: &Path) -> Self {
        let child = home
            .command()
            .args(["serve", "--log-format", "json", "--graphdriver"])
            .arg(socket)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let server = Self(child);
        let start = Instant::now();
        while UnixStream::connect(socket).is_err() {
            assert!(
                start.elapsed() < Duration::from_secs(60),
                "it does not listen"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        server
    }

    fn stop(mut self, signal: Signal) -> ExitStatus {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
        self.0.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_socket_is_its_owners_alone_and_goes_when_the_server_stops() {
    let home = Home::empty();
    let socket = home.path("plugins/transom.sock");
    for signal in [Signal::TERM, Signal::INT] {
        let server = Server::start(&home, &socket);
        let metadata = fs::symlink_metadata(&socket).unwrap();
        assert!(metadata.file_type().is_socket());
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(socket.parent().unwrap()).unwrap().count(), 1);
        assert!(server.stop(signal).success());
        assert!(!socket.exists());
    }
}

#[test]
fn a_socket_that_a_killed_server_left_is_replaced() {
    let home = Home::empty();
    let socket = home.path("transom.sock");
    let server = Server::start(&home, &socket);
    assert!(!server.stop(Signal::KILL).success());
    assert!(socket.exists());
    assert!(Server::start(&home, &socket).stop(Signal::TERM).success());
}

#[test]
fn what_somebody_else_has_is_not_replaced() {
    let home = Home::empty();
    let (socket, file) = (home.path("taken.sock"), home.path("file"));
    let _listener = UnixListener::bind(&socket).unwrap();
    fs::write(&file, "precious").unwrap();
    for (path, expected) in [
        (&socket, "another process listens there"),
        (&file, "no socket"),
    ] {
        let error = home.fails(["serve".as_ref(), "--graphdriver".as_ref(), path.as_os_str()]);
        assert!(error.contains(expected), "{error}");
    }
    assert_eq!(fs::read(&file).unwrap(), b"precious");
    UnixStream::connect(&socket).unwrap();
}

#[test]
fn one_store_is_served_by_one_process() {
    let home = Home::empty();
    let (first, second) = (home.path("first.sock"), home.path("second.sock"));
    let _server = Server::start(&home, &first);
    let error = home.fails([
        "serve".as_ref(),
        "--graphdriver".as_ref(),
        second.as_os_str(),
    ]);
    assert!(
        error.contains("another process serves this store"),
        "{error}"
    );
    assert!(!second.exists());
}

#[test]
fn nothing_to_serve_is_a_wrong_call() {
    let output = Home::empty().run(["serve"]);
    assert_eq!(output.status.code(), Some(2));
}
