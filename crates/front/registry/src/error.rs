//! Why a pull or a push failed.

use std::error::Error as _;
use std::time::Duration;

use transom_layer::BlobDigest;
use transom_oci::{LoadError, ReferenceError, SaveError};
use transom_sealed::StoreError;

/// Why an image could not be pulled or pushed. Texts never hold credentials, nor the queries of URLs,
/// which may be as good as credentials.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// The text names no image of a registry.
    #[error("{text:?} names no image in a registry: {rule}")]
    Name {
        /// The text.
        text: String,
        /// What is wrong with it.
        rule: &'static str,
    },
    /// A URL cannot be used.
    #[error("{url:?} cannot be used: {rule}")]
    Url {
        /// The URL, without its query.
        url: String,
        /// What is wrong with it.
        rule: &'static str,
    },
    /// TLS could not be set up.
    #[error("cannot set up TLS: {reason}; is a certificate store installed, or SSL_CERT_FILE set?")]
    Tls {
        /// What the library said.
        reason: String,
    },
    /// No answer came, or it broke off.
    #[error("cannot {what}: {place} gives no answer: {reason}")]
    Unreachable {
        /// What was being done.
        what: String,
        /// Whom it was asked of.
        place: String,
        /// What the system said.
        reason: String,
    },
    /// The answer was another than the protocol has for this.
    #[error("cannot {what}: {place} answers {status}{said}")]
    Status {
        /// What was being done.
        what: String,
        /// Whom it was asked of.
        place: String,
        /// The status.
        status: u16,
        /// What it said, after a colon; may be empty.
        said: String,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// Access is denied.
    #[error(
        "cannot {what}: {host} denies access{said}; to log in: `docker login {host}`, or --username and \
         --password-stdin"
    )]
    Denied {
        /// What was being done.
        what: String,
        /// The registry.
        host: String,
        /// What it said, after a colon; may be empty.
        said: String,
    },
    /// The registry wants to be logged in to in a way that cannot be.
    #[error("cannot log in to {host}: {reason}")]
    Login {
        /// The registry.
        host: String,
        /// What is wrong.
        reason: String,
    },
    /// Credentials cannot be read.
    #[error("cannot read credentials from {place}: {reason}")]
    Credentials {
        /// A file or a helper program.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// An answer breaks the protocol.
    #[error("cannot {what}: {place} breaks the protocol: {reason}")]
    Protocol {
        /// What was being done.
        what: String,
        /// Whom it was asked of.
        place: String,
        /// How.
        reason: String,
    },
    /// More bytes came than may be.
    #[error("cannot {what}: {place} sends more than {limit} bytes")]
    TooLong {
        /// What was being done.
        what: String,
        /// Whom it was asked of.
        place: String,
        /// The limit.
        limit: u64,
    },
    /// A document is not the one asked for.
    #[error("{what} {expected} from {place} has the digest {found}: it is damaged or was changed")]
    Digest {
        /// `manifest`.
        what: &'static str,
        /// Whom it came from.
        place: String,
        /// The digest asked for.
        expected: BlobDigest,
        /// The digest it has.
        found: BlobDigest,
    },
    /// The document is none that can be read.
    #[error(
        "{name} is no image that can be read: its document is neither a manifest nor an index of version \
         2 (media type {media_type:?})"
    )]
    Document {
        /// The image.
        name: String,
        /// What the registry calls it.
        media_type: String,
    },
    /// A name is refused.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// The image could not be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The image could not be read from the store.
    #[error(transparent)]
    Save(#[from] SaveError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RegistryError {
    /// Says whether the same request may succeed later.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 429 | 500 | 502 | 503 | 504),
            _ => false,
        }
    }

    /// How long the other side wants to be left alone.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Tells of a request that got no answer.
    pub(crate) fn unreachable(what: &str, place: String, error: reqwest::Error) -> Self {
        Self::Unreachable {
            what: what.to_owned(),
            place,
            reason: reason_of(error),
        }
    }
}

/// Puts an error and its causes into one line, without the URL.
pub(crate) fn reason_of(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut reason = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let text = next.to_string();
        if !reason.contains(&text) {
            reason = format!("{reason}: {text}");
        }
        cause = next.source();
    }
    reason
}
