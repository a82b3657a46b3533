//! Bringing one blob into a repository (OCI distribution specification, "Pushing blobs").

use std::fs::File;
use std::io::{self, Read};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use reqwest::blocking::{Body, Response};
use reqwest::header::LOCATION;
use reqwest::{Method, Url};
use transom_layer::{BlobDigest, Digest, Hasher};
use transom_oci::LayerProgress;

use crate::client::{Registry, expect};
use crate::error::RegistryError;
use crate::http::{Payload, Request, check_step, protocol};

/// How a blob came to be in the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// It was there.
    AlreadyThere,
    /// The registry took it from another of its repositories.
    Mounted,
    /// Its bytes were sent.
    Uploaded,
}

/// What a blob is made of.
pub(crate) enum Source<'a> {
    Bytes(&'a [u8]),
    /// Opened anew for every try.
    File(&'a (dyn Fn() -> Result<File, RegistryError> + Sync)),
}

/// A blob to bring.
pub(crate) struct Blob<'a> {
    pub(crate) digest: BlobDigest,
    pub(crate) size: u64,
    pub(crate) source: Source<'a>,
    /// Repositories of the same registry that may have it.
    pub(crate) siblings: Vec<String>,
}

/// Makes sure that the repository has the blob.
pub(crate) fn bring<'a>(
    registry: &Registry,
    blob: &Blob<'_>,
    watch: &dyn Fn() -> Box<dyn LayerProgress + 'a>,
) -> Result<Arrival, RegistryError> {
    if has(registry, blob)? {
        return Ok(Arrival::AlreadyThere);
    }
    let mut upload = None;
    for sibling in &blob.siblings {
        match begin(registry, blob, Some(sibling)) {
            Ok(Begun::Mounted) => return Ok(Arrival::Mounted),
            Ok(Begun::Upload(url)) => upload = Some(url),
            // It may be closed to us: the bytes are sent then.
            Err(_) => {}
        }
    }
    let watch = watch();
    registry.retries.run(|| {
        let url = match upload.take() {
            Some(url) => url,
            None => match begin(registry, blob, None)? {
                Begun::Upload(url) => url,
                Begun::Mounted => return Ok(()),
            },
        };
        send(registry, blob, url, &*watch)
    })?;
    Ok(Arrival::Uploaded)
}

fn has(registry: &Registry, blob: &Blob<'_>) -> Result<bool, RegistryError> {
    let what = format!("look for blob {}", blob.digest);
    let url = registry.url(&format!("blobs/{}", blob.digest))?;
    let response = registry.call(&Request::new(&what, Method::HEAD, url))?;
    let response = expect(&what, response, &[200, 404])?;
    Ok(response.status().as_u16() == 200)
}

/// What a registry answers to the wish to bring a blob.
enum Begun {
    Mounted,
    Upload(Url),
}

fn begin(registry: &Registry, blob: &Blob<'_>, from: Option<&str>) -> Result<Begun, RegistryError> {
    let what = format!("begin to upload blob {}", blob.digest);
    let mut url = registry.url("blobs/uploads/")?;
    if let Some(from) = from {
        url.query_pairs_mut()
            .append_pair("mount", &blob.digest.to_string())
            .append_pair("from", from);
    }
    let response = registry.call_once(&Request::new(&what, Method::POST, url))?;
    let response = expect(&what, response, &[201, 202])?;
    if response.status().as_u16() == 201 && from.is_some() {
        return Ok(Begun::Mounted);
    }
    location(&what, &response).map(Begun::Upload)
}

fn location(what: &str, response: &Response) -> Result<Url, RegistryError> {
    let base = response.url();
    let value = response.headers().get(LOCATION);
    location_from(what, base, value.and_then(|value| value.to_str().ok()))
}

/// Reads the header that says where to go on, which can be relative.
pub(crate) fn location_from(
    what: &str,
    base: &Url,
    value: Option<&str>,
) -> Result<Url, RegistryError> {
    let target = value.and_then(|value| base.join(value).ok());
    let target = target.ok_or_else(|| protocol(what, base, "it does not say where to send it"))?;
    check_step(base, &target)?;
    Ok(target)
}

/// Sends the blob in one piece.
fn send(
    registry: &Registry,
    blob: &Blob<'_>,
    mut url: Url,
    watch: &dyn LayerProgress,
) -> Result<(), RegistryError> {
    let what = format!("upload blob {}", blob.digest);
    url.query_pairs_mut()
        .append_pair("digest", &blob.digest.to_string());
    let request =
        Request::new(&what, Method::PUT, url).header("Content-Type", "application/octet-stream");
    let response = match &blob.source {
        Source::Bytes(bytes) => registry.call_once(&request.payload(Payload::Bytes(bytes)))?,
        Source::File(open) => {
            let (sent, counts) = channel();
            // The body outlives no borrow, so what was sent is told through a channel.
            thread::scope(|scope| {
                let put = scope.spawn(move || {
                    let body = || {
                        let checked = Checked::new(open()?, blob, sent.clone());
                        Ok(Body::sized(checked, blob.size))
                    };
                    let payload = Payload::Stream {
                        size: blob.size,
                        open: &body,
                    };
                    registry.call_once(&request.payload(payload))
                });
                counts.iter().for_each(|count| watch.advance(count));
                put.join().expect("the uploading thread does not panic")
            })?
        }
    };
    expect(&what, response, &[201, 202, 204]).map(drop)
}

/// Reads a file of the store, tells how far it is, and fails at the end of one that is damaged.
struct Checked {
    file: File,
    left: u64,
    digest: Digest,
    hasher: Option<Hasher>,
    sent: Sender<u64>,
}

impl Checked {
    fn new(file: File, blob: &Blob<'_>, sent: Sender<u64>) -> Self {
        Self {
            file,
            left: blob.size,
            digest: blob.digest.0,
            hasher: Some(Hasher::new()),
            sent,
        }
    }
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let wanted = buffer.get_mut(..wanted).unwrap_or_default();
        let got = self.file.read(wanted)?;
        let damaged = || io::Error::other(format!("blob {} is damaged in the store", self.digest));
        if got == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(damaged());
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(buffer.get(..got).unwrap_or_default());
        }
        self.left -= got as u64;
        if self.left == 0
            && let Some(hasher) = self.hasher.take()
            && hasher.finish() != self.digest
        {
            return Err(damaged());
        }
        // Nobody listens once the upload has failed.
        let _ = self.sent.send(got as u64);
        Ok(got)
    }
}
