//! Being let in: what a challenge asks for, kept until it is refused.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use reqwest::{Method, Url};
use serde_json::Value;

use crate::challenge::{self, Challenge};
use crate::credentials::Credentials;
use crate::error::RegistryError;
use crate::http::{Http, Payload, Request, check_step, read_answer, refusal};

/// Longest answer of a token service in bytes; real tokens have a few thousand.
const MAX_TOKEN_ANSWER: u64 = 1 << 20;

/// Gives requests to one registry their `Authorization`.
pub(crate) struct Authorizer {
    host: String,
    credentials: Option<Credentials>,
    /// What is going to be done, so that one token is good for all of it: `repository:a/b:pull,push`.
    scopes: Vec<String>,
    current: Mutex<Option<String>>,
}

impl fmt::Debug for Authorizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorizer")
            .field("host", &self.host)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

impl Authorizer {
    pub(crate) fn new(host: &str, credentials: Option<Credentials>, scopes: Vec<String>) -> Self {
        Self {
            host: host.to_owned(),
            credentials,
            scopes,
            current: Mutex::new(None),
        }
    }

    /// The value that was good last.
    pub(crate) fn current(&self) -> Option<String> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }

    /// Gets a new value after the registry refused `refused`; says whether there is one to try.
    pub(crate) fn renew<'a>(
        &self,
        http: &Http,
        registry: &Url,
        refused: Option<&str>,
        headers: impl Iterator<Item = &'a str>,
    ) -> Result<bool, RegistryError> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.as_deref() != refused {
            // Another thread was faster.
            return Ok(current.is_some());
        }
        let challenges = challenge::parse(headers);
        let bearer = challenges
            .iter()
            .find(|one| matches!(one, Challenge::Bearer { .. }));
        let new = match bearer.or(challenges.first()) {
            Some(Challenge::Bearer {
                realm,
                service,
                scopes,
            }) => {
                let realm = Url::parse(realm)
                    .map_err(|_| self.failed("its token service has no usable URL"))?;
                check_step(registry, &realm)?;
                Some(self.token(http, realm, service.as_deref(), scopes)?)
            }
            Some(Challenge::Basic) => match &self.credentials {
                Some(pair) if !pair.is_identity_token => Some(pair.basic()),
                _ => None,
            },
            None => return Err(self.failed("it does not say how")),
        };
        // The same name and password again would be refused again; a token may be good for more now.
        let is_hopeful = new.is_some() && (bearer.is_some() || new.as_deref() != refused);
        *current = new;
        Ok(is_hopeful)
    }

    fn failed(&self, reason: impl Into<String>) -> RegistryError {
        RegistryError::Login {
            host: self.host.clone(),
            reason: reason.into(),
        }
    }

    /// Asks a token service (distribution, "token" and "oauth" pages of its authentication documents).
    fn token(
        &self,
        http: &Http,
        mut realm: Url,
        service: Option<&str>,
        asked: &[String],
    ) -> Result<String, RegistryError> {
        let what = format!("log in to {}", self.host);
        let mut scopes = self.scopes.clone();
        scopes.extend(asked.iter().filter(|one| !self.covers(one)).cloned());
        let identity = self
            .credentials
            .as_ref()
            .filter(|one| one.is_identity_token);
        let response = if let Some(identity) = identity {
            let mut form = Url::parse("form:").map_err(|_| self.failed("no form"))?;
            form.query_pairs_mut()
                .append_pair("grant_type", "refresh_token")
                .append_pair("client_id", "transom")
                .append_pair("service", service.unwrap_or_default())
                .append_pair("scope", &scopes.join(" "))
                .append_pair("refresh_token", &identity.secret);
            let body = form.query().unwrap_or_default().as_bytes();
            let request = Request::new(&what, Method::POST, realm)
                .header("Content-Type", "application/x-www-form-urlencoded")
                .payload(Payload::Bytes(body));
            http.send(&request, &|_| None)?
        } else {
            {
                let mut query = realm.query_pairs_mut();
                if let Some(service) = service {
                    query.append_pair("service", service);
                }
                for scope in &scopes {
                    query.append_pair("scope", scope);
                }
            }
            let pair = self.credentials.as_ref().map(Credentials::basic);
            let request = Request::new(&what, Method::GET, realm.clone());
            // A token service that sends us elsewhere does not send the password along.
            http.send(&request, &|url| pair.clone().filter(|_| *url == realm))?
        };
        match response.status().as_u16() {
            200 => {}
            401 | 403 => {
                return Err(RegistryError::Denied {
                    what,
                    host: self.host.clone(),
                    said: crate::http::said(response),
                });
            }
            _ => return Err(refusal(&what, response)),
        }
        let bytes = read_answer(&what, response, MAX_TOKEN_ANSWER)?;
        let answer: Value = serde_json::from_slice(&bytes)
            .map_err(|_| self.failed("the answer of its token service is no JSON"))?;
        let token = ["token", "access_token"]
            .iter()
            .find_map(|key| answer.get(key)?.as_str().filter(|token| !token.is_empty()));
        match token {
            Some(token) if token.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Ok(format!("Bearer {token}"))
            }
            _ => Err(self.failed("its token service gives no usable token")),
        }
    }

    /// Says whether a scope is among ours, with at least its actions.
    fn covers(&self, asked: &str) -> bool {
        let split = |scope: &str| {
            let (resource, actions) = scope.rsplit_once(':')?;
            let actions: Vec<String> = actions.split(',').map(str::to_owned).collect();
            Some((resource.to_owned(), actions))
        };
        let Some((resource, actions)) = split(asked) else {
            return false;
        };
        let ours = self.scopes.iter().filter_map(|scope| split(scope));
        ours.filter(|(own, _)| *own == resource)
            .any(|(_, own)| actions.iter().all(|action| own.contains(action)))
    }
}
