//! A content store in memory behind the service that containerd offers, which keeps its rules and can misbehave.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use prost::bytes::Bytes;
use tokio_stream::{Iter, iter};
use tonic::{Request, Response, Status, Streaming};
use transom_containerd::proto::content::content_server::{Content, ContentServer};
use transom_containerd::proto::content::{
    AbortRequest, InfoRequest, InfoResponse, ReadContentRequest, ReadContentResponse,
    UpdateRequest, UpdateResponse, WriteAction, WriteContentRequest, WriteContentResponse,
};
use transom_containerd::proto::diff::{ApplyRequest, DiffRequest};
use transom_containerd::proto::leases::leases_server::{Leases, LeasesServer};
use transom_containerd::proto::leases::{CreateRequest, CreateResponse, Lease};
use transom_containerd::proto::types::{Descriptor, Mount};
use transom_layer::{BlobDigest, Digest};

use crate::support::{Bench, Labels};

/// What is in the store, by namespace and digest.
#[derive(Clone, Default)]
pub(crate) struct Contents(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    pieces: HashMap<(String, String), (Bytes, Labels)>,
    reads: usize,
    /// Bytes after which a read breaks.
    cut_at: Option<usize>,
}

impl Contents {
    pub(crate) fn add(&self, namespace: &str, bytes: &[u8]) -> String {
        let digest = BlobDigest(Digest::of(bytes)).to_string();
        let key = (namespace.to_owned(), digest.clone());
        let value = (Bytes::copy_from_slice(bytes), Labels::new());
        self.0.lock().unwrap().pieces.insert(key, value);
        digest
    }

    pub(crate) fn get(&self, namespace: &str, digest: &str) -> Option<(Bytes, Labels)> {
        let key = (namespace.to_owned(), digest.to_owned());
        self.0.lock().unwrap().pieces.get(&key).cloned()
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn reads(&self) -> usize {
        self.0.lock().unwrap().reads
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn cut_reads_at(&self, bytes: Option<usize>) {
        self.0.lock().unwrap().cut_at = bytes;
    }
}

pub(crate) struct FakeContent(Contents);

impl FakeContent {
    pub(crate) fn service(contents: Contents) -> ContentServer<Self> {
        ContentServer::new(Self(contents))
    }
}

fn namespace<T>(request: &Request<T>) -> Result<String, Status> {
    let value = request.metadata().get("containerd-namespace");
    let value = value.and_then(|value| value.to_str().ok());
    value
        .map(str::to_owned)
        .ok_or_else(|| Status::failed_precondition("namespace is required"))
}

#[tonic::async_trait]
impl Content for FakeContent {
    type ReadStream = Iter<std::vec::IntoIter<Result<ReadContentResponse, Status>>>;
    type WriteStream = Iter<std::vec::IntoIter<Result<WriteContentResponse, Status>>>;

    async fn info(&self, _: Request<InfoRequest>) -> Result<Response<InfoResponse>, Status> {
        Err(Status::unimplemented("not used"))
    }

    async fn update(
        &self,
        request: Request<UpdateRequest>,
    ) -> Result<Response<UpdateResponse>, Status> {
        let namespace = namespace(&request)?;
        let request = request.into_inner();
        let info = request.info.unwrap();
        let mut state = self.0.0.lock().unwrap();
        let (_, labels) = state
            .pieces
            .get_mut(&(namespace, info.digest.clone()))
            .ok_or_else(|| Status::not_found(info.digest.clone()))?;
        for path in request.update_mask.unwrap().paths {
            let name = path.strip_prefix("labels.").unwrap();
            labels.insert(name.to_owned(), info.labels[name].clone());
        }
        Ok(Response::new(UpdateResponse { info: None }))
    }

    async fn read(
        &self,
        request: Request<ReadContentRequest>,
    ) -> Result<Response<Self::ReadStream>, Status> {
        let namespace = namespace(&request)?;
        let digest = request.into_inner().digest;
        let (bytes, _) = self
            .0
            .get(&namespace, &digest)
            .ok_or_else(|| Status::not_found(format!("content {digest}: not found")))?;
        let mut state = self.0.0.lock().unwrap();
        state.reads += 1;
        let end = state.cut_at.unwrap_or(bytes.len()).min(bytes.len());
        let mut answers: Vec<_> = bytes[..end]
            .chunks(32 * 1024)
            .map(|data| {
                Ok(ReadContentResponse {
                    offset: 0,
                    data: Bytes::copy_from_slice(data),
                })
            })
            .collect();
        if end < bytes.len() {
            answers.push(Err(Status::unavailable("the connection broke")));
        }
        Ok(Response::new(iter(answers)))
    }

    async fn write(
        &self,
        request: Request<Streaming<WriteContentRequest>>,
    ) -> Result<Response<Self::WriteStream>, Status> {
        let namespace = namespace(&request)?;
        assert!(request.metadata().contains_key("containerd-lease"));
        let mut messages = request.into_inner();
        let mut written = Vec::new();
        while let Some(message) = messages.message().await? {
            assert_eq!(message.offset, written.len() as i64);
            assert!(!message.r#ref.is_empty());
            written.extend_from_slice(&message.data);
            if message.action() == WriteAction::Commit {
                assert_eq!(message.total, written.len() as i64);
                let digest = BlobDigest(Digest::of(&written)).to_string();
                assert_eq!(message.expected, digest);
                if self.0.get(&namespace, &digest).is_some() {
                    return Err(Status::already_exists(digest));
                }
                let value = (written.clone().into(), message.labels);
                let key = (namespace.clone(), digest);
                self.0.0.lock().unwrap().pieces.insert(key, value);
            }
        }
        Ok(Response::new(iter(Vec::new())))
    }

    async fn abort(&self, _: Request<AbortRequest>) -> Result<Response<()>, Status> {
        Ok(Response::new(()))
    }
}

/// Gives every lease that is asked for, and wants it to end.
pub(crate) struct FakeLeases;

impl FakeLeases {
    pub(crate) fn service() -> LeasesServer<Self> {
        LeasesServer::new(Self)
    }
}

#[tonic::async_trait]
impl Leases for FakeLeases {
    async fn create(
        &self,
        request: Request<CreateRequest>,
    ) -> Result<Response<CreateResponse>, Status> {
        namespace(&request)?;
        let request = request.into_inner();
        let end: prost_types::Timestamp =
            request.labels["containerd.io/gc.expire"].parse().unwrap();
        let end = std::time::SystemTime::try_from(end).unwrap();
        let left = end.duration_since(std::time::SystemTime::now()).unwrap();
        assert!((3500..3601).contains(&left.as_secs()));
        let lease = Some(Lease {
            id: request.id,
            created_at: None,
            labels: request.labels,
        });
        Ok(Response::new(CreateResponse { lease }))
    }
}

/// Puts a layer into the content store and has it applied.
pub(crate) fn apply(bench: &Bench, mounts: &[Mount], layer: &[u8]) -> Result<Descriptor, Status> {
    let digest = bench.contents.add("default", layer);
    apply_as(
        bench,
        mounts,
        "application/vnd.oci.image.layer.v1.tar",
        &digest,
        layer.len(),
    )
}

pub(crate) fn apply_as(
    bench: &Bench,
    mounts: &[Mount],
    media_type: &str,
    digest: &str,
    size: usize,
) -> Result<Descriptor, Status> {
    let request = ApplyRequest {
        diff: Some(Descriptor {
            media_type: media_type.to_owned(),
            digest: digest.to_owned(),
            size: size as i64,
            annotations: BTreeMap::new(),
        }),
        mounts: mounts.to_vec(),
        ..ApplyRequest::default()
    };
    let answer = bench.runtime.block_on(bench.differ().apply(request))?;
    Ok(answer.into_inner().applied.unwrap())
}

/// Has the difference of two snapshots made; returns it with its labels.
pub(crate) fn difference(
    bench: &Bench,
    left: &[Mount],
    right: &[Mount],
    media_type: &str,
) -> Result<(Descriptor, Bytes, Labels), Status> {
    let request = DiffRequest {
        left: left.to_vec(),
        right: right.to_vec(),
        media_type: media_type.to_owned(),
        labels: crate::support::labels(&[("wanted", "yes")]),
        ..DiffRequest::default()
    };
    let answer = bench.runtime.block_on(bench.differ().diff(request))?;
    let diff = answer.into_inner().diff.unwrap();
    let (bytes, labels) = bench.contents.get("default", &diff.digest).unwrap();
    assert_eq!(diff.size, bytes.len() as i64);
    Ok((diff, bytes, labels))
}
