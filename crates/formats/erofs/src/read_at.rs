//! Positioned reads: what the reader asks of the place where an image is.

use std::fs::File;
use std::io;
use std::sync::Arc;

/// Bytes that can be read at any position, by several callers at once.
#[expect(
    clippy::len_without_is_empty,
    reason = "an empty source is not an image; nobody would ask"
)]
pub trait ReadAt {
    /// Reads bytes from `offset` on into `buf`; returns how many, less than asked at the end or when interrupted.
    ///
    /// # Errors
    ///
    /// What the source says.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Returns the size in bytes.
    ///
    /// # Errors
    ///
    /// What the source says.
    fn len(&self) -> io::Result<u64>;
}

impl ReadAt for File {
    #[cfg(unix)]
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buf, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(self, buf, offset)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }
}

impl ReadAt for [u8] {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|offset| self.get(offset..));
        let rest = rest.unwrap_or_default();
        let count = rest.len().min(buf.len());
        buf[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(<[u8]>::len(self) as u64)
    }
}

impl ReadAt for Vec<u8> {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.as_slice().read_at(buf, offset)
    }

    fn len(&self) -> io::Result<u64> {
        ReadAt::len(self.as_slice())
    }
}

impl<T: ReadAt + ?Sized> ReadAt for &T {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        (**self).read_at(buf, offset)
    }

    fn len(&self) -> io::Result<u64> {
        (**self).len()
    }
}

impl<T: ReadAt + ?Sized> ReadAt for Arc<T> {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        (**self).read_at(buf, offset)
    }

    fn len(&self) -> io::Result<u64> {
        (**self).len()
    }
}

/// Reads until `buf` is full or the source ends; returns how many bytes it got.
pub(crate) fn read_up_to(source: &impl ReadAt, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < buf.len() {
        match source.read_at(&mut buf[done..], offset.saturating_add(done as u64)) {
            Ok(0) => break,
            // A source that claims more than it was given room for must not lead out of `buf`.
            Ok(count) => done = (done + count).min(buf.len()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct OneByteAtATime(Vec<u8>);

    impl ReadAt for OneByteAtATime {
        fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
            self.0.read_at(&mut buf[..1], offset)
        }

        fn len(&self) -> io::Result<u64> {
            ReadAt::len(&self.0)
        }
    }

    #[test]
    fn short_reads_are_put_together_and_the_end_is_seen() {
        let source = Arc::new(OneByteAtATime(vec![1, 2, 3]));
        let mut buf = [0; 2];
        assert_eq!(read_up_to(&source, &mut buf, 0).unwrap(), 2);
        assert_eq!(buf, [1, 2]);
        assert_eq!(read_up_to(&source, &mut buf, 2).unwrap(), 1);
        assert_eq!(read_up_to(&source, &mut buf, u64::MAX).unwrap(), 0);
        assert_eq!(ReadAt::len(&source).unwrap(), 3);
    }
}
