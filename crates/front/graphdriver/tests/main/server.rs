//! A plugin that is served, and a client that can be as wrong as it likes.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;
use transom_driver::memory::MemoryEngine;
use transom_driver::{Driver, Engine, Exports};
use transom_graphdriver::Plugin;
use transom_layertar::{Shape, WindowsMetadata, Writer, windows};

/// A served plugin. It ends when this is dropped.
pub(crate) struct Server {
    stop: Mutex<Option<oneshot::Sender<()>>>,
    thread: Option<JoinHandle<()>>,
    socket: PathBuf,
}

impl Server {
    /// Serves an engine; `folder` is the plugin's own, and has the socket.
    pub(crate) fn over<E: Engine>(engine: E, folder: &Path) -> Self {
        let plugin = Plugin::open(Driver::open(engine).unwrap(), &folder.join("plugin")).unwrap();
        let socket = folder.join("socket");
        let _ = std::fs::remove_file(&socket);
        let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        listener.set_nonblocking(true).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = tokio::net::UnixListener::from_std(listener).unwrap();
                let until = async move { drop(stopped.await) };
                transom_graphdriver::serve(
                    transom_graphdriver::routes(Arc::new(plugin)),
                    listener,
                    until,
                )
                .await
                .unwrap();
            });
        });
        Self {
            stop: Mutex::new(Some(stop)),
            thread: Some(thread),
            socket,
        }
    }

    /// Posts JSON; the answer's status and JSON.
    pub(crate) fn post(&self, call: &str, request: &Value) -> (u16, Value) {
        let answer = self.send(call, request.to_string().as_bytes());
        (answer.status, answer.json())
    }

    /// Posts JSON about a layer; the answer must be no failure.
    pub(crate) fn ok(&self, call: &str, request: Value) -> Value {
        let (status, answer) = self.post(&format!("GraphDriver.{call}"), &request);
        assert_eq!(status, 200, "{call} {request}: {answer}");
        assert_eq!(
            answer["Err"].as_str().unwrap_or_default(),
            "",
            "{call} {request}"
        );
        answer
    }

    /// Posts JSON about a layer; returns the `Err` of the answer.
    pub(crate) fn fails(&self, call: &str, request: Value) -> String {
        let (_, answer) = self.post(&format!("GraphDriver.{call}"), &request);
        let error = answer["Err"].as_str().unwrap_or_default();
        assert_ne!(error, "", "{call} {request}: {answer}");
        error.to_owned()
    }

    /// Fills a layer.
    pub(crate) fn apply(&self, id: &str, parent: &str, tar: &[u8]) -> Value {
        self.send(
            &format!("GraphDriver.ApplyDiff?id={id}&parent={parent}"),
            tar,
        )
        .json()
    }

    /// Makes and fills a layer; returns its size.
    pub(crate) fn layer(&self, id: &str, parent: &str, tar: &[u8]) -> u64 {
        self.ok("Create", json!({ "ID": id, "Parent": parent }));
        let answer = self.apply(id, parent, tar);
        answer["Size"]
            .as_u64()
            .unwrap_or_else(|| panic!("{answer}"))
    }

    /// Returns a layer's diff.
    pub(crate) fn diff(&self, id: &str, parent: &str) -> Vec<u8> {
        let request = json!({ "ID": id, "Parent": parent }).to_string();
        let answer = self.send("GraphDriver.Diff", request.as_bytes());
        assert_eq!(answer.status, 200);
        answer.body.expect("the diff is whole")
    }

    /// Posts a body.
    pub(crate) fn send(&self, call: &str, body: &[u8]) -> Answer {
        let head = format!(
            "POST /{call} HTTP/1.1\r\nHost: \r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let mut stream = self.connect();
        stream.write_all(head.as_bytes()).unwrap();
        // One that does not want all of it may close early.
        let _ = stream.write_all(body);
        Answer::read(stream)
    }

    /// Sends bytes, and waits for what comes.
    pub(crate) fn ask(&self, bytes: &[u8]) -> Answer {
        let mut stream = self.connect();
        stream.write_all(bytes).unwrap();
        Answer::read(stream)
    }

    /// Sends bytes, and says that there are no more.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Answer {
        let mut stream = self.connect();
        stream.write_all(bytes).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        Answer::read(stream)
    }

    /// Ends it as soon as all is answered that has come.
    pub(crate) fn tell_to_stop(&self) {
        drop(self.stop.lock().unwrap().take());
    }

    pub(crate) fn connect(&self) -> UnixStream {
        UnixStream::connect(&self.socket).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.tell_to_stop();
        let ended = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            ended.unwrap().unwrap();
        }
    }
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// `None` if it broke off.
    pub(crate) body: Option<Vec<u8>>,
}

impl Answer {
    pub(crate) fn read(mut stream: UnixStream) -> Self {
        let mut bytes = Vec::new();
        // A connection that is reset has said what it said.
        let _ = stream.read_to_end(&mut bytes);
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let Some(end) = end else {
            return Self {
                status: 0,
                body: None,
            };
        };
        let head = String::from_utf8(bytes[..end].to_vec())
            .unwrap()
            .to_ascii_lowercase();
        let body = bytes.split_off(end + 4);
        Self {
            status: head[9..12].parse().unwrap(),
            body: match head.contains("transfer-encoding: chunked") {
                true => joined(&body),
                false => Some(body),
            },
        }
    }

    pub(crate) fn json(&self) -> Value {
        let body = self.body.as_deref().unwrap_or_default();
        let text = String::from_utf8_lossy(body);
        serde_json::from_slice(body).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}

/// The chunks of a body as one; `None` without a last chunk.
fn joined(mut body: &[u8]) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    loop {
        let end = body.windows(2).position(|two| two == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&body[..end]).ok()?, 16).ok()?;
        if size == 0 {
            return Some(all);
        }
        let chunk = body.get(end + 2..end + 2 + size)?;
        all.extend_from_slice(chunk);
        body = &body[end + 4 + size..];
    }
}

/// A plugin over an engine in memory, which stays when the plugin is served again.
pub(crate) struct Memory {
    pub(crate) engine: MemoryEngine,
    folder: TempDir,
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self {
            engine: MemoryEngine::new(Exports::AnyState),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn serve(&self) -> Server {
        Server::over(self.engine.clone(), self.folder.path())
    }

    /// Names of the notes of layers whose tars have begun to come.
    pub(crate) fn begun(&self) -> usize {
        self.folder
            .path()
            .join("plugin/begun")
            .read_dir()
            .unwrap()
            .count()
    }
}

/// A tar of files, with the folders above them.
pub(crate) fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = Writer::new(Vec::new());
    let mut add = |name: &str, shape: &Shape<'_>, data: &[u8]| {
        let header = windows::to_header(name.as_bytes(), shape, &WindowsMetadata::default());
        tar.append(&header.unwrap()).unwrap();
        tar.write_all(data).unwrap();
    };
    let mut folders = std::collections::BTreeSet::new();
    for (name, data) in files {
        for (at, _) in name.match_indices('/') {
            if folders.insert(&name[..at]) {
                add(&name[..at], &Shape::Directory, b"");
            }
        }
        add(
            name,
            &Shape::File {
                size: data.len() as u64,
            },
            data,
        );
    }
    tar.finish().unwrap()
}
