//! What the server counts, and the page that shows it.

mod page;
mod sizes;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use prometheus_client::encoding::{EncodeLabelSet, prometheus_text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use tonic::Status;
use transom_sealed::Store;

pub(super) use self::page::{listen, serve};
use self::sizes::{Counted, Sizes};

/// Upper ends of the classes of durations, in seconds: a call of the catalog takes one, a large layer minutes.
const DURATIONS: [f64; 12] = [
    0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0,
];

/// Each service with its calls, as paths begin. Other paths are not told apart: anybody can think of more.
const SERVICES: [(&str, &str, &[&str]); 3] = [
    (
        "snapshots",
        "/containerd.services.snapshots.v1.Snapshots/",
        &[
            "Prepare", "View", "Mounts", "Commit", "Remove", "Stat", "Update", "List", "Usage",
            "Cleanup",
        ],
    ),
    (
        "diff",
        "/containerd.services.diff.v1.Diff/",
        &["Apply", "Diff"],
    ),
    ("graphdriver", "/GraphDriver.", transom_graphdriver::CALLS),
];

/// All that is counted.
#[derive(Debug)]
pub(super) struct Metrics {
    store: Arc<Store>,
    root: PathBuf,
    registry: Registry,
    requests: Family<Answered, Counter>,
    seconds: Family<Called, Histogram>,
    taken_in: Counter,
    layers: Gauge,
    images: Gauge,
    bytes: Family<Part, Gauge>,
    sizes: Sizes,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Called {
    service: &'static str,
    method: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    service: &'static str,
    method: &'static str,
    code: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Part {
    part: &'static str,
}

impl Metrics {
    /// Starts to count what a store's server does.
    pub(super) fn new(store: Store, root: PathBuf) -> Self {
        let store = Arc::new(store);
        let durations = || Histogram::new(DURATIONS);
        let mut metrics = Self {
            sizes: Sizes::new(Arc::clone(&store)),
            store,
            root,
            registry: Registry::with_prefix("transom"),
            requests: Family::default(),
            seconds: Family::new_with_constructor(durations),
            taken_in: Counter::default(),
            layers: Gauge::default(),
            images: Gauge::default(),
            bytes: Family::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The program", version);
        let requests = self.requests.clone();
        registry.register("requests", "Calls that were answered", requests);
        registry.register_with_unit(
            "request_duration",
            "Time from a call to its answer",
            Unit::Seconds,
            self.seconds.clone(),
        );
        registry.register_with_unit(
            "taken_in",
            "Tars of layers that clients sent, uncompressed",
            Unit::Bytes,
            self.taken_in.clone(),
        );
        registry.register("store_layers", "Sealed layers", self.layers.clone());
        registry.register("store_images", "Images", self.images.clone());
        registry.register_with_unit(
            "store_size",
            "What takes how much space, as df says",
            Unit::Bytes,
            self.bytes.clone(),
        );
    }

    fn note(&self, path: &str, response: &Response, elapsed: Duration) {
        let (service, method) = call_of(path);
        let code = code_of(response);
        let answered = Answered {
            service,
            method,
            code,
        };
        self.requests.get_or_create(&answered).inc();
        let called = Called { service, method };
        self.seconds
            .get_or_create(&called)
            .observe(elapsed.as_secs_f64());
        self.taken_in.inc_by(taken_in(response));
    }

    /// Writes all of it in Prometheus' text format.
    async fn text(&self) -> Result<String, std::fmt::Error> {
        if let Some(counted) = self.sizes.now().await {
            self.show(&counted);
        }
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry)?;
        Ok(text)
    }

    fn show(&self, counted: &Counted) {
        self.layers.set(counted.layers);
        self.images.set(counted.images);
        for (part, bytes) in counted.bytes {
            let bytes = bytes.try_into().unwrap_or(i64::MAX);
            self.bytes.get_or_create(&Part { part }).set(bytes);
        }
    }
}

/// Counts a call on its way to the service and back.
pub(super) async fn observe(
    State(metrics): State<Arc<Metrics>>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path().to_owned();
    let start = Instant::now();
    let response = next.run(request).await;
    metrics.note(&path, &response, start.elapsed());
    response
}

fn call_of(path: &str) -> (&'static str, &'static str) {
    for (service, prefix, methods) in SERVICES {
        if let Some(rest) = path.strip_prefix(prefix) {
            let known = methods.iter().find(|method| **method == rest);
            return (service, known.copied().unwrap_or("other"));
        }
    }
    ("other", "other")
}

/// gRPC's code, which an error has in the head of its answer; of Docker's calls, whether they did what they should.
fn code_of(response: &Response) -> String {
    let has_failed = response
        .extensions()
        .get::<transom_graphdriver::Failed>()
        .is_some();
    if has_failed || !response.status().is_success() {
        return "Failed".to_owned();
    }
    match Status::from_header_map(response.headers()) {
        Some(status) => format!("{:?}", status.code()),
        None => "Ok".to_owned(),
    }
}

fn taken_in(response: &Response) -> u64 {
    let parts = response.extensions();
    let by_containerd = parts.get::<transom_containerd::TakenIn>();
    let by_docker = parts.get::<transom_graphdriver::TakenIn>();
    by_containerd.map_or(0, |taken| taken.0) + by_docker.map_or(0, |taken| taken.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_calls_are_told_apart() {
        let snapshots = "/containerd.services.snapshots.v1.Snapshots/";
        let prepare = format!("{snapshots}Prepare");
        assert_eq!(call_of(&prepare), ("snapshots", "Prepare"));
        assert_eq!(call_of(&format!("{snapshots}X")), ("snapshots", "other"));
        assert_eq!(
            call_of("/GraphDriver.ApplyDiff"),
            ("graphdriver", "ApplyDiff")
        );
        assert_eq!(call_of("/GraphDriver.Get"), ("graphdriver", "Get"));
        assert_eq!(call_of("/x"), ("other", "other"));
    }
}
