//! One repository of one registry: the requests of the distribution specification.

use std::sync::Arc;

use reqwest::blocking::Response;
use reqwest::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use reqwest::{Method, Url};
use transom_layer::{BlobDigest, Digest};
use transom_oci::{DOCUMENT_TYPES, MAX_DOCUMENT, type_of_document};

use crate::authorize::Authorizer;
use crate::error::RegistryError;
use crate::http::{Http, Request, read_answer, refusal, said, same_origin, shown};
use crate::retry::Retries;

/// A repository of a registry.
#[derive(Debug)]
pub(crate) struct Registry {
    pub(crate) http: Arc<Http>,
    base: Url,
    repository: String,
    authorizer: Authorizer,
    pub(crate) retries: Retries,
}

/// A manifest or index as a registry gave it.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) bytes: Vec<u8>,
    pub(crate) digest: BlobDigest,
    /// What the document says it is, or what it looks like: the registry's word does not count. `None`
    /// for what cannot be read, with the registry's word.
    pub(crate) media_type: Result<String, String>,
}

impl Registry {
    pub(crate) fn new(
        http: Arc<Http>,
        base: Url,
        repository: &str,
        authorizer: Authorizer,
        retries: Retries,
    ) -> Self {
        Self {
            http,
            base,
            repository: repository.to_owned(),
            authorizer,
            retries,
        }
    }

    /// Returns the URL of something in the repository: `manifests/<reference>`, `blobs/<digest>`.
    pub(crate) fn url(&self, rest: &str) -> Result<Url, RegistryError> {
        let path = format!("v2/{}/{rest}", self.repository);
        self.base.join(&path).map_err(|_| RegistryError::Url {
            url: format!("{}{path}", shown(&self.base)),
            rule: "it is no URL",
        })
    }

    /// How errors name the registry.
    pub(crate) fn shown(&self) -> String {
        shown(&self.base)
    }

    /// Sends a request, and again until it is answered or there is no use in it. Answers that may pass
    /// and refusals are errors; any other status is for the caller to judge.
    pub(crate) fn call(&self, request: &Request<'_>) -> Result<Response, RegistryError> {
        self.retries.run(|| self.call_once(request))
    }

    /// Sends a request once, and once more if it takes new credentials.
    pub(crate) fn call_once(&self, request: &Request<'_>) -> Result<Response, RegistryError> {
        let used = self.authorizer.current();
        let mut response = self.send(request, used.clone())?;
        if response.status().as_u16() == 401 {
            let headers = response.headers().get_all(WWW_AUTHENTICATE).iter();
            let headers: Vec<String> = headers
                .filter_map(|value| value.to_str().ok().map(str::to_owned))
                .collect();
            let headers = headers.iter().map(String::as_str);
            let renewed =
                self.authorizer
                    .renew(&self.http, &self.base, used.as_deref(), headers)?;
            if renewed {
                response = self.send(request, self.authorizer.current())?;
            }
        }
        match response.status().as_u16() {
            401 | 403 => Err(RegistryError::Denied {
                what: request.what.to_owned(),
                host: self.host(),
                said: said(response),
            }),
            408 | 429 | 500.. => Err(refusal(request.what, response)),
            _ => Ok(response),
        }
    }

    fn send(
        &self,
        request: &Request<'_>,
        authorization: Option<String>,
    ) -> Result<Response, RegistryError> {
        self.http.send(request, &|url| {
            authorization
                .clone()
                .filter(|_| same_origin(url, &self.base))
        })
    }

    fn host(&self) -> String {
        let port = self
            .base
            .port()
            .map_or_else(String::new, |port| format!(":{port}"));
        format!("{}{port}", self.base.host_str().unwrap_or_default())
    }

    /// Gets a manifest or index by tag or digest, at most 4 MiB of it, and checks it against the digest.
    pub(crate) fn document(
        &self,
        reference: &str,
        wanted: Option<BlobDigest>,
    ) -> Result<Document, RegistryError> {
        let what = format!("get manifest {reference} of {}", self.repository);
        let url = self.url(&format!("manifests/{reference}"))?;
        let request =
            Request::new(&what, Method::GET, url).header("Accept", DOCUMENT_TYPES.join(", "));
        let (said_type, bytes) = self.retries.run(|| {
            let response = expect(&what, self.call_once(&request)?, &[200])?;
            let said_type = response.headers().get(CONTENT_TYPE);
            let said_type = said_type.and_then(|value| value.to_str().ok());
            let said_type = said_type.unwrap_or_default().to_owned();
            Ok((said_type, read_answer(&what, response, MAX_DOCUMENT)?))
        })?;
        let digest = BlobDigest(Digest::of(&bytes));
        if let Some(expected) = wanted.filter(|wanted| *wanted != digest) {
            return Err(RegistryError::Digest {
                what: "manifest",
                place: self.shown(),
                expected,
                found: digest,
            });
        }
        Ok(Document {
            media_type: type_of_document(&bytes).ok_or(said_type),
            bytes,
            digest,
        })
    }
}

/// Takes an answer that has one of these statuses.
pub(crate) fn expect(
    what: &str,
    response: Response,
    statuses: &[u16],
) -> Result<Response, RegistryError> {
    if statuses.contains(&response.status().as_u16()) {
        return Ok(response);
    }
    Err(refusal(what, response))
}
