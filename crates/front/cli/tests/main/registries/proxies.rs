//! Pulls and pushes through a proxy that the environment names.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::thread;

use super::Registry;
use crate::support::{HELLO, Home};

/// A host that no resolver knows: only a proxy can lead there.
const HOST: &str = "registry.invalid:5000";

/// A proxy that hands every request for plain HTTP to one server, whatever host it is for, and refuses tunnels.
struct Proxy {
    address: String,
    /// The heads of the requests that came.
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (server, seen) = (server.to_owned(), Arc::clone(&heads));
        // It ends with the test's process.
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server, seen) = (client.unwrap(), server.clone(), Arc::clone(&seen));
                // A client that goes away is no failure of the proxy's.
                thread::spawn(move || serve(&client, &server, &seen));
            }
        });
        Self { address, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// The program, told of this proxy, and of no other.
    fn command(&self, home: &Home, variable: &str, login: &str) -> Command {
        let mut command = home.command();
        for other in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
            command
                .env_remove(other)
                .env_remove(other.to_ascii_lowercase());
        }
        command.env(variable, format!("http://{login}{}", self.address));
        command
    }
}

/// Takes one request of a connection.
fn serve(client: &TcpStream, server: &str, seen: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut from_client = BufReader::new(client);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && from_client.read_line(&mut head)? > 0 {}
    seen.lock().unwrap().push(head.clone());
    let (line, fields) = head.split_once("\r\n").unwrap_or_default();
    let Some((method, rest)) = line.split_once(" http://") else {
        return (&*client).write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    };
    let path = &rest[rest.find('/').unwrap_or_default()..];
    let mut to_server = TcpStream::connect(server)?;
    write!(
        to_server,
        "{method} {path}\r\nConnection: close\r\n{fields}"
    )?;
    thread::scope(|scope| {
        scope.spawn(|| io::copy(&mut from_client, &mut &to_server));
        let sent = io::copy(&mut &to_server, &mut &*client);
        client.shutdown(Shutdown::Both).and(sent.map(drop))
    })
}

fn succeeded(output: &Output) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
}

#[test]
fn an_image_is_pushed_and_pulled_through_a_proxy() {
    let Some(registry) = Registry::start("") else {
        return;
    };
    let proxy = Proxy::start(&registry.address);
    let (from, to) = (Home::with_sample(), Home::empty());
    let name = format!("{HOST}/far/hello:1");
    for (home, args) in [
        (&from, &["push", HELLO, &name][..]),
        (&to, &["pull", &name]),
    ] {
        let mut command = proxy.command(home, "HTTP_PROXY", "");
        succeeded(&command.args(args).arg("--plain-http").output().unwrap());
    }
    to.ok(["verify", &name]);
    let heads = proxy.heads();
    for wanted in ["POST ", "PUT ", "GET "] {
        let wanted = format!("{wanted}http://{HOST}/v2/far/hello/");
        assert!(
            heads.iter().any(|head| head.starts_with(&wanted)),
            "{heads:?}"
        );
    }
}

#[test]
fn a_tunnel_is_asked_for_with_the_proxys_login_and_its_refusal_is_told() {
    let proxy = Proxy::start("127.0.0.1:9");
    let home = Home::empty();
    let mut command = proxy.command(&home, "HTTPS_PROXY", "user:secret@");
    let output = command
        .args(["pull", &format!("{HOST}/far/hello:1")])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("registry.invalid:5000"), "{stderr}");
    assert!(stderr.contains("tunnel"), "{stderr}");
    assert!(!stderr.contains("secret"), "{stderr}");
    let heads = proxy.heads();
    assert!(
        heads[0].starts_with(&format!("CONNECT {HOST} ")),
        "{heads:?}"
    );
    // "user:secret"
    assert!(
        heads[0]
            .to_ascii_lowercase()
            .contains("proxy-authorization: basic dxnlcjpzzwnyzxq="),
        "{heads:?}"
    );
}

#[test]
fn a_host_that_needs_no_proxy_is_not_asked_for_at_the_proxy() {
    let proxy = Proxy::start("127.0.0.1:9");
    let home = Home::empty();
    let mut command = proxy.command(&home, "ALL_PROXY", "");
    command.env("NO_PROXY", ".invalid");
    let output = command
        .args(["pull", "--plain-http", &format!("{HOST}/far/hello:1")])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(proxy.heads(), Vec::<String>::new());
}

#[test]
fn a_registry_of_this_machine_is_not_asked_for_at_the_proxy() {
    let Some(registry) = Registry::start("") else {
        return;
    };
    let proxy = Proxy::start("127.0.0.1:9");
    let home = Home::with_sample();
    let mut command = proxy.command(&home, "HTTP_PROXY", "");
    succeeded(
        &command
            .args(["push", HELLO, &registry.name("near:1")])
            .output()
            .unwrap(),
    );
    assert_eq!(proxy.heads(), Vec::<String>::new());
}
