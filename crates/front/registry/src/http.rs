//! Requests as they go over the wire: clients, redirects, bounded answers.

use std::collections::HashMap;
use std::io::Read;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::blocking::{Body, Client, Response};
use reqwest::header::{LOCATION, RETRY_AFTER};
use reqwest::{Method, Url, redirect};
use serde_json::Value;

use crate::error::{RegistryError, reason_of};

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(30);
/// Longest wait for an answer, or for more of one.
const SILENCE: Duration = Duration::from_secs(60);
/// Slowest upload that is waited for, in bytes for each second.
const SLOWEST: u64 = 16 << 10;
/// Most redirects that are followed one after the other.
const MAX_REDIRECTS: usize = 5;
/// Most bytes of a refusal that are read.
const MAX_REFUSAL: u64 = 16 << 10;

/// What is sent.
pub(crate) enum Payload<'a> {
    Nothing,
    Bytes(&'a [u8]),
    /// Opened anew for every try.
    Stream {
        size: u64,
        open: &'a (dyn Fn() -> Result<Body, RegistryError> + Sync),
    },
}

/// A request.
pub(crate) struct Request<'a> {
    /// What it is for: completes "cannot …".
    pub(crate) what: &'a str,
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) payload: Payload<'a>,
}

impl<'a> Request<'a> {
    pub(crate) fn new(what: &'a str, method: Method, url: Url) -> Self {
        Self {
            what,
            method,
            url,
            headers: Vec::new(),
            payload: Payload::Nothing,
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn payload(mut self, payload: Payload<'a>) -> Self {
        self.payload = payload;
        self
    }
}

/// The clients, each made when it is first needed.
#[derive(Debug, Default)]
pub(crate) struct Http {
    clients: Mutex<HashMap<(bool, bool), Client>>,
}

impl Http {
    /// Sends a request and follows where the answer points to.
    ///
    /// `authorize` gives the credentials for a URL. From HTTPS nothing leads to plain HTTP.
    pub(crate) fn send(
        &self,
        request: &Request<'_>,
        authorize: &dyn Fn(&Url) -> Option<String>,
    ) -> Result<Response, RegistryError> {
        let mut url = request.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send_to(request, &url, authorize(&url))?;
            let reads = matches!(request.method, Method::GET | Method::HEAD);
            if !(reads && response.status().is_redirection()) {
                return Ok(response);
            }
            let target = response.headers().get(LOCATION);
            let target = target.and_then(|value| value.to_str().ok());
            let Some(target) = target.and_then(|target| url.join(target).ok()) else {
                return Err(protocol(request.what, &url, "a redirect leads nowhere"));
            };
            check_step(&url, &target)?;
            url = target;
        }
        Err(protocol(request.what, &url, "redirects lead in circles"))
    }

    fn send_to(
        &self,
        request: &Request<'_>,
        url: &Url,
        authorization: Option<String>,
    ) -> Result<Response, RegistryError> {
        let client = self.client(url)?;
        let mut builder = client.request(request.method.clone(), url.clone());
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        if let Some(authorization) = authorization {
            builder = builder.header("Authorization", authorization);
        }
        builder = match &request.payload {
            Payload::Nothing if request.method == Method::POST => {
                builder.header("Content-Length", "0")
            }
            Payload::Nothing => builder,
            Payload::Bytes(bytes) => builder.body(bytes.to_vec()),
            Payload::Stream { size, open } => {
                let patience = SILENCE + Duration::from_secs(size / SLOWEST);
                builder.body(open()?).timeout(patience)
            }
        };
        let sent = builder.send();
        sent.map_err(|error| RegistryError::unreachable(request.what, shown(url), error))
    }

    /// Returns the client for a URL. Plain HTTP works without any certificates, and what is on this
    /// machine is not reached through a proxy.
    fn client(&self, url: &Url) -> Result<Client, RegistryError> {
        let kind = (url.scheme() == "https", is_loopback(url));
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&kind) {
            return Ok(client.clone());
        }
        let (is_secure, is_local) = kind;
        // Another crate of the process may have chosen before: that choice holds.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .user_agent(concat!("transom/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT)
            .timeout(SILENCE);
        if !is_secure {
            builder = builder.tls_certs_only([]);
        }
        if is_local {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| RegistryError::Tls {
            reason: reason_of(error),
        })?;
        clients.insert(kind, client.clone());
        Ok(client)
    }
}

/// Refuses to go from one URL to another that is less safe.
pub(crate) fn check_step(from: &Url, to: &Url) -> Result<(), RegistryError> {
    let is_known = matches!(to.scheme(), "http" | "https") && to.has_host();
    if !is_known || (from.scheme() == "https" && to.scheme() != "https") {
        return Err(RegistryError::Url {
            url: shown(to),
            rule: "what was asked over HTTPS may not be answered over anything less",
        });
    }
    Ok(())
}

/// Says whether two URLs are answered by the same server.
pub(crate) fn same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host_str() == other.host_str()
        && one.port_or_known_default() == other.port_or_known_default()
}

/// Says whether a URL leads to this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Returns what of a URL may be shown: queries may be signed, and as good as a password.
pub(crate) fn shown(url: &Url) -> String {
    let port = url
        .port()
        .map_or_else(String::new, |port| format!(":{port}"));
    let host = url.host_str().unwrap_or_default();
    format!("{}://{host}{port}{}", url.scheme(), url.path())
}

/// Tells of a breach of the protocol.
pub(crate) fn protocol(what: &str, url: &Url, reason: impl Into<String>) -> RegistryError {
    RegistryError::Protocol {
        what: what.to_owned(),
        place: shown(url),
        reason: reason.into(),
    }
}

/// Reads a whole answer of at most `limit` bytes.
pub(crate) fn read_answer(
    what: &str,
    response: Response,
    limit: u64,
) -> Result<Vec<u8>, RegistryError> {
    let place = shown(response.url());
    let mut bytes = Vec::new();
    let read = response
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes);
    read.map_err(|error| RegistryError::Unreachable {
        what: what.to_owned(),
        place: place.clone(),
        reason: error.to_string(),
    })?;
    if bytes.len() as u64 > limit {
        return Err(RegistryError::TooLong {
            what: what.to_owned(),
            place,
            limit,
        });
    }
    Ok(bytes)
}

/// Makes an error of an answer that is no success.
pub(crate) fn refusal(what: &str, response: Response) -> RegistryError {
    let status = response.status().as_u16();
    let place = shown(response.url());
    let header = response.headers().get(RETRY_AFTER);
    // The other form, a date, is left to our own delays.
    let seconds = header.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    RegistryError::Status {
        what: what.to_owned(),
        place,
        status,
        said: said(response),
        retry_after: seconds.map(Duration::from_secs),
    }
}

/// Returns what a registry says about a refusal, after a colon (OCI distribution spec, "Error Codes").
pub(crate) fn said(response: Response) -> String {
    let mut bytes = Vec::new();
    // Half a refusal is as good as none.
    let _ = response.take(MAX_REFUSAL).read_to_end(&mut bytes);
    let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let first = value.get("errors").and_then(|errors| errors.get(0));
    let text = |key| first.and_then(|first| first.get(key)?.as_str());
    match (text("code"), text("message")) {
        (Some(code), Some(message)) => format!(": {}", short(&format!("{code}: {message}"))),
        (Some(text), None) | (None, Some(text)) => format!(": {}", short(text)),
        (None, None) => String::new(),
    }
}

fn short(text: &str) -> String {
    text.chars()
        .take(200)
        .flat_map(char::escape_debug)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn nothing_leads_from_https_to_anything_less() {
        let safe = url("https://a.example/");
        for bad in [
            "http://a.example/",
            "ftp://a.example/",
            "file:///etc/passwd",
        ] {
            assert!(check_step(&safe, &url(bad)).is_err(), "{bad}");
        }
        assert!(check_step(&safe, &url("https://b.example/")).is_ok());
        assert!(check_step(&url("http://a.example/"), &url("https://b.example/")).is_ok());
        assert!(check_step(&url("http://a.example/"), &url("file:///x")).is_err());
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let one = url("https://a.example/x");
        assert!(same_origin(&one, &url("https://a.example:443/y?z")));
        for other in [
            "http://a.example/x",
            "https://a.example:444/x",
            "https://b.example/x",
            "https://a.example.evil/x",
        ] {
            assert!(!same_origin(&one, &url(other)), "{other}");
        }
    }

    #[test]
    fn loopback_is_told_by_the_address() {
        for near in [
            "http://localhost/",
            "http://127.3.2.1:5/",
            "http://[::1]:5/",
        ] {
            assert!(is_loopback(&url(near)), "{near}");
        }
        for far in [
            "http://localhost.example/",
            "http://10.0.0.1/",
            "http://[::2]/",
        ] {
            assert!(!is_loopback(&url(far)), "{far}");
        }
    }

    #[test]
    fn neither_queries_nor_passwords_are_shown() {
        let text = shown(&url("https://user:secret@a.example:1/b?sig=secret#secret"));
        assert_eq!(text, "https://a.example:1/b");
    }
}
