//! One pass over a layer: inflate, hash both digests, write the tar, read its headers.
//!
//! ```text
//!  source ──► decode ──┬─► hash   both digests; writes the compressed bytes if they are kept
//!  (caller's thread)   └─► seal   writes the tar, parses headers, builds the index
//! ```
//!
//! Inflating takes a core for itself; hashing, writing and parsing share the other. Blocks of the
//! tar go round in a fixed set of buffers, so memory does not grow with the layer.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};
use transom_layer::{BlobDigest, DiffId, Hasher};

use super::decode::{self, Decoder};
use super::tar_file::{DIRECT_ALIGNMENT, TarFile};
use crate::catalog::Compression;
use crate::durable::{self, FileError, Named};
use crate::streams;

/// Bytes of the tar that go through the pipeline at once.
const BLOCK: usize = 1024 * 1024;
/// Blocks under way at the same time.
const BLOCKS: usize = 8;
/// Compressed pieces that may wait for the hasher, of at most [`super::decode`]'s buffer each.
const PIECES: usize = 16;
/// Bytes written before the system is told to bring them to the disk.
const WRITEBACK_EVERY: u64 = 16 * 1024 * 1024;

/// What one pass found out.
#[derive(Debug)]
pub(super) struct Passed {
    pub(super) blob: BlobDigest,
    pub(super) blob_size: u64,
    pub(super) diff_id: DiffId,
    pub(super) size: u64,
    pub(super) compression: Compression,
}

/// A reused buffer whose content begins at an address that direct writes accept.
#[derive(Debug, Default)]
struct Block {
    buffer: Vec<u8>,
    start: usize,
    length: usize,
}

impl Block {
    /// The room to fill, [`BLOCK`] bytes.
    fn room(&mut self) -> &mut [u8] {
        if self.buffer.is_empty() {
            self.buffer = vec![0; BLOCK + DIRECT_ALIGNMENT];
            self.start = self
                .buffer
                .as_ptr()
                .align_offset(DIRECT_ALIGNMENT)
                .min(DIRECT_ALIGNMENT);
        }
        &mut self.buffer[self.start..self.start + BLOCK]
    }

    fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.start + self.length]
    }
}

/// Where the bytes go. A path that is `None` is not written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Targets<'a> {
    pub(super) tar: Option<&'a TarFile>,
    pub(super) blob: Option<(&'a File, &'a Path)>,
}

/// A pass that failed.
#[derive(Debug)]
pub(super) enum PassError<E> {
    Source(io::Error),
    Decode(Compression, io::Error),
    File(FileError),
    Sink(E),
}

/// Something for the hasher.
enum ToHash {
    Compressed(Vec<u8>),
    Plain(Arc<Block>),
}

/// Runs the pass; `sink` sees the tar in order, in blocks, and `progress` the source's bytes.
pub(super) fn run<E: Send>(
    source: impl Read,
    targets: Targets<'_>,
    progress: &(dyn Fn(u64) + Sync),
    sink: impl FnMut(&[u8]) -> Result<(), E> + Send,
) -> Result<Passed, PassError<E>> {
    let (to_hash, from_decode) = bounded(PIECES);
    let (to_seal, from_decode_too) = bounded(BLOCKS);
    let (pool, free) = bounded(BLOCKS);
    let (used_pieces, pieces) = bounded(PIECES);
    for _ in 0..BLOCKS {
        pool.send(Block::default())
            .expect("the channel has room for all blocks");
    }
    let stop = &AtomicBool::new(false);
    thread::scope(|scope| {
        let hash_pool = pool.clone();
        let hash = scope.spawn(move || {
            let hashed = hash(&from_decode, &hash_pool, &used_pieces, targets.blob);
            if hashed.is_err() {
                stop.store(true, Ordering::Relaxed);
                from_decode
                    .iter()
                    .for_each(|piece| give_back(piece, &hash_pool));
            }
            hashed
        });
        let seal = scope.spawn(move || {
            let sealed = seal(&from_decode_too, &pool, targets.tar, sink);
            if sealed.is_err() {
                stop.store(true, Ordering::Relaxed);
                from_decode_too
                    .iter()
                    .for_each(|block| recycle(block, &pool));
            }
            sealed
        });
        let out = Out {
            to_hash,
            to_seal,
            free,
            pieces,
            stop,
        };
        let decoded = decode(source, &out, progress);
        drop(out);
        let sealed = seal.join().expect("the sealing thread does not panic");
        let hashed = hash.join().expect("the hashing thread does not panic");
        // A stage that fails makes decoding stop, so its error is the reason.
        sealed?;
        let hashed = hashed.map_err(PassError::File)?;
        let compression = decoded?;
        let plain = hashed.plain.finish();
        Ok(match compression {
            Compression::None => Passed {
                blob: BlobDigest(plain),
                blob_size: hashed.plain_size,
                diff_id: DiffId(plain),
                size: hashed.plain_size,
                compression,
            },
            _ => Passed {
                blob: BlobDigest(hashed.compressed.finish()),
                blob_size: hashed.compressed_size,
                diff_id: DiffId(plain),
                size: hashed.plain_size,
                compression,
            },
        })
    })
}

/// The decoder's ends of the channels.
struct Out<'a> {
    to_hash: Sender<ToHash>,
    to_seal: Sender<Arc<Block>>,
    free: Receiver<Block>,
    /// Compressed pieces that were hashed, to be filled again: memory fresh from the system is slow.
    pieces: Receiver<Vec<u8>>,
    /// Set by a stage that failed; that stage goes on giving blocks back, so nobody waits for ever.
    stop: &'a AtomicBool,
}

/// Hands a copy of the compressed bytes to the hasher while the decoder reads them.
struct Tee<'a, R> {
    source: R,
    /// `None` for a plain tar, which is hashed only once.
    out: Option<&'a Out<'a>>,
    progress: &'a (dyn Fn(u64) + Sync),
    /// Set when the source itself fails, to tell that from a damaged stream.
    failure: Option<io::Error>,
}

impl<R: Read> Read for Tee<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match self.source.read(buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => {
                let copy = io::Error::new(error.kind(), error.to_string());
                self.failure = Some(error);
                return Err(copy);
            }
        };
        (self.progress)(count as u64);
        if let Some(out) = self.out {
            let mut piece = out.pieces.try_recv().unwrap_or_default();
            piece.clear();
            piece.extend_from_slice(&buffer[..count]);
            // The hasher receives until this end is dropped, whatever happens to it.
            let _ = out.to_hash.send(ToHash::Compressed(piece));
        }
        Ok(count)
    }
}

fn decode<E>(
    mut source: impl Read,
    out: &Out<'_>,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Compression, PassError<E>> {
    let (compression, head) = decode::detect(&mut source).map_err(PassError::Source)?;
    let mut tee = Tee {
        source: io::Cursor::new(head).chain(source),
        out: (compression != Compression::None).then_some(out),
        progress,
        failure: None,
    };
    let pumped = Decoder::new(compression, &mut tee).and_then(|decoder| pump(decoder, out));
    match (pumped, tee.failure.take()) {
        (Ok(()), _) => Ok(compression),
        (Err(_), Some(failure)) => Err(PassError::Source(failure)),
        (Err(error), None) => Err(PassError::Decode(compression, error)),
    }
}

/// Moves blocks from the decoder to both other threads until the stream ends or one of them fails.
fn pump(mut decoder: Decoder<impl Read>, out: &Out<'_>) -> io::Result<()> {
    while let Ok(mut block) = out.free.recv() {
        if out.stop.load(Ordering::Relaxed) {
            break;
        }
        block.length = streams::fill(&mut decoder, block.room())?;
        if block.length == 0 {
            break;
        }
        let block = Arc::new(block);
        // Both receivers live until `out` is dropped: a stage that fails goes on receiving.
        let _ = out.to_hash.send(ToHash::Plain(Arc::clone(&block)));
        let _ = out.to_seal.send(block);
    }
    Ok(())
}

/// Gives the block in a piece for the hasher back.
fn give_back(piece: ToHash, pool: &Sender<Block>) {
    if let ToHash::Plain(block) = piece {
        recycle(block, pool);
    }
}

/// Gives a block back to the pool if no other thread needs it any more.
fn recycle(block: Arc<Block>, pool: &Sender<Block>) {
    if let Some(block) = Arc::into_inner(block) {
        let _ = pool.send(block);
    }
}

#[derive(Default)]
struct Hashed {
    compressed: Hasher,
    compressed_size: u64,
    plain: Hasher,
    plain_size: u64,
}

fn hash(
    from: &Receiver<ToHash>,
    pool: &Sender<Block>,
    used_pieces: &Sender<Vec<u8>>,
    blob: Option<(&File, &Path)>,
) -> Result<Hashed, FileError> {
    let mut hashed = Hashed::default();
    let mut written = Writeback::default();
    for piece in from {
        match piece {
            ToHash::Compressed(bytes) => {
                hashed.compressed.update(&bytes);
                hashed.compressed_size += bytes.len() as u64;
                if let Some((mut file, path)) = blob {
                    file.write_all(&bytes).named("write", path)?;
                    written.add(file, bytes.len());
                }
                // Full: there are enough of them.
                let _ = used_pieces.try_send(bytes);
            }
            ToHash::Plain(block) => {
                hashed.plain.update(block.bytes());
                hashed.plain_size += block.length as u64;
                recycle(block, pool);
            }
        }
    }
    if let Some((file, path)) = blob {
        file.sync_data().named("sync", path)?;
    }
    Ok(hashed)
}

fn seal<E: Send>(
    from: &Receiver<Arc<Block>>,
    pool: &Sender<Block>,
    tar: Option<&TarFile>,
    mut sink: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), PassError<E>> {
    let Some(tar) = tar else {
        for block in from {
            sink(block.bytes()).map_err(PassError::Sink)?;
            recycle(block, pool);
        }
        return Ok(());
    };
    for block in from {
        tar.append(block.bytes()).map_err(PassError::File)?;
        sink(block.bytes()).map_err(PassError::Sink)?;
        recycle(block, pool);
    }
    tar.sync().map_err(PassError::File)
}

/// Has the system write to the disk what was written to a file, while more of it arrives; so that
/// the sync at the end finds little left to do.
#[derive(Debug, Default)]
struct Writeback {
    started: u64,
    written: u64,
}

impl Writeback {
    fn add(&mut self, file: &File, bytes: usize) {
        self.written += bytes as u64;
        let ready = self.written - self.started;
        if ready >= WRITEBACK_EVERY {
            durable::start_writing(file, self.started, ready);
            self.started = self.written;
        }
    }
}
