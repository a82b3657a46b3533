//! Clients at a named pipe, and the pipe of containerd.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient, NamedPipeServer};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;
use tonic::transport::{Channel, Endpoint};
use transom_windows::PipeListener;

/// ERROR_PIPE_BUSY: all instances of a pipe have their clients, and the next one is not made yet.
const PIPE_BUSY: i32 = 231;
/// How long to wait for the next instance.
const PAUSE: Duration = Duration::from_millis(20);
/// How often to wait.
const TRIES: usize = 250;

/// One client at a pipe.
#[derive(Debug)]
pub struct PipeClient(NamedPipeServer);

/// Takes clients at a pipe, one after the other, as long as somebody wants them.
pub fn clients_of(listener: PipeListener) -> ReceiverStream<io::Result<PipeClient>> {
    let (clients, receiver) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        let mut listener = listener;
        loop {
            let client = tokio::select! {
                client = listener.accept() => client.map(PipeClient),
                () = clients.closed() => return,
            };
            let failed = client.is_err();
            if clients.send(client).await.is_err() {
                return;
            }
            if failed {
                // The next try is no busy loop.
                tokio::time::sleep(PAUSE).await;
            }
        }
    });
    ReceiverStream::new(receiver)
}

/// Connects to a gRPC server at a pipe.
pub(crate) async fn connect(pipe: &Path) -> Result<Channel, tonic::transport::Error> {
    let pipe = pipe.to_owned();
    let connector = tower::service_fn(move |_| {
        let pipe = pipe.clone();
        async move { open(&pipe).await.map(TokioIo::new) }
    });
    // The address is asked for, and means nothing.
    Endpoint::from_static("http://pipe")
        .connect_with_connector(connector)
        .await
}

async fn open(pipe: &Path) -> io::Result<NamedPipeClient> {
    let mut tries = 0;
    loop {
        match ClientOptions::new().open(pipe) {
            Err(error) if error.raw_os_error() == Some(PIPE_BUSY) && tries < TRIES => {
                tries += 1;
                tokio::time::sleep(PAUSE).await;
            }
            opened => return opened,
        }
    }
}

impl Connected for PipeClient {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for PipeClient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.0).poll_read(context, buffer) {
            // A client that is gone is the end of what it says.
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
                Poll::Ready(Ok(()))
            }
            read => read,
        }
    }
}

impl AsyncWrite for PipeClient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
