//! What Docker may ask, and how it writes it.

use std::collections::BTreeMap;

use axum::extract::Query;
use axum::http::Uri;
use serde::Deserialize;

use crate::error::CallError;

/// A call whose request and answer are JSON. The three others are `Plugin.Activate`, `Diff` and `ApplyDiff`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// The first call, with what the daemon was told on its command line.
    Init,
    /// What this driver can do.
    Capabilities,
    /// Make a read-only layer.
    Create,
    /// Make a writable layer.
    CreateReadWrite,
    /// Remove a layer.
    Remove,
    /// Mount a layer.
    Get,
    /// Give a mount back.
    Put,
    /// Ask whether there is a layer.
    Exists,
    /// What `docker info` shows.
    Status,
    /// What `docker inspect` shows of a layer.
    GetMetadata,
    /// The daemon ends.
    Cleanup,
    /// List what a layer changes in its parent.
    Changes,
    /// Tell how large a layer's changes are.
    DiffSize,
}

/// Names of the calls of a graph driver, as metrics may tell them apart: those of [`Call`], and those with tars.
pub const CALLS: &[&str] = &[
    "Init",
    "Capabilities",
    "Create",
    "CreateReadWrite",
    "Remove",
    "Get",
    "Put",
    "Exists",
    "Status",
    "GetMetadata",
    "Cleanup",
    "Changes",
    "DiffSize",
    "Diff",
    "ApplyDiff",
];

impl Call {
    /// All of them.
    pub(crate) const ALL: [Self; 13] = [
        Self::Init,
        Self::Capabilities,
        Self::Create,
        Self::CreateReadWrite,
        Self::Remove,
        Self::Get,
        Self::Put,
        Self::Exists,
        Self::Status,
        Self::GetMetadata,
        Self::Cleanup,
        Self::Changes,
        Self::DiffSize,
    ];

    /// The path to which it is posted: its own name with a prefix.
    pub(crate) fn path(self) -> String {
        format!("/GraphDriver.{self:?}")
    }
}

/// Members of all requests. Docker leaves out what is empty; others (`MountLabel`, `Home`) mean nothing here.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Request {
    /// The layer.
    #[serde(rename = "ID")]
    pub(crate) id: String,
    /// Its parent; empty for a base.
    pub(crate) parent: String,
    /// `--storage-opt` of a container.
    pub(crate) storage_opt: Option<BTreeMap<String, String>>,
    /// `--storage-opt` of the daemon.
    pub(crate) opts: Option<Vec<String>>,
    /// Users of containers and those of the host that they are to be.
    #[serde(rename = "UIDMaps")]
    pub(crate) uid_maps: Option<Vec<IdMap>>,
    /// The same for groups.
    #[serde(rename = "GIDMaps")]
    pub(crate) gid_maps: Option<Vec<IdMap>>,
}

impl Request {
    /// Reads the body of a request.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, CallError> {
        Ok(serde_json::from_slice(body)?)
    }
}

/// A range of users or groups.
#[derive(Debug, Deserialize)]
pub(crate) struct IdMap {
    container_id: i64,
    host_id: i64,
}

impl IdMap {
    /// Says whether users are the same outside of containers.
    pub(crate) fn is_identity(&self) -> bool {
        self.container_id == self.host_id
    }
}

/// The layer whose tar comes, from the query of `ApplyDiff`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Layer {
    pub(crate) id: String,
    pub(crate) parent: String,
}

impl Layer {
    /// Reads the query of a request.
    pub(crate) fn parse(uri: &Uri) -> Result<Self, CallError> {
        let query = Query::try_from_uri(uri);
        let Query(layer) = query.map_err(|error| CallError::Query(error.to_string()))?;
        Ok(layer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_is_listed_by_name() {
        let names = Call::ALL.map(|call| format!("{call:?}"));
        assert_eq!(names, CALLS[..Call::ALL.len()]);
    }
}
