//! What the fuzzer reaches of this crate.

use axum::http::Uri;
use transom_driver::{Id, size};

use crate::call::{Layer, Request};

/// Reads bytes as the body of a call and as the query of ApplyDiff: ids that are taken name no path.
pub fn call(data: &[u8]) {
    if let Ok(request) = Request::parse(data) {
        check(&request.id);
        check(&request.parent);
        let _ = size::from_options(request.storage_opt.unwrap_or_default());
        let maps = request.uid_maps.into_iter().chain(request.gid_maps);
        let _ = maps.flatten().filter(|map| map.is_identity()).count();
    }
    let uri = Uri::try_from([b"/GraphDriver.ApplyDiff?", data].concat());
    if let Some(layer) = uri.ok().and_then(|uri| Layer::parse(&uri).ok()) {
        check(&layer.id);
        check(&layer.parent);
    }
}

fn check(id: &str) {
    if let Ok(id) = Id::new(id) {
        let id = id.as_str();
        assert!(!id.is_empty() && id != "." && id != ".." && !id.contains(['/', '\\', '\0']));
    }
}
