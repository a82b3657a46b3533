//! HTTP: which path is which call, and what an answer looks like.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Extension, Router};
use serde_json::{Value, json};
use tokio::net::UnixListener;
use tokio::runtime::Handle;
use transom_driver::{Engine, Id};

use crate::call::{Call, Layer, Request};
use crate::error::CallError;
use crate::plugin::Plugin;
use crate::tar_body::{BegunDiff, TarBody};

/// In the extensions of an answer: the call failed, whatever its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed;

/// In the extensions of the answer to ApplyDiff: bytes of the layer's tar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakenIn(pub u64);

/// Bytes that the JSON of a request may have; Docker's have a few hundred.
const REQUEST_BYTES: usize = 1024 * 1024;

/// What this plugin is. Docker asks for this version of the protocol.
const CONTENT_TYPE: &str = "application/vnd.docker.plugins.v1.2+json";

/// Serves a plugin's [`routes`] on a socket until `stop` is ready and the calls that had come by then are answered.
///
/// # Errors
/// The socket cannot be served.
pub async fn serve(
    routes: Router,
    listener: UnixListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    axum::serve(listener, routes)
        .with_graceful_shutdown(stop)
        .await
}

/// Makes the calls of a plugin as paths. Answers carry [`Failed`] and [`TakenIn`] as extensions, for whoever counts.
pub fn routes<E: Engine>(plugin: Arc<Plugin<E>>) -> Router {
    let mut router = Router::new()
        .route("/Plugin.Activate", post(activate))
        .route("/GraphDriver.Diff", post(diff::<E>))
        .route("/GraphDriver.ApplyDiff", post(apply_diff::<E>));
    for call in Call::ALL {
        let handler = move |State(plugin), body| json_call::<E>(plugin, call, body);
        router = router.route(&call.path(), post(handler));
    }
    router
        .method_not_allowed_fallback(|uri: Uri| async move {
            failure(&CallError::NotPosted(uri.path().to_owned()))
        })
        .fallback(|uri: Uri| async move { failure(&CallError::NoCall(uri.path().to_owned())) })
        .with_state(plugin)
}

/// The hand-shake.
async fn activate() -> Response {
    success(&json!({ "Implements": ["GraphDriver"] }))
}

async fn json_call<E: Engine>(plugin: Arc<Plugin<E>>, call: Call, body: Body) -> Response {
    let start = Instant::now();
    let request = match read_request(body).await {
        Ok(request) => request,
        Err(error) => return failed(&call.path(), "", start, &error),
    };
    let id = request.id.clone();
    match blocking(move || plugin.answer(call, &request)).await {
        Ok(answer) => {
            told(&call.path(), &id, start);
            success(&answer)
        }
        Err(error) => failed(&call.path(), &id, start, &error),
    }
}

async fn diff<E: Engine>(State(plugin): State<Arc<Plugin<E>>>, body: Body) -> Response {
    const PATH: &str = "/GraphDriver.Diff";
    let start = Instant::now();
    let request = match read_request(body).await {
        Ok(request) => request,
        Err(error) => return failed(PATH, "", start, &error),
    };
    let layer = request.id.clone();
    let begin = move || {
        let id = Id::new(&request.id)?;
        let diff = plugin.diff(&id)?;
        BegunDiff::begin(diff).map_err(|source| CallError::Diff { id, source })
    };
    match blocking(begin).await {
        Ok(diff) => {
            told(PATH, &layer, start);
            let kind = [(header::CONTENT_TYPE, "application/x-tar")];
            (kind, Body::from_stream(diff.into_stream())).into_response()
        }
        // With status 200 the message would be taken for the tar.
        Err(error) => match failed(PATH, &layer, start, &error) {
            response if response.status() == StatusCode::OK => {
                (StatusCode::INTERNAL_SERVER_ERROR, response).into_response()
            }
            response => response,
        },
    }
}

async fn apply_diff<E: Engine>(
    State(plugin): State<Arc<Plugin<E>>>,
    uri: Uri,
    body: Body,
) -> Response {
    const PATH: &str = "/GraphDriver.ApplyDiff";
    let start = Instant::now();
    let layer = match Layer::parse(&uri) {
        Ok(layer) => layer,
        Err(error) => return failed(PATH, "", start, &error),
    };
    let id = layer.id.clone();
    let runtime = Handle::current();
    let apply = move || {
        let mut tar = TarBody::new(body, runtime);
        let applied = plugin.apply_diff(&layer, &mut tar);
        if applied.is_err() {
            // A client that still writes would be told that the connection broke, and not why.
            let _ = io::copy(&mut tar, &mut io::sink());
        }
        applied
    };
    match blocking(apply).await {
        Ok(bytes) => {
            told(PATH, &id, start);
            let answer = success(&json!({ "Size": bytes }));
            (Extension(TakenIn(bytes)), answer).into_response()
        }
        Err(error) => failed(PATH, &id, start, &error),
    }
}

async fn read_request(body: Body) -> Result<Request, CallError> {
    let body = axum::body::to_bytes(body, REQUEST_BYTES).await;
    let body = body.map_err(|error| {
        let is_limit = std::error::Error::source(&error)
            .is_some_and(|source| source.is::<http_body_util::LengthLimitError>());
        match is_limit {
            true => CallError::TooLarge {
                limit: REQUEST_BYTES,
            },
            false => CallError::Body(error),
        }
    })?;
    Request::parse(&body)
}

/// Runs a call where it may block. It runs to its end even if the client goes.
async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, CallError> + Send + 'static,
) -> Result<T, CallError> {
    let done = tokio::task::spawn_blocking(call).await;
    done.unwrap_or(Err(CallError::Panicked))
}

fn success(answer: &Value) -> Response {
    response(StatusCode::OK, answer)
}

fn failure(error: &CallError) -> Response {
    let answer = response(error.status(), &json!({ "Err": error.to_string() }));
    (Extension(Failed), answer).into_response()
}

fn response(status: StatusCode, answer: &Value) -> Response {
    let body = format!("{answer}\n");
    (status, [(header::CONTENT_TYPE, CONTENT_TYPE)], body).into_response()
}

fn told(method: &str, key: &str, start: Instant) {
    let milliseconds = milliseconds_since(start);
    tracing::debug!(method, key, milliseconds, "done");
}

fn failed(method: &str, key: &str, start: Instant, error: &CallError) -> Response {
    let milliseconds = milliseconds_since(start);
    match error.is_the_callers() {
        true => tracing::debug!(method, key, milliseconds, %error, "refused"),
        false => tracing::warn!(method, key, milliseconds, %error, "failed"),
    }
    failure(error)
}

fn milliseconds_since(start: Instant) -> u64 {
    start.elapsed().as_millis().try_into().unwrap_or(u64::MAX)
}
