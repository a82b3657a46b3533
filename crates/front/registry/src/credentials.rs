//! Who asks.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A name and a secret, or an identity token. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub(crate) username: String,
    pub(crate) secret: String,
    /// The secret is no password but a token from an earlier login, to be exchanged for others.
    pub(crate) is_identity_token: bool,
}

impl Credentials {
    /// Takes a name and a password.
    pub fn new(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            username: username.into(),
            secret: password.into(),
            is_identity_token: false,
        }
    }

    /// The value of an `Authorization` header (RFC 7617).
    pub(crate) fn basic(&self) -> String {
        let pair = format!("{}:{}", self.username, self.secret);
        format!("Basic {}", STANDARD.encode(pair))
    }

    /// Reads the name and password that Docker's `auth` holds.
    pub(crate) fn from_basic(encoded: &str) -> Option<Self> {
        let bytes = STANDARD.decode(encoded.trim()).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let (username, password) = text.split_once(':')?;
        // Docker has padded passwords with zeros.
        Some(Self::new(username, password.trim_end_matches('\0')))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_survives_encoding() {
        let pair = Credentials::new("user", "pass:word");
        let encoded = pair.basic();
        let encoded = encoded.strip_prefix("Basic ").unwrap();
        assert_eq!(Credentials::from_basic(encoded), Some(pair));
        assert_eq!(Credentials::from_basic("!"), None);
        assert_eq!(Credentials::from_basic("dXNlcg=="), None);
    }

    #[test]
    fn nothing_of_it_is_shown() {
        let shown = format!("{:?}", Credentials::new("name", "secret"));
        assert!(
            !shown.contains("secret") && !shown.contains("name"),
            "{shown}"
        );
    }
}
