//! Where a registry is: Docker Hub's other name, plain HTTP on this machine, mirrors.

use std::sync::Arc;

use reqwest::{Method, Url};

use crate::authorize::Authorizer;
use crate::client::Registry;
use crate::docker_config;
use crate::error::RegistryError;
use crate::http::{Http, Request, is_loopback};
use crate::options::Options;

/// The host that answers for `docker.io`.
const DOCKER_HUB: &str = "registry-1.docker.io";

/// Returns the registry itself.
///
/// On this machine HTTPS is tried first and plain HTTP taken where nothing speaks TLS; elsewhere plain
/// HTTP has to be asked for.
pub(crate) fn registry(
    http: &Arc<Http>,
    host: &str,
    repository: &str,
    scopes: Vec<String>,
    options: &Options,
) -> Result<Registry, RegistryError> {
    let server = if host == "docker.io" {
        DOCKER_HUB
    } else {
        host
    };
    let secure = base("https", server)?;
    let plain = base("http", server)?;
    let url =
        if options.plain_http || (is_loopback(&plain) && speaks_plainly(http, &secure, &plain)?) {
            plain
        } else {
            secure
        };
    let credentials = match &options.credentials {
        Some(credentials) => Some(credentials.clone()),
        None => docker_config::credentials(options.docker_config.as_deref(), host)?,
    };
    let authorizer = Authorizer::new(host, credentials, scopes);
    Ok(Registry::new(
        http.clone(),
        url,
        repository,
        authorizer,
        options.retries,
    ))
}

/// Returns the mirrors of a registry, in the order in which they are asked. A mirror gets credentials of
/// its own or none.
pub(crate) fn mirrors(
    http: &Arc<Http>,
    host: &str,
    repository: &str,
    scopes: &[String],
    options: &Options,
) -> Result<Vec<Registry>, RegistryError> {
    let mirrors = options.mirrors.iter().filter(|mirror| mirror.host == host);
    let registries = mirrors.map(|mirror| {
        let url = mirror.url.clone();
        let port = url
            .port()
            .map_or_else(String::new, |port| format!(":{port}"));
        let own = format!("{}{port}", url.host_str().unwrap_or_default());
        let credentials = docker_config::credentials(options.docker_config.as_deref(), &own)?;
        let authorizer = Authorizer::new(&own, credentials, scopes.to_vec());
        Ok(Registry::new(
            http.clone(),
            url,
            repository,
            authorizer,
            options.retries,
        ))
    });
    registries.collect()
}

fn base(scheme: &str, server: &str) -> Result<Url, RegistryError> {
    Url::parse(&format!("{scheme}://{server}/")).map_err(|_| RegistryError::Url {
        url: format!("{scheme}://{server}/"),
        rule: "it is no host",
    })
}

/// Says whether a server of this machine speaks HTTP without TLS.
fn speaks_plainly(http: &Http, secure: &Url, plain: &Url) -> Result<bool, RegistryError> {
    let ask = |base: &Url| {
        let url = base.join("v2/").unwrap_or_else(|_| base.clone());
        http.send(
            &Request::new("find the registry", Method::GET, url),
            &|_| None,
        )
    };
    let Err(error) = ask(secure) else {
        return Ok(false);
    };
    match ask(plain) {
        Ok(answer) if matches!(answer.status().as_u16(), 200 | 401 | 404) => Ok(true),
        // A server with a certificate that is not trusted answers plain HTTP with a complaint.
        Ok(_) => Err(error),
        Err(plain) => Err(plain),
    }
}
