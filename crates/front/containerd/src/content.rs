//! containerd's content store, read and written through its socket.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use prost::bytes::{Buf as _, Bytes};
use prost_types::{FieldMask, Timestamp};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use transom_layer::{BlobDigest, Hasher};

use crate::proto::content::content_client::ContentClient;
use crate::proto::content::{
    AbortRequest, Info, ReadContentRequest, UpdateRequest, WriteAction, WriteContentRequest,
};
use crate::proto::leases::CreateRequest;
use crate::proto::leases::leases_client::LeasesClient;

/// Header that names the namespace of a call (containerd, pkg/namespaces).
const NAMESPACE: &str = "containerd-namespace";
/// Header that names the lease under which a call adds content (containerd, core/leases).
const LEASE: &str = "containerd-lease";
/// Label that says when a lease ends, in RFC 3339 (containerd, core/metadata/gc.go).
const EXPIRE: &str = "containerd.io/gc.expire";
/// How long a layer waits for the image that is to have it.
const KEPT: Duration = Duration::from_secs(60 * 60);
/// Pieces that may wait between the network and whoever reads or writes.
const PIECES: usize = 16;
/// Bytes of content in one message.
const PIECE: usize = 1 << 20;
/// Most bytes of a message that is taken.
const MESSAGE_MAX: usize = 16 << 20;

/// Connects to where containerd listens.
#[cfg(unix)]
async fn channel_to(socket: &Path) -> Result<Channel, tonic::transport::Error> {
    let address = format!("unix://{}", socket.display());
    tonic::transport::Endpoint::from_shared(address)?
        .connect()
        .await
}

/// Connects to where containerd listens.
#[cfg(windows)]
async fn channel_to(pipe: &Path) -> Result<Channel, tonic::transport::Error> {
    crate::pipe::connect(pipe).await
}

/// The content of one namespace.
#[derive(Debug, Clone)]
pub(crate) struct ContentStore {
    client: ContentClient<Channel>,
    leases: LeasesClient<Channel>,
    headers: MetadataMap,
}

impl ContentStore {
    /// Connects to containerd. The headers of `call` say under which lease; its namespace counts unless it has none.
    pub(crate) async fn connect(
        socket: &Path,
        call: &MetadataMap,
        namespace: &str,
    ) -> Result<Self, Status> {
        let failed = |error: &dyn std::error::Error| {
            Status::unavailable(format!(
                "cannot reach containerd at {}: {}; is --containerd-address right?",
                socket.display(),
                crate::status::with_causes(error)
            ))
        };
        let channel = channel_to(socket).await.map_err(|error| failed(&error))?;
        let mut headers = MetadataMap::new();
        let namespace = MetadataValue::try_from(namespace)
            .map_err(|_| Status::invalid_argument("the namespace is no header value"))?;
        headers.insert(NAMESPACE, call.get(NAMESPACE).cloned().unwrap_or(namespace));
        if let Some(lease) = call.get(LEASE) {
            headers.insert(LEASE, lease.clone());
        }
        let client = ContentClient::new(channel.clone()).max_decoding_message_size(MESSAGE_MAX);
        Ok(Self {
            client,
            leases: LeasesClient::new(channel),
            headers,
        })
    }

    /// Keeps what is written from now on for a while, unless the call came with a lease: containerd 1.x does not pass
    /// its own on, and would collect a layer before the image that is to have it is there.
    pub(crate) async fn keep(&mut self, name: &str) -> Result<(), Status> {
        if self.headers.contains_key(LEASE) {
            return Ok(());
        }
        let end = Timestamp::from(SystemTime::now() + KEPT);
        let request = self.request(CreateRequest {
            id: name.to_owned(),
            labels: [(EXPIRE.to_owned(), end.to_string())].into(),
        });
        let answer = self.leases.clone().create(request).await?.into_inner();
        let id = answer
            .lease
            .map_or_else(|| name.to_owned(), |lease| lease.id);
        let id = MetadataValue::try_from(id)
            .map_err(|_| Status::internal("the name of the lease is no header value"))?;
        self.headers.insert(LEASE, id);
        Ok(())
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        *request.metadata_mut() = self.headers.clone();
        request
    }

    /// Begins to read a piece of content. Reading fails if the connection breaks before its end.
    pub(crate) async fn read(&self, digest: BlobDigest) -> Result<ContentReader, Status> {
        let request = self.request(ReadContentRequest {
            digest: digest.to_string(),
            offset: 0,
            size: 0,
        });
        let mut messages = self.client.clone().read(request).await?.into_inner();
        let (pieces, receiver) = mpsc::channel(PIECES);
        tokio::spawn(async move {
            loop {
                let piece = match messages.message().await {
                    Ok(Some(message)) => Piece::Data(message.data),
                    Ok(None) => Piece::End,
                    Err(status) => Piece::Failed(status),
                };
                let is_last = !matches!(piece, Piece::Data(_));
                // Nobody listens if the reader has failed.
                if pieces.send(piece).await.is_err() || is_last {
                    break;
                }
            }
        });
        Ok(ContentReader {
            pieces: receiver,
            current: Bytes::new(),
            is_done: false,
        })
    }

    /// Writes a piece of content: what `make` writes, on a thread where it may block. Content that is there already
    /// is a success; it gets the labels, too.
    ///
    /// Returns its digest, its size, and what `make` returned.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        name: &str,
        make: impl FnOnce(&mut dyn Write) -> Result<T, Status> + Send + 'static,
        labels_of: impl FnOnce(&T) -> BTreeMap<String, String>,
    ) -> Result<(BlobDigest, u64, T), Status> {
        let (requests, receiver) = mpsc::channel(PIECES);
        let sender = requests.clone();
        let stream_name = name.to_owned();
        let made = tokio::task::spawn_blocking(move || {
            let mut writer = ContentWriter {
                requests: sender,
                name: stream_name,
                hasher: Hasher::new(),
                buffer: Vec::with_capacity(PIECE),
                offset: 0,
                is_refused: false,
            };
            let made = make(&mut writer).and_then(|value| {
                writer.flush().map_err(|error| cut_off(&error))?;
                Ok(value)
            });
            let is_refused = writer.is_refused;
            let digest = BlobDigest(writer.hasher.finish());
            made.map(|value| (digest, writer.offset, value))
                .map_err(|error| (error, is_refused))
        });
        let request = self.request(ReceiverStream::new(receiver));
        let mut client = self.client.clone();
        let answers = tokio::spawn(async move {
            let mut answers = client.write(request).await?.into_inner();
            while answers.message().await?.is_some() {}
            Ok::<_, Status>(())
        });
        let made = made
            .await
            .map_err(|error| Status::internal(error.to_string()))?;
        let (digest, size, value) = match made {
            Ok(made) => made,
            Err((error, is_refused)) => {
                drop(requests);
                let refused = answers.await.ok().and_then(Result::err);
                self.abort(name).await;
                // That nobody listened tells less than why.
                return Err(refused.filter(|_| is_refused).unwrap_or(error));
            }
        };
        let labels = labels_of(&value);
        let commit = WriteContentRequest {
            action: WriteAction::Commit.into(),
            r#ref: name.to_owned(),
            total: to_i64(size),
            expected: digest.to_string(),
            offset: to_i64(size),
            data: Bytes::new(),
            labels: labels.clone(),
        };
        // If nobody takes it, the answers say why.
        let _ = requests.send(commit).await;
        drop(requests);
        let answered = answers
            .await
            .map_err(|error| Status::internal(error.to_string()))?;
        match answered {
            Ok(()) => {}
            Err(status) if status.code() == Code::AlreadyExists => {
                self.abort(name).await;
                self.label(digest, labels).await?;
            }
            Err(status) => {
                self.abort(name).await;
                return Err(status);
            }
        }
        Ok((digest, size, value))
    }

    /// Adds labels to content.
    async fn label(
        &self,
        digest: BlobDigest,
        labels: BTreeMap<String, String>,
    ) -> Result<(), Status> {
        let paths = labels.keys().map(|name| format!("labels.{name}")).collect();
        let request = self.request(UpdateRequest {
            info: Some(Info {
                digest: digest.to_string(),
                labels,
                ..Info::default()
            }),
            update_mask: Some(FieldMask { paths }),
        });
        self.client.clone().update(request).await?;
        Ok(())
    }

    /// Gives a write up. If that fails, containerd's own garbage collection does it in a day.
    async fn abort(&self, name: &str) {
        let request = self.request(AbortRequest {
            r#ref: name.to_owned(),
        });
        let _ = self.client.clone().abort(request).await;
    }
}

enum Piece {
    Data(Bytes),
    Failed(Status),
    End,
}

/// Content as it comes, for code that blocks.
pub(crate) struct ContentReader {
    pieces: mpsc::Receiver<Piece>,
    current: Bytes,
    is_done: bool,
}

impl Read for ContentReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() && !self.is_done {
            match self.pieces.blocking_recv() {
                Some(Piece::Data(data)) => self.current = data,
                Some(Piece::End) => self.is_done = true,
                Some(Piece::Failed(status)) => return Err(io::Error::other(status)),
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        let count = into.len().min(self.current.len());
        self.current.copy_to_slice(&mut into[..count]);
        Ok(count)
    }
}

/// Content as it is made, by code that blocks.
struct ContentWriter {
    requests: mpsc::Sender<WriteContentRequest>,
    name: String,
    hasher: Hasher,
    buffer: Vec<u8>,
    offset: u64,
    /// containerd takes no more.
    is_refused: bool,
}

impl Write for ContentWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(PIECE - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..count]);
        if self.buffer.len() == PIECE {
            self.flush()?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let data = std::mem::replace(&mut self.buffer, Vec::with_capacity(PIECE));
        self.hasher.update(&data);
        let size = data.len() as u64;
        let request = WriteContentRequest {
            action: WriteAction::Write.into(),
            r#ref: self.name.clone(),
            total: 0,
            expected: String::new(),
            offset: to_i64(self.offset),
            data: data.into(),
            labels: BTreeMap::new(),
        };
        self.offset += size;
        let sent = self.requests.blocking_send(request);
        self.is_refused |= sent.is_err();
        sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

fn cut_off(error: &io::Error) -> Status {
    Status::unavailable(format!(
        "cannot write to containerd's content store: {error}"
    ))
}

fn to_i64(number: u64) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
