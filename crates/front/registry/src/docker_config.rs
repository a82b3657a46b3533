//! What Docker's `config.json` knows of credentials: `auths`, `credHelpers`, `credsStore`, and the helper
//! programs (docker/docker-credential-helpers: `docker-credential-NAME get`, the server on stdin).

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::credentials::Credentials;
use crate::error::RegistryError;

/// Longest configuration, and longest answer of a helper, in bytes.
const MAX_LENGTH: u64 = 4 << 20;
/// The name a helper gives with a token.
const TOKEN_USER: &str = "<token>";

/// Finds the credentials for a registry; `None` if there are none.
///
/// # Errors
/// [`RegistryError::Credentials`] if the file cannot be read, or a helper fails.
pub(crate) fn credentials(
    folder: Option<&Path>,
    host: &str,
) -> Result<Option<Credentials>, RegistryError> {
    let Some(folder) = folder.map(Path::to_owned).or_else(default_folder) else {
        return Ok(None);
    };
    let path = folder.join("config.json");
    let Some(config) = read(&path)? else {
        return Ok(None);
    };
    let keys = keys(host);
    let helper = config
        .get("credHelpers")
        .and_then(|helpers| keys.iter().find_map(|key| helpers.get(key)?.as_str()))
        .or_else(|| config.get("credsStore")?.as_str())
        .filter(|helper| !helper.is_empty());
    if let Some(helper) = helper {
        for key in &keys {
            if let Some(found) = ask(helper, key)? {
                return Ok(Some(found));
            }
        }
    }
    Ok(in_auths(&config, &keys))
}

fn default_folder() -> Option<PathBuf> {
    let set = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let home = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
    set("DOCKER_CONFIG").or_else(|| set(home).map(|home| home.join(".docker")))
}

/// The names under which a registry may be listed; Docker Hub's is a URL of old.
fn keys(host: &str) -> Vec<String> {
    let names: &[&str] = match host {
        "docker.io" => &[
            "https://index.docker.io/v1/",
            "index.docker.io",
            "docker.io",
        ],
        host => &[host],
    };
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn read(path: &Path) -> Result<Option<Value>, RegistryError> {
    let failed = |reason: String| RegistryError::Credentials {
        place: path.display().to_string(),
        reason,
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error.to_string())),
    };
    let mut bytes = Vec::new();
    let read = file.take(MAX_LENGTH).read_to_end(&mut bytes);
    read.map_err(|error| failed(error.to_string()))?;
    // What the parser says could quote the file.
    let value = serde_json::from_slice(&bytes);
    value
        .map(Some)
        .map_err(|error| failed(format!("it is no JSON (line {})", error.line())))
}

pub(crate) fn in_auths(config: &Value, keys: &[String]) -> Option<Credentials> {
    let auths = config.get("auths")?.as_object()?;
    let wanted = |listed: &str| keys.iter().any(|key| bare(listed) == bare(key));
    let (_, entry) = auths.iter().find(|(listed, _)| wanted(listed))?;
    let text = |key| entry.get(key)?.as_str().filter(|text| !text.is_empty());
    let pair = text("auth")
        .and_then(Credentials::from_basic)
        .or_else(|| Some(Credentials::new(text("username")?, text("password")?)));
    match text("identitytoken") {
        Some(token) => Some(Credentials {
            username: pair.map(|pair| pair.username).unwrap_or_default(),
            secret: token.to_owned(),
            is_identity_token: true,
        }),
        None => pair,
    }
}

/// Takes the scheme and the path of Docker's own API off: `https://host/v1/` is `host`.
fn bare(listed: &str) -> &str {
    let listed = listed
        .strip_prefix("https://")
        .or_else(|| listed.strip_prefix("http://"))
        .unwrap_or(listed);
    let listed = listed.trim_end_matches('/');
    ["/v1", "/v2"]
        .iter()
        .find_map(|suffix| listed.strip_suffix(suffix))
        .unwrap_or(listed)
}

/// Asks a helper program; `None` if it knows nothing of the server.
fn ask(helper: &str, server: &str) -> Result<Option<Credentials>, RegistryError> {
    let program = format!("docker-credential-{helper}");
    let failed = |reason: String| RegistryError::Credentials {
        place: program.clone(),
        reason,
    };
    if helper.contains(['/', '\\']) {
        return Err(failed("a helper is a name, not a path".to_owned()));
    }
    let mut child = Command::new(&program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed(format!("it cannot be started: {error}")))?;
    if let Some(mut input) = child.stdin.take() {
        // A helper that does not read says with its exit what is wrong.
        let _ = input.write_all(server.as_bytes());
    }
    let mut output = Vec::new();
    let read = match child.stdout.take() {
        Some(stdout) => stdout.take(MAX_LENGTH).read_to_end(&mut output),
        None => Ok(0),
    };
    let status = child.wait();
    read.map_err(|error| failed(error.to_string()))?;
    let status = status.map_err(|error| failed(error.to_string()))?;
    if !status.success() {
        // What helpers say is a fixed text that holds no secret.
        let said = String::from_utf8_lossy(&output).trim().to_owned();
        if said.contains("credentials not found") {
            return Ok(None);
        }
        let said: String = said.chars().take(200).collect();
        return Err(failed(format!("it ends with {status}: {said:?}")));
    }
    let answer: Value =
        serde_json::from_slice(&output).map_err(|_| failed("its answer is no JSON".to_owned()))?;
    let text = |key| answer.get(key).and_then(Value::as_str).unwrap_or_default();
    if text("Secret").is_empty() {
        return Ok(None);
    }
    Ok(Some(Credentials {
        username: text("Username").to_owned(),
        secret: text("Secret").to_owned(),
        is_identity_token: text("Username") == TOKEN_USER,
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(config: &Value, host: &str) -> Option<Credentials> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
        credentials(Some(folder.path()), host).unwrap()
    }

    #[test]
    fn a_registry_is_found_however_it_is_listed() {
        let pair = Credentials::new("u", "p");
        let auth = pair.basic()["Basic ".len()..].to_owned();
        for (listed, host) in [
            ("h.example", "h.example"),
            ("https://h.example", "h.example"),
            ("https://h.example/v2/", "h.example"),
            ("localhost:5000", "localhost:5000"),
            ("https://index.docker.io/v1/", "docker.io"),
            ("docker.io", "docker.io"),
        ] {
            let config = json!({ "auths": { "other": {}, listed: { "auth": auth } } });
            assert_eq!(found(&config, host), Some(pair.clone()), "{listed}");
            assert_eq!(found(&config, "h.example.evil"), None);
        }
    }

    #[test]
    fn an_identity_token_wins_over_a_password() {
        let config = json!({ "auths": { "h": { "auth": "dTpw", "identitytoken": "t" } } });
        let found = found(&config, "h").unwrap();
        assert!(found.is_identity_token);
        assert_eq!(found.secret, "t");
    }

    #[test]
    fn no_file_and_no_entry_are_nobody() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(credentials(Some(folder.path()), "h").unwrap(), None);
        assert_eq!(found(&json!({}), "h"), None);
        assert_eq!(found(&json!({ "auths": { "h": {} } }), "h"), None);
    }

    #[test]
    fn a_broken_file_is_told_of_without_quoting_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.json"), "{\"secret").unwrap();
        let error = credentials(Some(folder.path()), "h").unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[test]
    fn a_helper_that_is_missing_or_a_path_is_told_of() {
        for helper in ["no-such-helper", "../../bin/sh"] {
            let error = ask(helper, "h").unwrap_err().to_string();
            assert!(error.contains(helper), "{error}");
        }
    }
}
