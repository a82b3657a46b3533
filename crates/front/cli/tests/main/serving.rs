//! serve: its socket, and how it starts and stops.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
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

/// What a service manager does: the socket is there before the server, and stays when it stops.
#[test]
fn a_socket_of_the_service_manager_is_served_and_left() {
    let home = Home::empty();
    let (socket, notify) = (home.path("made.sock"), home.path("notify.sock"));
    let listener = UnixListener::bind(&socket).unwrap();
    let told = UnixDatagram::bind(&notify).unwrap();
    told.set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let hear = || {
        let mut text = [0; 100];
        let length = told.recv(&mut text).unwrap();
        String::from_utf8(text[..length].to_vec()).unwrap()
    };
    let start = || {
        let stdin = listener.as_fd().try_clone_to_owned().unwrap();
        let mut command = Command::new("sh");
        // The shell's stdin becomes descriptor 3, and its process the server.
        command
            .args(["-c", "LISTEN_PID=$$ exec \"$@\" 3<&0 0</dev/null", "sh"])
            .arg(env!("CARGO_BIN_EXE_transom"))
            .arg("--root")
            .arg(home.path("store"))
            .arg("serve")
            .stdin(stdin);
        command
            .env("LISTEN_FDS", "1")
            .env("LISTEN_FDNAMES", "graphdriver")
            .env("NOTIFY_SOCKET", &notify);
        Server(command.spawn().unwrap())
    };
    for _ in 0..2 {
        let server = start();
        assert_eq!(hear(), "READY=1");
        let mut client = UnixStream::connect(&socket).unwrap();
        client
            .write_all(b"POST /Plugin.Activate HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert!(answer.contains("GraphDriver"), "{answer}");
        assert!(server.stop(Signal::TERM).success());
        assert_eq!(hear(), "STOPPING=1");
        assert!(socket.exists());
    }
}

#[test]
fn a_socket_without_a_known_name_is_refused() {
    let home = Home::empty();
    let listener = UnixListener::bind(home.path("made.sock")).unwrap();
    let output = Command::new("sh")
        .args(["-c", "exec \"$@\" 3<&0", "sh"])
        .arg(env!("CARGO_BIN_EXE_transom"))
        .arg("serve")
        .env("LISTEN_FDS", "1")
        .env("LISTEN_FDNAMES", "transom.socket")
        .stdin(listener.as_fd().try_clone_to_owned().unwrap())
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(error.contains("FileDescriptorName="), "{error}");
}

/// Asks for a page; returns the whole answer.
fn page(address: &str, path: &str) -> String {
    let mut client = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    client.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn calls_and_sizes_are_counted_and_a_store_that_is_gone_is_told() {
    let home = Home::with_sample();
    let socket = home.path("transom.sock");
    let log = home.path("log");
    let child = home
        .command()
        .args([
            "serve",
            "--log-format",
            "json",
            "--metrics",
            "0",
            "--graphdriver",
        ])
        .arg(&socket)
        .stderr(fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let server = Server(child);
    let start = Instant::now();
    while UnixStream::connect(&socket).is_err() {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "it does not listen"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    let log = fs::read_to_string(&log).unwrap();
    let address = log
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .find_map(|line| line["address"].as_str().map(str::to_owned))
        .unwrap();
    assert!(address.starts_with("127.0.0.1:"), "{address}");

    for (path, body) in [
        ("/GraphDriver.Get", "{\"ID\":\"missing\"}"),
        ("/GraphDriver.Status", "{}"),
        ("/nowhere", ""),
    ] {
        let mut client = UnixStream::connect(&socket).unwrap();
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        // In one piece: the server may answer and close before it has read all.
        client.write_all(request.as_bytes()).unwrap();
        client.read_to_string(&mut String::new()).unwrap();
    }
    let metrics = page(&address, "/metrics");
    for line in [
        "transom_requests_total{service=\"graphdriver\",method=\"Get\",code=\"Failed\"} 1",
        "transom_requests_total{service=\"graphdriver\",method=\"Status\",code=\"Ok\"} 1",
        "transom_requests_total{service=\"other\",method=\"other\",code=\"Failed\"} 1",
        "transom_request_duration_seconds_count{service=\"graphdriver\",method=\"Get\"} 1",
        "transom_taken_in_bytes_total 0",
        "transom_store_layers 3",
        "transom_store_images 1",
    ] {
        assert!(
            metrics.lines().any(|found| found == line),
            "{line}: {metrics}"
        );
    }
    assert!(metrics.contains("text/plain; version=0.0.4"), "{metrics}");
    assert!(metrics.contains(env!("CARGO_PKG_VERSION")), "{metrics}");
    assert!(page(&address, "/healthz").starts_with("HTTP/1.1 200"));
    fs::rename(home.path("store"), home.path("moved")).unwrap();
    let sick = page(&address, "/healthz");
    assert!(sick.starts_with("HTTP/1.1 503"), "{sick}");
    assert!(sick.contains("cannot use the store's folder"), "{sick}");
    fs::rename(home.path("moved"), home.path("store")).unwrap();
    assert!(server.stop(Signal::TERM).success());
}
