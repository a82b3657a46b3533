//! An export that runs in a thread of its own while somebody reads it.

use std::io::{self, BufWriter, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use crate::error::Cause;
use crate::layer::{Layer, Readable};
use crate::{DriverError, Engine, Id, Operation, Step};

/// Bytes that go to the reader at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// How many chunks may wait for the reader.
const CHUNKS: usize = 8;

/// The tar of a layer's differences from its parent, made while it is read.
///
/// The layer's other operations wait until the export has ended: read it to its end, or drop it, before the same
/// thread calls them. Dropping it stops the export. The end comes only after the layer is back in its state; an
/// export, or a return to that state, that fails is an [`io::Error`] with the [`DriverError`] inside.
#[derive(Debug)]
pub struct Diff {
    messages: Receiver<Message>,
    chunk: Vec<u8>,
    used: usize,
    has_ended: bool,
}

#[derive(Debug)]
enum Message {
    Data(Vec<u8>),
    End(Result<(), DriverError>),
}

impl Diff {
    pub(crate) fn start<E: Engine>(layer: Layer<E>, id: &Id) -> Result<Self, DriverError> {
        let readable = layer.into_readable()?;
        let (sender, messages) = sync_channel(CHUNKS);
        thread::Builder::new()
            .name("layer-diff".into())
            .spawn(move || export(readable, sender))
            .map_err(|error| DriverError::new(Operation::Diff, Some(id), Cause::Thread(error)))?;
        Ok(Self {
            messages,
            chunk: Vec::new(),
            used: 0,
            has_ended: false,
        })
    }
}

fn export<E: Engine>(readable: Readable<E>, sender: SyncSender<Message>) {
    let mut out = BufWriter::with_capacity(CHUNK_BYTES, Sink(sender.clone()));
    let exported = readable.call(Step::Export, |engine, id| engine.export(id, &mut out));
    // Both fail only if the reader is gone, and then nobody asks.
    let _ = out.flush();
    drop(out);
    let result = readable.close(exported);
    let _ = sender.send(Message::End(result));
}

impl Read for Diff {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.used == self.chunk.len() && !self.has_ended {
            match self.messages.recv() {
                Ok(Message::Data(chunk)) => (self.chunk, self.used) = (chunk, 0),
                Ok(Message::End(Ok(()))) => self.has_ended = true,
                Ok(Message::End(Err(error))) => return Err(error.into()),
                // The end was never said: it has failed before, or the engine panicked.
                Err(_) => {
                    return Err(io::Error::other("the export of the layer broke off"));
                }
            }
        }
        let count = self.chunk[self.used..].as_ref().read(buffer)?;
        self.used += count;
        Ok(count)
    }
}

/// The writing end.
struct Sink(SyncSender<Message>);

impl Write for Sink {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let count = data.len().min(CHUNK_BYTES);
        match self.0.send(Message::Data(data[..count].to_vec())) {
            Ok(()) => Ok(count),
            Err(_) => Err(io::Error::new(
                io::ErrorKind::BrokenPipe,
                "the reader of the diff is gone",
            )),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
