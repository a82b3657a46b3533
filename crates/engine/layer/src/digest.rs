//! SHA-256 digests as OCI writes them, and the ids that are made of them.

use std::fmt;
use std::str::FromStr;

use sha2::Digest as _;

/// A SHA-256 digest; written `sha256:` and 64 hexadecimal digits (OCI descriptor.md, "Digests").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// A text that is no `sha256:` digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no digest: expected sha256: and 64 hexadecimal digits in lower case")]
pub struct DigestError {
    text: String,
}

impl Digest {
    /// Wraps the 32 bytes of a SHA-256.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Hashes `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// Returns the 64 hexadecimal digits, without the algorithm.
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }

    /// Returns the first 12 hexadecimal digits, for people.
    pub fn short(&self) -> String {
        hex::encode(&self.0[..6])
    }

    /// Parses 64 hexadecimal digits in lower case, the form used in file names.
    ///
    /// # Errors
    /// [`DigestError`] if `text` is anything else.
    pub fn from_hex(text: &str) -> Result<Self, DigestError> {
        let error = || DigestError {
            text: text.chars().take(100).collect(),
        };
        if text.len() != 64 || text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(error());
        }
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| error())?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        text.strip_prefix("sha256:")
            .and_then(|hex| Self::from_hex(hex).ok())
            .ok_or_else(|| DigestError {
                text: text.chars().take(100).collect(),
            })
    }
}

/// Hashes a stream piece by piece.
#[derive(Clone, Default)]
pub struct Hasher(sha2::Sha256);

impl Hasher {
    /// Starts a digest of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Returns the digest of all that was added.
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hasher")
    }
}

macro_rules! digest_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Digest);

        impl $name {
            /// Returns the digest this id is.
            pub fn digest(&self) -> &Digest {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = DigestError;

            fn from_str(text: &str) -> Result<Self, DigestError> {
                text.parse().map(Self)
            }
        }
    };
}

digest_id!(
    /// A layer: the digest of its uncompressed tar (OCI config.md, "Layer DiffID").
    DiffId
);
digest_id!(
    /// A stack of layers (OCI config.md, "Layer ChainID").
    ChainId
);
digest_id!(
    /// A blob as an image names it: a compressed layer, a manifest, a config.
    BlobDigest
);

impl ChainId {
    /// Returns the id of the chain of `layers`, base first; `None` if there are none.
    pub fn of(layers: &[DiffId]) -> Option<Self> {
        let (base, above) = layers.split_first()?;
        Some(above.iter().fold(Self(base.0), |chain, layer| {
            Self(Digest::of(format!("{chain} {layer}").as_bytes()))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(digit: char) -> Digest {
        Digest::from_hex(&digit.to_string().repeat(64)).unwrap()
    }

    #[test]
    fn the_digest_of_nothing_is_the_well_known_one() {
        let empty = Hasher::new().finish();
        assert_eq!(
            empty.to_string(),
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(empty.to_string().parse(), Ok(empty));
        assert_eq!(empty.short(), "e3b0c44298fc");
    }

    #[test]
    fn a_text_that_is_no_digest_is_refused() {
        let upper = format!("sha256:{}", "A".repeat(64));
        for text in [
            "",
            "sha256:",
            "sha512:00",
            "sha256:zz",
            "../x",
            upper.as_str(),
        ] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_chain_of_one_layer_has_the_layers_digest() {
        assert_eq!(ChainId::of(&[]), None);
        assert_eq!(
            ChainId::of(&[DiffId(digest('a'))]),
            Some(ChainId(digest('a')))
        );
    }

    #[test]
    fn a_longer_chain_hashes_parent_and_layer_as_text() {
        let [a, b, c] = ['a', 'b', 'c'].map(digest);
        let ab = Digest::of(format!("{a} {b}").as_bytes());
        let abc = Digest::of(format!("{ab} {c}").as_bytes());
        assert_eq!(
            ChainId::of(&[DiffId(a), DiffId(b), DiffId(c)]),
            Some(ChainId(abc))
        );
    }
}
