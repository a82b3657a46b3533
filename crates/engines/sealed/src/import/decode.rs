//! Decompression by what the bytes say they are, whatever the media type claims.

use std::io::{self, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

use crate::catalog::Compression;

/// Bytes read from the source at once.
const SOURCE_BUFFER: usize = 256 * 1024;

/// Largest Zstandard window accepted, as a power of two: 128 MiB, what `zstd --long` makes.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// A stream of the uncompressed bytes.
pub(super) enum Decoder<R: Read> {
    Plain(BufReader<R>),
    Gzip(Box<MultiGzDecoder<BufReader<R>>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, BufReader<R>>>),
}

impl<R: Read> Decoder<R> {
    /// Decodes `source`, whose compression is known.
    pub(super) fn new(compression: Compression, source: R) -> io::Result<Self> {
        let source = BufReader::with_capacity(SOURCE_BUFFER, source);
        Ok(match compression {
            Compression::None => Self::Plain(source),
            Compression::Gzip => Self::Gzip(Box::new(MultiGzDecoder::new(source))),
            Compression::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(source)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
                Self::Zstd(Box::new(decoder))
            }
        })
    }
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(source) => source.read(buffer),
            Self::Gzip(source) => source.read(buffer),
            Self::Zstd(source) => source.read(buffer),
        }
    }
}

/// Reads the first bytes of `source` and tells the compression from them; anything unknown is
/// taken for a plain tar. The bytes read are returned and belong before the rest.
pub(super) fn detect(source: &mut impl Read) -> io::Result<(Compression, Vec<u8>)> {
    let mut head = Vec::new();
    source.take(4).read_to_end(&mut head)?;
    let compression = match head[..] {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd] => Compression::Zstd,
        // A skippable frame may come first (RFC 8878, 3.1.2).
        [0x50..=0x5f, 0x2a, 0x4d, 0x18] => Compression::Zstd,
        _ => Compression::None,
    };
    Ok((compression, head))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn decode(bytes: &[u8]) -> (Compression, Vec<u8>) {
        let mut rest = bytes;
        let (compression, head) = detect(&mut rest).unwrap();
        let mut plain = Vec::new();
        Decoder::new(compression, head.chain(rest))
            .unwrap()
            .read_to_end(&mut plain)
            .unwrap();
        (compression, plain)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn every_compression_is_told_by_its_magic_number() {
        assert_eq!(decode(b"plain"), (Compression::None, b"plain".to_vec()));
        assert_eq!(decode(b""), (Compression::None, Vec::new()));
        assert_eq!(
            decode(&gzip(b"text")),
            (Compression::Gzip, b"text".to_vec())
        );
        let zstd = zstd::encode_all(&b"text"[..], 1).unwrap();
        assert_eq!(decode(&zstd), (Compression::Zstd, b"text".to_vec()));
    }

    #[test]
    fn members_of_a_gzip_stream_follow_each_other() {
        let two = [gzip(b"one "), gzip(b"two")].concat();
        assert_eq!(decode(&two), (Compression::Gzip, b"one two".to_vec()));
    }

    #[test]
    fn a_truncated_stream_is_an_error() {
        let whole = gzip(&[7; 100_000]);
        for length in [3, 12, whole.len() / 2, whole.len() - 1] {
            let mut decoder = Decoder::new(Compression::Gzip, &whole[..length]).unwrap();
            let error = decoder.read_to_end(&mut Vec::new()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{length}");
        }
    }
}
