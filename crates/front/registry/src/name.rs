//! What an image is called in a registry.

use std::fmt;
use std::str::FromStr;

use transom_layer::BlobDigest;
use transom_oci::long_form;

use crate::error::RegistryError;

/// `[HOST[:PORT]/]PATH[:TAG][@DIGEST]`, by Docker's rules: without a host it is Docker Hub's, without a
/// path there `library/`, without a tag and digest `latest`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageName {
    /// The registry: `docker.io`, `localhost:5000`.
    pub host: String,
    /// The repository: `library/hello`.
    pub repository: String,
    /// The tag; with a digest it says nothing but what the image is called here.
    pub tag: String,
    /// The digest of the manifest or index wanted.
    pub digest: Option<BlobDigest>,
    /// The name as it was written, without the digest; `None` if that has no tag beside its digest.
    pub written: Option<String>,
}

impl ImageName {
    /// What the registry is asked for.
    pub(crate) fn reference(&self) -> String {
        match self.digest {
            Some(digest) => digest.to_string(),
            None => self.tag.clone(),
        }
    }
}

impl FromStr for ImageName {
    type Err = RegistryError;

    fn from_str(text: &str) -> Result<Self, RegistryError> {
        let refused = |rule| RegistryError::Name {
            text: text.chars().take(100).collect(),
            rule,
        };
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => {
                let digest = digest
                    .parse()
                    .map_err(|_| refused("what follows @ is no sha256 digest"))?;
                (name, Some(BlobDigest(digest)))
            }
            None => (text, None),
        };
        let long = long_form(name).ok_or_else(|| refused("expected [HOST[:PORT]/]PATH[:TAG]"))?;
        let (host, rest) = long
            .split_once('/')
            .ok_or_else(|| refused("it has no path"))?;
        let (repository, tag) = rest
            .rsplit_once(':')
            .ok_or_else(|| refused("it has no tag"))?;
        let has_tag = name.ends_with(&format!(":{tag}"));
        Ok(Self {
            host: host.to_owned(),
            repository: repository.to_owned(),
            tag: tag.to_owned(),
            digest,
            written: (has_tag || digest.is_none()).then(|| name.to_owned()),
        })
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.repository)?;
        match self.digest {
            Some(digest) => write!(f, "@{digest}"),
            None => write!(f, ":{}", self.tag),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_completed_as_docker_completes_them() {
        for (text, expected) in [
            ("hello", "docker.io/library/hello:latest"),
            ("a/b:1", "docker.io/a/b:1"),
            ("index.docker.io/a/b", "docker.io/a/b:latest"),
            ("localhost:5000/x", "localhost:5000/x:latest"),
            ("h.example/a/b/c:v", "h.example/a/b/c:v"),
            ("[::1]:5000/x:1", "[::1]:5000/x:1"),
        ] {
            let name: ImageName = text.parse().unwrap();
            assert_eq!(name.to_string(), expected);
            assert_eq!(name.written.as_deref(), Some(text));
        }
    }

    #[test]
    fn a_digest_is_what_is_asked_for() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let name: ImageName = format!("h.example/a:1@{digest}").parse().unwrap();
        assert_eq!(name.reference(), digest);
        assert_eq!(name.written.as_deref(), Some("h.example/a:1"));
        let name: ImageName = format!("h.example:80/a@{digest}").parse().unwrap();
        assert_eq!(name.written, None);
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in [
            "",
            "A B",
            "h.example/",
            "h.example/../x",
            "a@sha256:12",
            "a@",
            "h.example/a:b:c",
            "a/UP",
            "x?y=1",
        ] {
            assert!(text.parse::<ImageName>().is_err(), "{text:?}");
        }
    }
}
