//! `serve`: containerd's calls at a named pipe.

use std::process::Child;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient};
use tokio::runtime::Runtime;
use tonic::transport::{Channel, Endpoint};
use transom_containerd::proto::snapshots::snapshots_client::SnapshotsClient;
use transom_containerd::proto::snapshots::{
    CommitSnapshotRequest, PrepareSnapshotRequest, StatSnapshotRequest,
};

use crate::support::{Host, wait_for};

/// `ERROR_PIPE_BUSY` (Windows, system error codes).
const PIPE_BUSY: i32 = 231;

struct Server {
    child: Child,
    runtime: Runtime,
    client: SnapshotsClient<Channel>,
}

/// Opens the pipe; it is busy between one client and the server's waiting for the next.
fn connect(pipe: &str) -> std::io::Result<NamedPipeClient> {
    for _ in 0..500 {
        match ClientOptions::new().open(pipe) {
            Err(error) if error.raw_os_error() == Some(PIPE_BUSY) => {
                std::thread::sleep(Duration::from_millis(20));
            }
            opened => return opened,
        }
    }
    ClientOptions::new().open(pipe)
}

impl Server {
    fn start(host: &Host, pipe: &str) -> Self {
        let child = host.start(&["serve", "--containerd", pipe]);
        let open = || std::fs::File::options().read(true).write(true).open(pipe);
        wait_for("the pipe", || open().is_ok());
        let runtime = Runtime::new().expect("starts");
        let name = pipe.to_owned();
        let connector = tower::service_fn(move |_| {
            let client = connect(&name);
            async { client.map(TokioIo::new) }
        });
        let endpoint = Endpoint::from_static("http://pipe");
        let channel = runtime.block_on(endpoint.connect_with_connector(connector));
        let client = SnapshotsClient::new(channel.expect("listens"));
        Self {
            child,
            runtime,
            client,
        }
    }

    fn prepare(&mut self, key: &str) {
        let request = PrepareSnapshotRequest {
            key: key.to_owned(),
            ..PrepareSnapshotRequest::default()
        };
        let answer = self.runtime.block_on(self.client.prepare(request));
        let mounts = answer.expect("is new").into_inner().mounts;
        assert_eq!(mounts[0].r#type, "windows-layer");
    }

    fn commit(&mut self, name: &str, key: &str) {
        let request = CommitSnapshotRequest {
            name: name.to_owned(),
            key: key.to_owned(),
            ..CommitSnapshotRequest::default()
        };
        let answer = self.runtime.block_on(self.client.commit(request));
        answer.expect("is active");
    }

    fn parent_of(&mut self, key: &str) -> Option<String> {
        let request = StatSnapshotRequest {
            key: key.to_owned(),
            ..StatSnapshotRequest::default()
        };
        let answer = self.runtime.block_on(self.client.stat(request)).ok()?;
        answer.into_inner().info.map(|info| info.parent)
    }

    fn kill(mut self) {
        self.child.kill().expect("is there");
        self.child.wait().expect("ends");
    }
}

fn pipe(of: &str) -> String {
    format!(r"\\.\pipe\transom-whole-{}-{of}", std::process::id())
}

#[test]
fn a_killed_server_is_followed_by_one_that_knows_what_it_knew() {
    let Some(host) = Host::with_hello() else {
        return;
    };
    let pipe = pipe("killed");
    let mut server = Server::start(&host, &pipe);
    server.prepare("n/1/mine");
    server.prepare("n/2/other");
    server.commit("n/3/done", "n/2/other");
    // Other commands are not kept out.
    host.run(&["create", "box", "--from", crate::support::HELLO]);
    server.kill();
    let mut server = Server::start(&host, &pipe);
    assert_eq!(server.parent_of("n/1/mine").as_deref(), Some(""));
    assert_eq!(server.parent_of("n/3/done").as_deref(), Some(""));
    // containerd may not have heard of its commit.
    assert_eq!(server.parent_of("n/2/other").as_deref(), Some(""));
    assert_eq!(server.parent_of("n/4/none"), None);
    server.kill();
}

#[test]
fn what_only_linux_has_is_refused() {
    let Some(host) = Host::new() else { return };
    for arguments in [
        ["--graphdriver", r"\\.\pipe\x"],
        ["--metrics", "0"],
        ["--mounts", "bind"],
    ] {
        let error = host.fails(&[&["serve"], &arguments[..]].concat());
        assert!(error.contains("needs Linux"), "{error}");
    }
}

#[test]
fn the_sections_for_containerd_name_the_pipe() {
    let Some(host) = Host::new() else { return };
    let text = host.run(&["config", "containerd", "--version", "2.1"]);
    assert!(text.contains(r"address = '\\.\pipe\transom'"), "{text}");
    assert!(
        text.contains(r#"default = ["transom-diff", "windows"]"#),
        "{text}"
    );
    assert!(!text.contains("linux/"), "{text}");
}
