//! A server over a store in a temporary folder, and its client.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use tokio::runtime::Runtime;
use tonic::service::Routes;
use tonic::transport::{Channel, Server};
use tonic::{Code, Status};
use transom_containerd::proto::diff::diff_client::DiffClient;
use transom_containerd::proto::snapshots::snapshots_client::SnapshotsClient;
use transom_containerd::proto::snapshots::{
    CommitSnapshotRequest, Info, ListSnapshotsRequest, MountsRequest, PrepareSnapshotRequest,
    RemoveSnapshotRequest, StatSnapshotRequest, UsageRequest, UsageResponse, ViewSnapshotRequest,
};
use transom_containerd::proto::types::Mount;
use transom_sealed::Store;

use crate::content::{Contents, FakeContent, FakeLeases};

pub(crate) type Labels = BTreeMap<String, String>;

pub(crate) fn labels(pairs: &[(&str, &str)]) -> Labels {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// The folder of a store, and of what it is used with. It goes at the end.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

/// A running server with a client.
pub(crate) struct Bench {
    pub(crate) runtime: Runtime,
    pub(crate) contents: Contents,
    pub(crate) store: Arc<Store>,
    pub(crate) folder: Home,
    channel: Channel,
}

impl Bench {
    #[cfg(target_os = "linux")]
    /// Serves a new store. `routes` makes its services; it is told where containerd listens.
    pub(crate) fn serve(routes: impl FnOnce(&Path, Arc<Store>, PathBuf) -> Routes) -> Self {
        Self::serve_in(Home::new(), routes)
    }

    /// Serves the store in a folder.
    pub(crate) fn serve_in(
        folder: Home,
        routes: impl FnOnce(&Path, Arc<Store>, PathBuf) -> Routes,
    ) -> Self {
        let runtime = Runtime::new().unwrap();
        let contents = Contents::default();
        let store = Arc::new(Store::open(&folder.path().join("store")).unwrap());
        let containerd = transport::address(folder.path(), "containerd");
        let ours = transport::address(folder.path(), "transom");
        let services = routes(folder.path(), Arc::clone(&store), containerd.clone());
        let content = contents.clone();
        let channel = runtime.block_on(async {
            let clients = transport::listen(&ours);
            let serve = Server::builder()
                .add_routes(services)
                .serve_with_incoming(clients);
            tokio::spawn(serve);
            let clients = transport::listen(&containerd);
            let serve = Server::builder()
                .add_service(FakeContent::service(content))
                .add_service(FakeLeases::service())
                .serve_with_incoming(clients);
            tokio::spawn(serve);
            transport::connect(&ours).await
        });
        Self {
            runtime,
            contents,
            store,
            folder,
            channel,
        }
    }

    /// Ends as a killed process does; what is left is in the folder.
    pub(crate) fn kill(self) -> Home {
        self.runtime
            .shutdown_timeout(std::time::Duration::from_secs(10));
        self.folder
    }

    /// Nothing is left behind: no mount of the store, no file of a snapshot, no layer.
    pub(crate) fn is_empty(&self) {
        assert_eq!(self.list(&[]).unwrap(), []);
        let root = self.folder.path().join("store");
        #[cfg(target_os = "linux")]
        {
            let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
            assert!(!table.contains(root.to_str().unwrap()), "{table}");
        }
        for folder in ["layers", "writable", "mounts", "trash", "staging"] {
            let left: Vec<_> = fs::read_dir(root.join(folder))
                .into_iter()
                .flatten()
                .collect();
            assert!(left.is_empty(), "{folder}: {left:?}");
        }
    }

    fn snapshots(&self) -> SnapshotsClient<Channel> {
        SnapshotsClient::new(self.channel.clone())
    }

    pub(crate) fn differ(&self) -> DiffClient<Channel> {
        DiffClient::new(self.channel.clone())
    }

    pub(crate) fn try_prepare(
        &self,
        key: &str,
        parent: &str,
        labels: Labels,
    ) -> Result<Vec<Mount>, Status> {
        let request = PrepareSnapshotRequest {
            snapshotter: String::new(),
            key: key.to_owned(),
            parent: parent.to_owned(),
            labels,
        };
        let answer = self.runtime.block_on(self.snapshots().prepare(request))?;
        Ok(answer.into_inner().mounts)
    }

    pub(crate) fn prepare(&self, key: &str, parent: &str) -> Vec<Mount> {
        self.try_prepare(key, parent, Labels::new()).unwrap()
    }

    pub(crate) fn try_view(&self, key: &str, parent: &str) -> Result<Vec<Mount>, Status> {
        let request = ViewSnapshotRequest {
            snapshotter: String::new(),
            key: key.to_owned(),
            parent: parent.to_owned(),
            labels: Labels::new(),
        };
        let answer = self.runtime.block_on(self.snapshots().view(request))?;
        Ok(answer.into_inner().mounts)
    }

    pub(crate) fn view(&self, key: &str, parent: &str) -> Vec<Mount> {
        self.try_view(key, parent).unwrap()
    }

    pub(crate) fn mounts(&self, key: &str) -> Result<Vec<Mount>, Status> {
        let request = MountsRequest {
            snapshotter: String::new(),
            key: key.to_owned(),
        };
        let answer = self.runtime.block_on(self.snapshots().mounts(request))?;
        Ok(answer.into_inner().mounts)
    }

    pub(crate) fn try_commit(&self, request: CommitSnapshotRequest) -> Result<(), Status> {
        self.runtime.block_on(self.snapshots().commit(request))?;
        Ok(())
    }

    pub(crate) fn commit(&self, name: &str, key: &str) -> Result<(), Status> {
        self.try_commit(CommitSnapshotRequest {
            name: name.to_owned(),
            key: key.to_owned(),
            ..CommitSnapshotRequest::default()
        })
    }

    pub(crate) fn remove(&self, key: &str) -> Result<(), Status> {
        let request = RemoveSnapshotRequest {
            snapshotter: String::new(),
            key: key.to_owned(),
        };
        self.runtime.block_on(self.snapshots().remove(request))?;
        Ok(())
    }

    pub(crate) fn stat(&self, key: &str) -> Result<Info, Status> {
        let request = StatSnapshotRequest {
            snapshotter: String::new(),
            key: key.to_owned(),
        };
        let answer = self.runtime.block_on(self.snapshots().stat(request))?;
        Ok(answer.into_inner().info.unwrap())
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn update(&self, info: Info, paths: &[&str]) -> Result<Info, Status> {
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        let request = transom_containerd::proto::snapshots::UpdateSnapshotRequest {
            snapshotter: String::new(),
            info: Some(info),
            update_mask: Some(prost_types::FieldMask { paths }),
        };
        let answer = self.runtime.block_on(self.snapshots().update(request))?;
        Ok(answer.into_inner().info.unwrap())
    }

    pub(crate) fn list(&self, filters: &[&str]) -> Result<Vec<Info>, Status> {
        let request = ListSnapshotsRequest {
            snapshotter: String::new(),
            filters: filters.iter().map(|filter| (*filter).to_owned()).collect(),
        };
        self.runtime.block_on(async {
            let mut answers = self.snapshots().list(request).await?.into_inner();
            let mut infos = Vec::new();
            while let Some(answer) = answers.message().await? {
                infos.extend(answer.info);
            }
            Ok(infos)
        })
    }

    pub(crate) fn usage(&self, key: &str) -> Result<UsageResponse, Status> {
        let request = UsageRequest {
            snapshotter: String::new(),
            key: key.to_owned(),
        };
        let answer = self.runtime.block_on(self.snapshots().usage(request))?;
        Ok(answer.into_inner())
    }
}

pub(crate) fn code<T: std::fmt::Debug>(result: Result<T, Status>) -> Code {
    result.unwrap_err().code()
}

/// Sockets.
#[cfg(unix)]
mod transport {
    use std::path::{Path, PathBuf};

    use tokio::net::UnixListener;
    use tokio_stream::wrappers::UnixListenerStream;
    use tonic::transport::{Channel, Endpoint};

    pub(super) fn address(folder: &Path, name: &str) -> PathBuf {
        folder.join(name).with_extension("sock")
    }

    pub(super) fn listen(address: &Path) -> UnixListenerStream {
        let _ = std::fs::remove_file(address);
        UnixListenerStream::new(UnixListener::bind(address).unwrap())
    }

    pub(super) async fn connect(address: &Path) -> Channel {
        let address = format!("unix://{}", address.display());
        let endpoint = Endpoint::from_shared(address).unwrap();
        endpoint.connect().await.unwrap()
    }
}

/// Named pipes.
#[cfg(windows)]
mod transport {
    use std::io;
    use std::path::{Path, PathBuf};

    use hyper_util::rt::TokioIo;
    use tokio::net::windows::named_pipe::ClientOptions;
    use tokio_stream::wrappers::ReceiverStream;
    use tonic::transport::{Channel, Endpoint};
    use transom_containerd::{PipeClient, clients_of};
    use transom_windows::PipeListener;

    pub(super) fn address(folder: &Path, name: &str) -> PathBuf {
        let folder = folder.file_name().unwrap().to_str().unwrap();
        format!(r"\\.\pipe\transom-test-{folder}-{name}").into()
    }

    pub(super) fn listen(address: &Path) -> ReceiverStream<io::Result<PipeClient>> {
        clients_of(PipeListener::listen(address).unwrap())
    }

    pub(super) async fn connect(address: &Path) -> Channel {
        let address = address.to_owned();
        let connector = tower::service_fn(move |_| {
            let client = ClientOptions::new().open(&address);
            async { client.map(TokioIo::new) }
        });
        let endpoint = Endpoint::from_static("http://pipe");
        endpoint.connect_with_connector(connector).await.unwrap()
    }
}
