//! The bytes of a blob, from wherever it can be had, from one end to the other.
//!
//! Where a connection breaks the next one goes on: it asks for the rest, and reads over what is there
//! already if the server sends all of it again. What has been read is never taken back, so whoever
//! hashes it goes on as well.

use std::io::{self, Read};

use reqwest::blocking::Response;
use reqwest::header::CONTENT_RANGE;
use reqwest::{Method, Url};
use transom_layer::BlobDigest;

use crate::client::{Registry, expect};
use crate::error::RegistryError;
use crate::http::{Http, Request, protocol, shown};
use crate::retry::Retries;

/// Bytes after which a failure is not counted together with those before it.
const PROGRESS: u64 = 1 << 20;
/// Bytes read over at once.
const SCRAP: usize = 64 << 10;

/// One place that has a blob.
#[derive(Debug)]
pub(crate) enum Place<'a> {
    /// A repository.
    Registry(&'a Registry),
    /// A URL of its own, which gets no credentials.
    Url(Url),
}

/// Reads a blob from the first place that gives it.
#[derive(Debug)]
pub(crate) struct BlobReader<'a> {
    http: &'a Http,
    retries: Retries,
    what: String,
    digest: BlobDigest,
    size: u64,
    places: std::vec::IntoIter<Place<'a>>,
    place: Option<Place<'a>>,
    answer: Option<Response>,
    /// Bytes of the blob that the caller has.
    offset: u64,
    /// Bytes of this answer that the caller has from an earlier one.
    repeated: u64,
    failures: u32,
    /// Where the last failure was.
    failed_at: u64,
}

impl<'a> BlobReader<'a> {
    /// Reads `size` bytes from the first of `places` that has them all, in turn.
    pub(crate) fn new(
        http: &'a Http,
        retries: Retries,
        digest: BlobDigest,
        size: u64,
        places: Vec<Place<'a>>,
    ) -> Self {
        let mut places = places.into_iter();
        let place = places.next();
        Self {
            http,
            retries,
            what: format!("get blob {digest}"),
            digest,
            size,
            places,
            place,
            answer: None,
            offset: 0,
            repeated: 0,
            failures: 0,
            failed_at: 0,
        }
    }

    /// Reads into `buffer`, which is not empty, of a blob that is not at its end.
    fn advance(&mut self, buffer: &mut [u8]) -> Result<usize, RegistryError> {
        loop {
            match self.step(buffer) {
                Ok(0) => {}
                Ok(count) => return Ok(count),
                Err(error) => self.fail(error)?,
            }
        }
    }

    /// Opens, reads over, or reads; 0 for progress without bytes for the caller.
    fn step(&mut self, buffer: &mut [u8]) -> Result<usize, RegistryError> {
        let Some(answer) = &mut self.answer else {
            self.answer = Some(self.open()?);
            return Ok(0);
        };
        let mut scrap = Vec::new();
        let room = if self.repeated > 0 {
            let length = usize::try_from(self.repeated).map_or(SCRAP, |left| left.min(SCRAP));
            scrap.resize(length, 0);
            scrap.as_mut_slice()
        } else {
            let left = self.size - self.offset;
            let length = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
            buffer.get_mut(..length).unwrap_or_default()
        };
        let count = match answer.read(room) {
            Ok(0) => Err("it breaks off".to_owned()),
            Ok(count) => Ok(count as u64),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(0),
            Err(error) => Err(error.to_string()),
        };
        let count = count.map_err(|reason| RegistryError::Unreachable {
            what: self.what.clone(),
            place: shown(answer.url()),
            reason: format!("{reason} after {} of {} bytes", self.offset, self.size),
        })?;
        if self.repeated > 0 {
            self.repeated -= count;
            return Ok(0);
        }
        self.offset += count;
        if self.offset == self.size && matches!(answer.read(&mut [0]), Ok(1)) {
            return Err(self.too_long());
        }
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    /// Asks for what is missing.
    fn open(&mut self) -> Result<Response, RegistryError> {
        let what = self.what.as_str();
        let request = |url| {
            let request = Request::new(what, Method::GET, url);
            match self.offset {
                0 => request,
                offset => request.header("Range", format!("bytes={offset}-")),
            }
        };
        let response = match &self.place {
            Some(Place::Registry(registry)) => {
                let url = registry.url(&format!("blobs/{}", self.digest))?;
                registry.call_once(&request(url))?
            }
            Some(Place::Url(url)) => self.http.send(&request(url.clone()), &|_| None)?,
            None => return Err(self.nowhere()),
        };
        let response = expect(what, response, &[200, 206])?;
        let starts_at = if response.status().as_u16() == 206 {
            let range = response.headers().get(CONTENT_RANGE);
            let start = range.and_then(|value| start_of(value.to_str().ok()?));
            start.filter(|start| *start <= self.offset)
        } else {
            Some(0)
        };
        let Some(starts_at) = starts_at else {
            let reason = "it sends another part of the blob than was asked for";
            return Err(protocol(what, response.url(), reason));
        };
        let expected = self.size - starts_at;
        match response.content_length() {
            Some(length) if length > expected => return Err(self.too_long()),
            // What a part leaves out can be asked for, what the whole blob lacks is not there.
            Some(length) if length < expected && response.status().as_u16() == 200 => {
                let reason = format!("the blob has {length} bytes, its descriptor says {expected}");
                return Err(protocol(what, response.url(), reason));
            }
            _ => {}
        }
        self.repeated = self.offset - starts_at;
        Ok(response)
    }

    /// Makes ready for the next try, or the next place.
    fn fail(&mut self, error: RegistryError) -> Result<(), RegistryError> {
        self.answer = None;
        if self.offset - self.failed_at >= PROGRESS {
            self.failures = 0;
        }
        self.failed_at = self.offset;
        self.failures += 1;
        let Err(error) = self.retries.wait(self.failures, error) else {
            return Ok(());
        };
        match self.places.next() {
            Some(place) if !matches!(error, RegistryError::TooLong { .. }) => {
                self.place = Some(place);
                self.failures = 0;
                Ok(())
            }
            _ => Err(error),
        }
    }

    fn too_long(&self) -> RegistryError {
        RegistryError::TooLong {
            what: self.what.clone(),
            place: self.place_shown(),
            limit: self.size,
        }
    }

    fn nowhere(&self) -> RegistryError {
        RegistryError::Protocol {
            what: self.what.clone(),
            place: "the image".to_owned(),
            reason: "it says nowhere to get it from".to_owned(),
        }
    }

    fn place_shown(&self) -> String {
        match &self.place {
            Some(Place::Registry(registry)) => registry.shown(),
            Some(Place::Url(url)) => shown(url),
            None => String::new(),
        }
    }
}

impl Read for BlobReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.offset == self.size {
            return Ok(0);
        }
        self.advance(buffer).map_err(io::Error::other)
    }
}

/// Reads where a part begins: `bytes 5-9/10` (RFC 9110, 14.4).
pub(crate) fn start_of(range: &str) -> Option<u64> {
    let (start, _) = range.trim().strip_prefix("bytes ")?.split_once('-')?;
    start.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_says_where_it_begins() {
        assert_eq!(start_of("bytes 5-9/10"), Some(5));
        assert_eq!(start_of("bytes 0-0/*"), Some(0));
        for bad in ["", "bytes */10", "items 1-2/3", "bytes -5-9/10", "5-9/10"] {
            assert_eq!(start_of(bad), None, "{bad}");
        }
    }
}
