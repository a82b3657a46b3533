//! What a reference means: a name, a digest, or the first digits of one.
//!
//! Names are kept as they were written. They are compared exactly first, then in the long form that
//! Docker gives them (distribution/reference): `x` is `docker.io/library/x:latest`.

use transom_layer::{BlobDigest, Digest, DigestError};
use transom_sealed::{ImageRecord, LayerRecord};

/// Fewest digits of a digest that are taken for one.
const MIN_PREFIX: usize = 4;
/// Longest name in bytes: Docker stops at 255 for the repository and 128 for the tag.
const MAX_NAME: usize = 512;

/// A reference that means no image or layer, or more than one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// Nothing has this name or digest.
    #[error("there is no {what} {text:?} in the store")]
    NotFound {
        /// `image` or `layer`.
        what: &'static str,
        /// The reference.
        text: String,
    },
    /// More than one thing is meant.
    #[error("{text:?} may be any of: {}", candidates.join(", "))]
    Ambiguous {
        /// The reference.
        text: String,
        /// What it may mean: names and digests.
        candidates: Vec<String>,
    },
    /// What follows `@` or `sha256:` is no digest.
    #[error(transparent)]
    Digest(#[from] DigestError),
    /// A new name cannot be one.
    #[error("{0:?} cannot be a name: {1}")]
    BadName(String, &'static str),
}

/// Finds the image that `text` means.
///
/// `name[:tag]`, `name@sha256:…`, `sha256:…` of a manifest or config, or at least 4 digits of either.
/// Names win over digits.
///
/// # Errors
/// [`ReferenceError`] if there is none, or more than one.
pub fn resolve<'a>(
    images: &'a [ImageRecord],
    text: &str,
) -> Result<&'a ImageRecord, ReferenceError> {
    let found = match text.rsplit_once('@') {
        Some((name, digest)) => {
            let digest = BlobDigest(digest.parse()?);
            let repository = long_form(name).map(|long| repository_of(&long).to_owned());
            filter(images, |image| {
                (image.manifest == digest || image.config == digest)
                    && image
                        .names
                        .iter()
                        .filter_map(|name| long_form(name))
                        .any(|long| Some(repository_of(&long)) == repository.as_deref())
            })
        }
        None => by_name_or_digits(images, text)?,
    };
    only_one("image", text, found, name_of)
}

fn by_name_or_digits<'a>(
    images: &'a [ImageRecord],
    text: &str,
) -> Result<Vec<&'a ImageRecord>, ReferenceError> {
    let has_name = |same: &dyn Fn(&str) -> bool| {
        filter(images, |image| image.names.iter().any(|name| same(name)))
    };
    let mut found = has_name(&|name| name == text);
    if found.is_empty()
        && let Some(wanted) = long_form(text)
    {
        found = has_name(&|name| long_form(name).as_ref() == Some(&wanted));
    }
    if found.is_empty()
        && let Some(digits) = digits_of(text)?
    {
        let begins = |digest: &BlobDigest| digest.0.hex().starts_with(digits);
        found = filter(images, |image| {
            begins(&image.manifest) || begins(&image.config)
        });
    }
    Ok(found)
}

/// Finds the layer that `text` means: its diffID, with or without `sha256:`, or at least 4 digits of it.
///
/// # Errors
/// [`ReferenceError`] if there is none, or more than one.
pub fn resolve_layer<'a>(
    layers: &'a [LayerRecord],
    text: &str,
) -> Result<&'a LayerRecord, ReferenceError> {
    let digits = digits_of(text)?;
    let found = filter(layers, |layer| {
        digits.is_some_and(|digits| layer.diff_id.0.hex().starts_with(digits))
    });
    only_one("layer", text, found, |layer| layer.diff_id.to_string())
}

/// Makes a name for the store out of what a person wrote: no tag means `latest`.
///
/// # Errors
/// [`ReferenceError::BadName`] for what no tool would take for a name.
pub fn new_name(text: &str) -> Result<String, ReferenceError> {
    check_name(text)?;
    match long_form(text) {
        Some(_) if tag_of(text).is_some() => Ok(text.to_owned()),
        Some(_) => Ok(format!("{text}:latest")),
        None => Err(ReferenceError::BadName(
            text.to_owned(),
            "expected [HOST[:PORT]/]PATH[:TAG]",
        )),
    }
}

/// Refuses names that would be trouble to show or to store.
pub(crate) fn check_name(name: &str) -> Result<(), ReferenceError> {
    let bad = |rule| {
        let shown = name.chars().take(100).collect::<String>();
        Err(ReferenceError::BadName(shown, rule))
    };
    if name.is_empty() {
        return bad("it is empty");
    }
    if name.len() > MAX_NAME {
        return bad("it is longer than 512 bytes");
    }
    if name.chars().any(char::is_control) {
        return bad("it has control characters");
    }
    Ok(())
}

/// Returns the long form `host/path:tag`; `None` if the text is no name by Docker's grammar.
pub fn long_form(name: &str) -> Option<String> {
    let (repository, tag) = match tag_of(name) {
        Some(tag) => (name.strip_suffix(tag)?.strip_suffix(':')?, tag),
        None => (name, "latest"),
    };
    let (host, path) = match repository.split_once('/') {
        Some((host, path))
            if host.contains(['.', ':']) || host == "localhost" || has_upper(host) =>
        {
            (host, path)
        }
        _ => ("docker.io", repository),
    };
    let host = if host == "index.docker.io" {
        "docker.io"
    } else {
        host
    };
    let is_part = |part: &str| {
        !part.is_empty()
            && part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.ends_with(|c: char| c.is_ascii_alphanumeric())
            && part
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
    };
    let is_host = host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
        && host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b".:-[]_".contains(&b));
    let is_tag = tag.len() <= 128
        && tag.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && tag
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if !is_host || !is_tag || !path.split('/').all(is_part) {
        return None;
    }
    let library = if host == "docker.io" && !path.contains('/') {
        "library/"
    } else {
        ""
    };
    Some(format!("{host}/{library}{path}:{tag}"))
}

fn has_upper(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_uppercase())
}

/// Returns the tag: what follows a colon after the last slash.
pub(crate) fn tag_of(name: &str) -> Option<&str> {
    let last = name.rsplit('/').next().unwrap_or(name);
    last.rsplit_once(':').map(|(_, tag)| tag)
}

fn repository_of(long: &str) -> &str {
    long.rsplit_once(':')
        .map_or(long, |(repository, _)| repository)
}

/// Reads a digest or the first digits of one. A text with `sha256:` must be a digest or digits.
fn digits_of(text: &str) -> Result<Option<&str>, DigestError> {
    let is_digits = |text: &str| {
        (MIN_PREFIX..=64).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    match text.strip_prefix("sha256:") {
        Some(rest) if is_digits(rest) => Ok(Some(rest)),
        Some(_) => text.parse::<Digest>().map(|_| None),
        None => Ok(Some(text).filter(|text| is_digits(text))),
    }
}

fn filter<T>(all: &[T], fits: impl Fn(&T) -> bool) -> Vec<&T> {
    all.iter().filter(|one| fits(one)).collect()
}

fn only_one<'a, T>(
    what: &'static str,
    text: &str,
    found: Vec<&'a T>,
    name_of: impl Fn(&T) -> String,
) -> Result<&'a T, ReferenceError> {
    match found.as_slice() {
        [] => Err(ReferenceError::NotFound {
            what,
            text: text.to_owned(),
        }),
        [one] => Ok(one),
        several => Err(ReferenceError::Ambiguous {
            text: text.to_owned(),
            candidates: several.iter().map(|one| name_of(one)).collect(),
        }),
    }
}

/// Names an image in an error: its first name and its digest.
fn name_of(image: &ImageRecord) -> String {
    match image.names.first() {
        Some(name) => format!("{name} ({})", image.manifest),
        None => image.manifest.to_string(),
    }
}

#[cfg(test)]
mod tests;
