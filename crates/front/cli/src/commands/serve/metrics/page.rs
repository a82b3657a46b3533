//! The two pages: /metrics and /healthz.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use rustix::fs::Access;
use tokio::net::TcpListener;
use tokio::task::spawn_blocking;

use super::Metrics;

/// Prometheus' text format, as its documentation of exposition formats names it.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How long a store that is well may take to say so.
const PATIENCE: Duration = Duration::from_secs(5);

/// Listens at an address.
pub(in super::super) async fn listen(address: SocketAddr) -> Result<TcpListener> {
    let listener = TcpListener::bind(address).await;
    listener.with_context(|| format!("cannot serve metrics at {address}"))
}

/// Serves the pages until the process ends.
pub(in super::super) async fn serve(metrics: Arc<Metrics>, listener: TcpListener) {
    let pages = Router::new()
        .route("/metrics", get(show))
        .route("/healthz", get(health))
        .with_state(metrics);
    if let Err(error) = axum::serve(listener, pages).await {
        tracing::error!(%error, "metrics are not served any more");
    }
}

async fn show(State(metrics): State<Arc<Metrics>>) -> Response {
    match metrics.text().await {
        Ok(text) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn health(State(metrics): State<Arc<Metrics>>) -> Response {
    let checked = tokio::time::timeout(PATIENCE, spawn_blocking(move || check(&metrics))).await;
    let checked = match checked {
        Ok(Ok(checked)) => checked,
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(anyhow!(
            "the store did not answer within {} seconds",
            PATIENCE.as_secs()
        )),
    };
    match checked {
        Ok(()) => "ok\n".into_response(),
        Err(error) => {
            tracing::warn!(error = format!("{error:#}"), "not healthy");
            (StatusCode::SERVICE_UNAVAILABLE, format!("{error:#}\n")).into_response()
        }
    }
}

/// Says why the store cannot be used: its folder is gone or read-only, or its catalog cannot be read.
fn check(metrics: &Metrics) -> Result<()> {
    let root = &metrics.root;
    let usable = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
    rustix::fs::access(root, usable)
        .with_context(|| format!("cannot use the store's folder {}", root.display()))?;
    metrics.store.images()?;
    Ok(())
}
