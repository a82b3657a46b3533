//! What cannot be read by position: pipes and compressed archives. They become a scratch file.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, Write};

use flate2::bufread::MultiGzDecoder;
use transom_sealed::Session;

use super::{SourceError, doing};
use crate::progress::{LayerProgress, Progress};

/// Bytes moved at once.
const BUFFER: usize = 256 << 10;
/// Largest Zstandard window accepted, as a power of two: 128 MiB, what `zstd --long` makes.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    None,
    Gzip,
    Zstd,
}

/// Tells the compression by the magic number (RFC 1952, 2.3.1; RFC 8878, 3.1.1 and 3.1.2).
fn packing(head: &[u8]) -> Packing {
    match head {
        [0x1f, 0x8b, ..] => Packing::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Packing::Zstd,
        _ => Packing::None,
    }
}

/// Says whether a regular file is compressed; its position is left at the start.
pub(super) fn is_compressed(mut file: &File) -> io::Result<bool> {
    let mut head = Vec::new();
    file.take(4).read_to_end(&mut head)?;
    file.rewind()?;
    Ok(packing(&head) != Packing::None)
}

/// Unpacks `input` into a scratch file, which is deleted with the session.
pub(super) fn unpack(
    input: &mut dyn Read,
    name: &str,
    session: &Session<'_>,
    limit: u64,
    progress: &dyn Progress,
) -> Result<File, SourceError> {
    let (mut scratch, _) = session.scratch_file()?;
    let watch = progress.layer_started(name, None);
    let mut input = Watched {
        input,
        watch: &*watch,
    };
    let mut head = Vec::new();
    doing(input.by_ref().take(4).read_to_end(&mut head), "read", name)?;
    let packing = packing(&head);
    let input = BufReader::with_capacity(BUFFER, io::Cursor::new(head).chain(input));
    let mut plain: Box<dyn Read + '_> = match packing {
        Packing::None => Box::new(input),
        Packing::Gzip => Box::new(MultiGzDecoder::new(input)),
        Packing::Zstd => {
            let mut decoder = doing(
                zstd::stream::read::Decoder::with_buffer(input),
                "unpack",
                name,
            )?;
            doing(decoder.window_log_max(ZSTD_WINDOW_LOG_MAX), "unpack", name)?;
            Box::new(decoder)
        }
    };
    copy(&mut *plain, &mut scratch, name, limit)?;
    doing(scratch.rewind(), "read", name)?;
    Ok(scratch)
}

fn copy(
    plain: &mut dyn Read,
    scratch: &mut File,
    name: &str,
    limit: u64,
) -> Result<(), SourceError> {
    let mut buffer = vec![0; BUFFER];
    let mut total = 0u64;
    loop {
        let got = match plain.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(got) => got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return doing(Err(error), "unpack", name),
        };
        total = total.saturating_add(got as u64);
        if total > limit {
            return Err(SourceError::TooLarge {
                name: name.to_owned(),
                limit,
            });
        }
        let bytes = buffer.get(..got).unwrap_or_default();
        doing(scratch.write_all(bytes), "unpack", name)?;
    }
}

/// Tells the progress of what is read through it.
struct Watched<'a> {
    input: &'a mut dyn Read,
    watch: &'a dyn LayerProgress,
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.input.read(buffer)?;
        self.watch.advance(got as u64);
        Ok(got)
    }
}
