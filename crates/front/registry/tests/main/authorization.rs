//! Who is let in, and who is told the password.

use serde_json::json;
use transom_oci::NoProgress;
use transom_registry::{Credentials, pull};

use crate::server::{Answer, Request, Server};
use crate::support::{Home, Image, told};

/// `user:secret` in base64.
const BASIC: &str = "Basic dXNlcjpzZWNyZXQ=";

fn wants_basic(request: &Request) -> Option<Answer> {
    let refusal = Answer::new(401, "").header("WWW-Authenticate", "Basic realm=\"x\"");
    (request.header("authorization") != Some(BASIC)).then_some(refusal)
}

#[test]
fn the_password_is_dockers_and_goes_out_when_it_is_asked_for() {
    let server = Server::start(&Image::sample(), wants_basic);
    let home = Home::new();
    let auth = BASIC.strip_prefix("Basic ").unwrap();
    home.write_docker_config(&json!({ "auths": { &server.address: { "auth": auth } } }));
    home.pull(&server).unwrap();
    assert_eq!(server.requests()[0].header("authorization"), None);
}

#[test]
fn a_password_that_is_wrong_is_tried_once_and_not_shown() {
    let server = Server::start(&Image::sample(), wants_basic);
    let home = Home::new();
    let mut options = home.options();
    options.registry.credentials = Some(Credentials::new("user", "wrong-secret"));
    let error = pull(&home.store, &server.name(), &options, &NoProgress).unwrap_err();
    let error = told(&error);
    assert!(
        error.contains("denies access") && error.contains("docker login"),
        "{error}"
    );
    assert!(!error.contains("secret"), "{error}");
    assert_eq!(server.requests().len(), 2);
    home.assert_empty();
}

#[test]
fn a_redirect_to_another_server_takes_no_password_along() {
    let image = Image::sample();
    let other = Server::start(&image, |_| None);
    let elsewhere = other.address.clone();
    let server = Server::start(&image, move |request| {
        wants_basic(request).or_else(|| {
            let location = format!("http://{elsewhere}{}", request.target);
            let redirect = Answer::new(307, "").header("Location", location);
            request.target.contains("/blobs/").then_some(redirect)
        })
    });
    let home = Home::new();
    let mut options = home.options();
    options.registry.credentials = Some(Credentials::new("user", "secret"));
    pull(&home.store, &server.name(), &options, &NoProgress).unwrap();
    let requests = other.requests();
    // Three layers and a config.
    assert_eq!(requests.len(), 4);
    assert!(
        requests
            .iter()
            .all(|request| request.header("authorization").is_none())
    );
}

/// Lets in who has the token, and gives it out.
fn wants_token(request: &Request) -> Option<Answer> {
    if request.target.starts_with("/token") {
        return Some(Answer::new(200, r#"{"token":"T"}"#));
    }
    let host = request.header("host").unwrap();
    let challenge =
        format!("Bearer realm=\"http://{host}/token\",service=\"s\",scope=\"repository:a/b:pull\"");
    let refusal = Answer::new(401, "").header("WWW-Authenticate", challenge);
    (request.header("authorization") != Some("Bearer T")).then_some(refusal)
}

#[test]
fn one_token_is_good_for_the_whole_pull() {
    let server = Server::start(&Image::sample(), wants_token);
    Home::new().pull(&server).unwrap();
    let asked: Vec<Request> = server.requests();
    let asked: Vec<&Request> = asked
        .iter()
        .filter(|one| one.target.starts_with("/token"))
        .collect();
    assert_eq!(asked.len(), 1);
    assert_eq!(
        asked[0].target,
        "/token?service=s&scope=repository%3Aa%2Fb%3Apull"
    );
    assert_eq!(asked[0].header("authorization"), None);
}

#[test]
fn the_token_service_is_told_the_password() {
    let server = Server::start(&Image::sample(), wants_token);
    let home = Home::new();
    let mut options = home.options();
    options.registry.credentials = Some(Credentials::new("user", "secret"));
    pull(&home.store, &server.name(), &options, &NoProgress).unwrap();
    for request in server.requests() {
        let is_service = request.target.starts_with("/token");
        assert_eq!(request.header("authorization") == Some(BASIC), is_service);
    }
}

#[test]
fn an_identity_token_is_exchanged() {
    let server = Server::start(&Image::sample(), wants_token);
    let home = Home::new();
    home.write_docker_config(
        &json!({ "auths": { &server.address: { "identitytoken": "long lived" } } }),
    );
    home.pull(&server).unwrap();
    let asked = server.requests_for("/token");
    assert_eq!(asked[0].method, "POST");
    let form = String::from_utf8(asked[0].body.clone()).unwrap();
    assert!(form.contains("grant_type=refresh_token"), "{form}");
    assert!(form.contains("refresh_token=long+lived"), "{form}");
}

#[test]
fn a_token_that_runs_out_is_renewed() {
    let image = Image::sample();
    let layer = image.layers()[0].clone();
    let server = Server::start(&image, move |request| {
        wants_token(request).or_else(|| {
            let host = request.header("host").unwrap();
            let challenge = format!("Bearer realm=\"http://{host}/token\"");
            let expired = Answer::new(401, "").header("WWW-Authenticate", challenge);
            (request.target.ends_with(&layer) && request.earlier == 0).then_some(expired)
        })
    });
    Home::new().pull(&server).unwrap();
}

#[test]
fn a_registry_that_is_never_content_is_given_up() {
    for challenge in [
        "Bearer realm=\"http://HOST/token\"",
        "Basic",
        "Digest x=\"y\"",
        "Bearer realm=\"nowhere\"",
    ] {
        let server = Server::start(&Image::sample(), move |request| {
            if request.target.starts_with("/token") {
                return Some(Answer::new(200, r#"{"token":"T"}"#));
            }
            let challenge = challenge.replace("HOST", request.header("host").unwrap());
            Some(Answer::new(401, "").header("WWW-Authenticate", challenge))
        });
        let home = Home::new();
        home.pull(&server).unwrap_err();
        assert!(server.requests().len() <= 3, "{challenge}");
        home.assert_empty();
    }
}
