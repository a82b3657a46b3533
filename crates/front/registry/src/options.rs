//! How registries are reached.

use std::path::PathBuf;
use std::str::FromStr;

use reqwest::Url;

use crate::credentials::Credentials;
use crate::error::RegistryError;
use crate::http::shown;
use crate::retry::Retries;

/// How registries are reached.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Use plain HTTP, also where the registry is not on this machine.
    pub plain_http: bool,
    /// Where images are looked for first.
    pub mirrors: Vec<Mirror>,
    /// Who asks; `None` for what Docker's configuration says.
    pub credentials: Option<Credentials>,
    /// The folder of Docker's `config.json`; `None` for `DOCKER_CONFIG`, or `.docker` in the home folder.
    pub docker_config: Option<PathBuf>,
    /// How often something is tried again.
    pub retries: Retries,
}

/// A place that has the images of a registry, too: `HOST=URL`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// The registry: `docker.io`.
    pub host: String,
    /// Where its images are looked for first. Its scheme stands: `http` is asked for by writing it.
    pub url: Url,
}

impl FromStr for Mirror {
    type Err = RegistryError;

    fn from_str(text: &str) -> Result<Self, RegistryError> {
        let refused = |url: &str, rule| RegistryError::Url {
            url: url.split('?').next().unwrap_or_default().to_owned(),
            rule,
        };
        let (host, url) = text
            .split_once('=')
            .filter(|(host, _)| !host.is_empty())
            .ok_or_else(|| refused(text, "a mirror is written HOST=URL"))?;
        let mut parsed =
            Url::parse(url).map_err(|_| refused(url, "a mirror is written HOST=URL"))?;
        if !matches!(parsed.scheme(), "http" | "https") || !parsed.has_host() {
            return Err(refused(
                &shown(&parsed),
                "expected https://HOST/ or http://HOST/",
            ));
        }
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(refused(
                &shown(&parsed),
                "credentials do not belong in a URL",
            ));
        }
        if parsed.query().is_some() || parsed.fragment().is_some() {
            return Err(refused(&shown(&parsed), "it has more than a path"));
        }
        if !parsed.path().ends_with('/') {
            let path = format!("{}/", parsed.path());
            parsed.set_path(&path);
        }
        Ok(Self {
            host: host.to_owned(),
            url: parsed,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_is_a_registry_and_a_url() {
        let mirror: Mirror = "docker.io=https://m.example:5000/hub".parse().unwrap();
        assert_eq!(mirror.host, "docker.io");
        assert_eq!(mirror.url.as_str(), "https://m.example:5000/hub/");
    }

    #[test]
    fn a_mirror_that_is_none_is_refused_without_telling_secrets() {
        for text in [
            "docker.io",
            "=https://m.example",
            "docker.io=m.example",
            "docker.io=ftp://m.example",
            "docker.io=https://u:secret@m.example",
            "docker.io=https://m.example/?key=secret",
        ] {
            let error = text.parse::<Mirror>().unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
