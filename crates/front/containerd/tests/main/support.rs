//! A server over a store in a temporary folder, its client, and mounts of what it gives out.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use tokio::net::UnixListener;
use tokio::runtime::Runtime;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Status};
use transom_containerd::proto::diff::diff_client::DiffClient;
use transom_containerd::proto::snapshots::snapshots_client::SnapshotsClient;
use transom_containerd::proto::snapshots::{
    CommitSnapshotRequest, Info, ListSnapshotsRequest, MountsRequest, PrepareSnapshotRequest,
    RemoveSnapshotRequest, StatSnapshotRequest, UpdateSnapshotRequest, UsageRequest, UsageResponse,
    ViewSnapshotRequest,
};
use transom_containerd::proto::types::Mount;
use transom_containerd::{MountKind, Options, routes};
use transom_sealed::Store;

use crate::content::{Contents, FakeContent, FakeLeases};

pub(crate) type Labels = BTreeMap<String, String>;

/// Says why a test does nothing where it cannot mount.
#[expect(clippy::print_stdout, reason = "whoever runs the tests shall see it")]
pub(crate) fn can_mount() -> bool {
    let can = rustix::process::geteuid().is_root();
    if !can {
        println!("skipped: needs root");
    }
    can
}

pub(crate) fn labels(pairs: &[(&str, &str)]) -> Labels {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// A running server with a client.
pub(crate) struct Bench {
    pub(crate) runtime: Runtime,
    pub(crate) contents: Contents,
    pub(crate) store: Arc<Store>,
    folder: TempDir,
    channel: Channel,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Options)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let contents = Contents::default();
        let store = Arc::new(Store::open(&folder.path().join("store")).unwrap());
        let containerd = folder.path().join("containerd.sock");
        let mut options = Options {
            containerd: containerd.clone(),
            mounts: MountKind::Bind,
            unpack_by_mount: false,
        };
        change(&mut options);
        let socket = folder.path().join("transom.sock");
        let services = routes(Arc::clone(&store), options);
        let channel = runtime.block_on(async {
            let ours = UnixListenerStream::new(UnixListener::bind(&socket).unwrap());
            let serve = Server::builder()
                .add_routes(services)
                .serve_with_incoming(ours);
            tokio::spawn(serve);
            let theirs = UnixListenerStream::new(UnixListener::bind(&containerd).unwrap());
            let serve = Server::builder()
                .add_service(FakeContent::service(contents.clone()))
                .add_service(FakeLeases::service())
                .serve_with_incoming(theirs);
            tokio::spawn(serve);
            let endpoint = Endpoint::from_shared(format!("unix://{}", socket.display())).unwrap();
            endpoint.connect().await.unwrap()
        });
        Self {
            runtime,
            contents,
            store,
            folder,
            channel,
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

    pub(crate) fn update(&self, info: Info, paths: &[&str]) -> Result<Info, Status> {
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        let request = UpdateSnapshotRequest {
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

    /// Mounts what a client was given, as it would.
    pub(crate) fn mount(&self, mounts: &[Mount]) -> Mounted {
        Mounted::new(mounts)
    }

    /// Prepares a snapshot, changes it through a mount, commits it.
    pub(crate) fn commit_with(&self, name: &str, parent: &str, change: impl FnOnce(&Path)) {
        let key = format!("{name}-active");
        let mounted = self.mount(&self.prepare(&key, parent));
        change(mounted.path());
        drop(mounted);
        self.commit(name, &key).unwrap();
    }

    /// Looks at a committed snapshot through a view.
    pub(crate) fn look_at(&self, name: &str, look: impl FnOnce(&Path)) {
        let key = format!("{name}-view");
        let mounted = self.mount(&self.view(&key, name));
        look(mounted.path());
        drop(mounted);
        self.remove(&key).unwrap();
    }

    /// Nothing is left behind: no mount of the store, no file of a snapshot, no layer.
    pub(crate) fn is_empty(&self) {
        assert_eq!(self.list(&[]).unwrap(), []);
        let root = self.folder.path().join("store");
        let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
        assert!(!table.contains(root.to_str().unwrap()), "{table}");
        for folder in ["layers", "writable", "mounts", "trash", "staging"] {
            let left: Vec<_> = fs::read_dir(root.join(folder)).unwrap().collect();
            assert!(left.is_empty(), "{folder}: {left:?}");
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // A test that failed has left mounts.
        let root = self.folder.path().to_str().unwrap().to_owned();
        let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let points = table.lines().filter_map(|line| line.split(' ').nth(4));
        for point in points.filter(|point| point.starts_with(&root)) {
            let _ = rustix::mount::unmount(point, rustix::mount::UnmountFlags::DETACH);
        }
    }
}

/// A mount in a temporary folder.
pub(crate) struct Mounted {
    folder: TempDir,
}

impl Mounted {
    fn new(mounts: &[Mount]) -> Self {
        let [mount] = mounts else {
            panic!("one mount is enough: {mounts:?}");
        };
        assert_eq!(mount.r#type, "bind");
        let folder = tempfile::tempdir().unwrap();
        rustix::mount::mount_bind_recursive(mount.source.as_str(), folder.path()).unwrap();
        if mount.options.iter().any(|option| option == "ro") {
            let flags = rustix::mount::MountFlags::BIND | rustix::mount::MountFlags::RDONLY;
            rustix::mount::mount_remount(folder.path(), flags, "").unwrap();
        }
        Self { folder }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let flags = rustix::mount::UnmountFlags::empty();
        rustix::mount::unmount(self.folder.path(), flags).unwrap();
    }
}

/// What a file tree holds: for each path the kind, the mode and the content.
pub(crate) fn tree_of(root: &Path) -> BTreeMap<PathBuf, String> {
    use std::os::unix::fs::PermissionsExt as _;

    let mut tree = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            let mode = metadata.permissions().mode() & 0o7777;
            let what = if metadata.is_dir() {
                folders.push(path.clone());
                format!("folder {mode:o}")
            } else if metadata.is_symlink() {
                format!("link to {}", fs::read_link(&path).unwrap().display())
            } else {
                let content = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
                format!("file {mode:o} {content}")
            };
            tree.insert(path.strip_prefix(root).unwrap().to_owned(), what);
        }
    }
    tree
}

pub(crate) fn write(root: &Path, path: &str, content: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

pub(crate) fn read(root: &Path, path: &str) -> String {
    fs::read_to_string(root.join(path)).unwrap()
}

pub(crate) fn code<T: std::fmt::Debug>(result: Result<T, Status>) -> Code {
    result.unwrap_err().code()
}
