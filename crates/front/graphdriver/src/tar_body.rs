//! Tars in bodies: read as they come, and sent as they are made.

use std::io::{self, Read};

use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_stream::Stream;
use transom_driver::Diff;

/// Bytes of a tar that are sent at once.
const CHUNK_BYTES: usize = 64 * 1024;
/// How many of them may wait for the client.
const CHUNKS: usize = 4;

/// The body of a request as a reader, for a thread that may block. The client waits while nobody reads.
pub(crate) struct TarBody {
    body: Body,
    chunk: Bytes,
    runtime: Handle,
}

impl TarBody {
    pub(crate) fn new(body: Body, runtime: Handle) -> Self {
        Self {
            body,
            chunk: Bytes::new(),
            runtime,
        }
    }
}

impl Read for TarBody {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self.runtime.block_on(self.body.frame()) {
                // Trailers are no data.
                Some(Ok(frame)) => self.chunk = frame.into_data().unwrap_or_default(),
                // The connection ended before the body did.
                Some(Err(error)) => return Err(io::Error::other(error)),
                None => return Ok(0),
            }
        }
        let count = buffer.len().min(self.chunk.len());
        buffer[..count].copy_from_slice(&self.chunk.split_to(count));
        Ok(count)
    }
}

/// A diff whose first bytes are there: what is wrong from the start is known, and can be told.
pub(crate) struct BegunDiff {
    diff: Diff,
    first: Bytes,
}

impl BegunDiff {
    /// Waits for the first bytes.
    pub(crate) fn begin(mut diff: Diff) -> io::Result<Self> {
        let first = read_chunk(&mut diff)?;
        Ok(Self { diff, first })
    }

    /// Sends the diff from a thread of its own. It ends early, and the export with it, when the client has gone.
    pub(crate) fn into_stream(self) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        let (sender, receiver) = mpsc::channel(CHUNKS);
        tokio::task::spawn_blocking(move || self.send(&sender));
        Chunks(receiver)
    }

    fn send(mut self, client: &mpsc::Sender<io::Result<Bytes>>) {
        let mut chunk = Ok(self.first);
        loop {
            match &chunk {
                Ok(bytes) if bytes.is_empty() => return,
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "a diff broke off; its connection is closed"),
            }
            let is_last = chunk.is_err();
            if client.blocking_send(chunk).is_err() || is_last {
                return;
            }
            chunk = read_chunk(&mut self.diff);
        }
    }
}

/// Reads a full chunk, or less at the end.
fn read_chunk(diff: &mut Diff) -> io::Result<Bytes> {
    let mut chunk = Vec::with_capacity(CHUNK_BYTES);
    diff.take(CHUNK_BYTES as u64).read_to_end(&mut chunk)?;
    Ok(chunk.into())
}

struct Chunks(mpsc::Receiver<io::Result<Bytes>>);

impl Stream for Chunks {
    type Item = io::Result<Bytes>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.poll_recv(context)
    }
}
