//! What the fuzzer reaches of this crate.

use reqwest::Url;

use crate::challenge::{self, Challenge};
use crate::docker_config::in_auths;
use crate::http::shown;
use crate::name::ImageName;
use crate::reader::start_of;
use crate::upload::location_from;

/// Reads text as each header that a registry answers with: what is gone on with is no less safe, and what is shown
/// of it has no password and no query.
pub fn headers(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    for challenge in challenge::parse(text.lines()) {
        if let Challenge::Bearer { realm, scopes, .. } = challenge {
            assert!(realm.len() <= text.len() && scopes.len() <= text.len());
        }
    }
    let _ = start_of(text);
    for base in ["https://registry.example/v2/", "http://127.0.0.1:5000/v2/"] {
        let base = Url::parse(base).expect("is a URL");
        if let Ok(target) = location_from("upload", &base, Some(text)) {
            assert!(base.scheme() == "http" || target.scheme() == "https");
            let shown = shown(&target);
            assert!(!shown.contains('?'), "{shown}");
            let authority = shown.split('/').nth(2).unwrap_or_default();
            assert!(!authority.contains('@'), "{shown}");
        }
    }
}

/// Reads JSON as Docker's configuration.
pub fn docker_config(data: &[u8]) {
    if let Ok(config) = serde_json::from_slice(data) {
        let keys = [
            "registry.example".to_owned(),
            "https://index.docker.io/v1/".to_owned(),
        ];
        if let Some(credentials) = in_auths(&config, &keys) {
            let shown = format!("{credentials:?}");
            let secret = &credentials.secret;
            assert!(
                secret.len() < 12 || !shown.contains(secret),
                "a secret is shown"
            );
        }
    }
}

/// Reads text as the name of an image: what is taken is the same when it is written in its long form.
pub fn image_name(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(name) = text.parse::<ImageName>() {
        let long = format!("{}/{}:{}", name.host, name.repository, name.tag);
        let again: ImageName = long.parse().expect("a long name is a name");
        assert_eq!(
            (again.host, again.repository, again.tag),
            (name.host, name.repository, name.tag)
        );
    }
}
