//! Compresses with gzip on several threads, to the same bytes for any number of them.
//!
//! The input is cut into blocks of 1 MiB. Each is deflated on its own, primed with the 32 KiB before it,
//! and ends at a byte boundary (a sync flush), so that the pieces join into one member (RFC 1952), as
//! pigz does it. The header holds no time and no name.
#![forbid(unsafe_code)]

use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

/// Bytes of input that one thread deflates at a time.
const BLOCK: usize = 1 << 20;
/// Farthest distance that deflate can refer back (RFC 1951, 3.2.5).
const WINDOW: usize = 32 << 10;
/// Level of effort, gzip's own default.
const LEVEL: u32 = 6;
/// Blocks that may wait before and behind each thread.
const DEPTH: usize = 1;
/// Magic, method deflate, no flags, no time, no extra flags, unknown operating system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// A block to deflate.
struct Job {
    dictionary: Vec<u8>,
    data: Vec<u8>,
    is_last: bool,
}

/// A deflated block.
struct Piece {
    bytes: Vec<u8>,
    crc: Crc,
}

/// The two ends of one thread.
struct Worker {
    jobs: SyncSender<Job>,
    pieces: Receiver<io::Result<Piece>>,
}

/// Compresses `source` into `sink` on `threads` threads.
///
/// # Errors
/// What `source` and `sink` say.
pub fn compress(source: &mut dyn Read, sink: &mut dyn Write, threads: usize) -> io::Result<()> {
    thread::scope(|scope| {
        let workers: Vec<Worker> = (0..threads.max(1))
            .map(|_| {
                let (jobs, to_do) = sync_channel::<Job>(DEPTH);
                let (done, pieces) = sync_channel(DEPTH);
                scope.spawn(move || {
                    // Either channel closes when the caller has given up.
                    while let Ok(job) = to_do.recv() {
                        if done.send(deflate(&job)).is_err() {
                            break;
                        }
                    }
                });
                Worker { jobs, pieces }
            })
            .collect();
        feed(source, sink, &workers)
    })
}

/// Hands blocks to the threads in turn and takes the pieces back in the same order.
fn feed(source: &mut dyn Read, sink: &mut dyn Write, workers: &[Worker]) -> io::Result<()> {
    sink.write_all(&HEADER)?;
    let mut crc = Crc::new();
    let mut take = |worker: &Worker| -> io::Result<()> {
        let piece = worker.pieces.recv().map_err(|_| gone())??;
        crc.combine(&piece.crc);
        sink.write_all(&piece.bytes)
    };
    // As many blocks are under way as the threads and their queues hold.
    let most = workers.len() * (DEPTH + 1);
    let mut begun = 0;
    let mut taken = 0;
    let mut dictionary = Vec::new();
    let mut next = read_block(source)?;
    loop {
        let data = next;
        let is_full = data.len() == BLOCK;
        next = if is_full {
            read_block(source)?
        } else {
            Vec::new()
        };
        let is_last = next.is_empty();
        let tail = data.get(data.len().saturating_sub(WINDOW)..);
        let tail = tail.unwrap_or_default().to_vec();
        let job = Job {
            dictionary: std::mem::replace(&mut dictionary, tail),
            data,
            is_last,
        };
        if begun - taken == most {
            take(worker_of(workers, taken)?)?;
            taken += 1;
        }
        worker_of(workers, begun)?
            .jobs
            .send(job)
            .map_err(|_| gone())?;
        begun += 1;
        if is_last {
            break;
        }
    }
    while taken < begun {
        take(worker_of(workers, taken)?)?;
        taken += 1;
    }
    sink.write_all(&crc.sum().to_le_bytes())?;
    sink.write_all(&crc.amount().to_le_bytes())
}

fn worker_of(workers: &[Worker], block: usize) -> io::Result<&Worker> {
    workers.get(block % workers.len().max(1)).ok_or_else(gone)
}

fn gone() -> io::Error {
    io::Error::other("a compressing thread has ended")
}

/// Reads one block; a shorter one is the last.
fn read_block(source: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut block = Vec::with_capacity(BLOCK);
    source.take(BLOCK as u64).read_to_end(&mut block)?;
    Ok(block)
}

/// Deflates one block.
fn deflate(job: &Job) -> io::Result<Piece> {
    let mut deflater = Compress::new(Compression::new(LEVEL), false);
    if !job.dictionary.is_empty() {
        deflater
            .set_dictionary(&job.dictionary)
            .map_err(io::Error::other)?;
    }
    let flush = if job.is_last {
        FlushCompress::Finish
    } else {
        FlushCompress::Sync
    };
    // Room for data that does not compress at all, so that one call does it.
    let mut bytes = Vec::with_capacity(job.data.len() + job.data.len() / 512 + 1024);
    loop {
        let used = usize::try_from(deflater.total_in()).unwrap_or(usize::MAX);
        let rest = job.data.get(used..).unwrap_or_default();
        let status = deflater
            .compress_vec(rest, &mut bytes, flush)
            .map_err(io::Error::other)?;
        // A flush is complete when it did not fill what it was given.
        let has_room = bytes.len() < bytes.capacity();
        if status == Status::StreamEnd || (!job.is_last && has_room) {
            break;
        }
        bytes.reserve(64 << 10);
    }
    let mut crc = Crc::new();
    crc.update(&job.data);
    Ok(Piece { bytes, crc })
}

#[cfg(test)]
mod tests {
    use flate2::bufread::GzDecoder;
    use proptest::prelude::*;

    use super::*;

    fn compressed(data: &[u8], threads: usize) -> Vec<u8> {
        let mut out = Vec::new();
        compress(&mut &data[..], &mut out, threads).unwrap();
        out
    }

    /// Inflates one member and checks that nothing follows it.
    fn inflated(bytes: &[u8]) -> Vec<u8> {
        let mut decoder = GzDecoder::new(bytes);
        let mut out = Vec::new();
        decoder.read_to_end(&mut out).unwrap();
        assert_eq!(decoder.into_inner().len(), 0, "one member and no more");
        out
    }

    /// Data that compresses like text, of which no part repeats exactly.
    fn sample(length: usize) -> Vec<u8> {
        let mut state = 1u32;
        let mut out = Vec::with_capacity(length + 16);
        while out.len() < length {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            out.extend_from_slice(format!("{:x} ", state >> 12).as_bytes());
        }
        out.truncate(length);
        out
    }

    #[test]
    fn what_goes_in_comes_out_at_every_block_boundary() {
        for length in [
            0,
            1,
            WINDOW,
            BLOCK - 1,
            BLOCK,
            BLOCK + 1,
            2 * BLOCK,
            3 * BLOCK + 7,
        ] {
            let data = sample(length);
            assert!(inflated(&compressed(&data, 2)) == data, "{length} bytes");
        }
    }

    #[test]
    fn any_number_of_threads_gives_the_same_bytes() {
        let data = sample(5 * BLOCK + 12_345);
        let one = compressed(&data, 1);
        for threads in [0, 2, 3, 16] {
            assert!(compressed(&data, threads) == one, "{threads} threads");
        }
    }

    #[test]
    fn data_that_does_not_compress_survives() {
        let mut state = 1u64;
        let data: Vec<u8> = (0..2 * BLOCK + 100)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state.to_le_bytes()[3]
            })
            .collect();
        let out = compressed(&data, 2);
        assert!(inflated(&out) == data);
        assert!(out.len() < data.len() + data.len() / 100);
    }

    #[test]
    fn blocks_refer_back_across_their_boundary() {
        let mut data = vec![0; BLOCK - 20_000];
        data.extend_from_slice(&sample(20_000));
        let once = compressed(&data, 1).len();
        data.extend_from_slice(&sample(20_000));
        let twice = compressed(&data, 1).len();
        assert!(twice < once + 1000, "{once} then {twice}");
    }

    #[test]
    fn a_failing_source_or_sink_ends_it() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("broken source"))
            }
        }
        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::Error::other("broken sink"))
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let data = sample(6 * BLOCK);
        let mut source = (&data[..]).chain(Broken);
        let error = compress(&mut source, &mut Vec::new(), 2).unwrap_err();
        assert_eq!(error.to_string(), "broken source");
        let error = compress(&mut &data[..], &mut Broken, 2).unwrap_err();
        assert_eq!(error.to_string(), "broken sink");
    }

    proptest! {
        #[test]
        fn any_bytes_survive(data in proptest::collection::vec(any::<u8>(), 0..5000)) {
            prop_assert_eq!(inflated(&compressed(&data, 2)), data);
        }
    }
}
