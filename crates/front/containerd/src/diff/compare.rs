//! From two snapshots into the content store: what differs, as a layer.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use prost_types::Timestamp;
use tonic::Status;
use tonic::metadata::MetadataMap;
use transom_layer::{DiffId, Hasher};
use transom_ntmeta::filetime::UnixTime;
use transom_sealed::Compression;

use super::{Differ, media};
use crate::content::ContentStore;
use crate::files::Files;
use crate::mounts::snapshot_of;
use crate::proto::diff::DiffRequest;
use crate::proto::types::Descriptor;
use crate::snapshots::namespace_of;
use crate::status::{IntoStatus, blocking};

/// Label that tells the digest of the tar in a compressed layer (containerd, pkg/labels).
const UNCOMPRESSED: &str = "containerd.io/uncompressed";
/// Bytes of a tar that are moved at once.
const BLOCK: usize = 256 * 1024;
/// Level of zstd, its own default.
const ZSTD_LEVEL: i32 = 3;

/// What is to be made.
struct Job {
    files: Arc<dyn Files>,
    lower: Option<String>,
    upper: String,
    latest: Option<UnixTime>,
    compression: Compression,
}

impl Differ {
    pub(super) async fn compare(
        &self,
        headers: &MetadataMap,
        request: DiffRequest,
    ) -> Result<Descriptor, Status> {
        let media_type = match request.media_type.is_empty() {
            true => media::DEFAULT.to_owned(),
            false => request.media_type,
        };
        let compression = media::compression(&media_type).ok_or_else(|| {
            Status::unimplemented(format!("a difference cannot be made as {media_type}"))
        })?;
        let files = Arc::clone(&self.files);
        let (left, right) = (request.left, request.right);
        let (lower, upper) = blocking(move || {
            let lower = match left.is_empty() {
                true => None,
                false => Some(snapshot_of(&*files, &left)?),
            };
            Ok::<_, Status>((lower, snapshot_of(&*files, &right)?))
        })
        .await?;
        let _place = self.places.acquire().await;
        let mut content =
            ContentStore::connect(&self.containerd, headers, namespace_of(&upper)).await?;
        let own_name = new_name(&upper);
        content.keep(&own_name).await?;
        let name = match request.r#ref.is_empty() {
            true => own_name,
            false => request.r#ref,
        };
        let job = Job {
            files: Arc::clone(&self.files),
            lower,
            upper,
            latest: request.source_date_epoch.as_ref().map(time),
            compression,
        };
        let labels = request.labels;
        let (digest, size, _) = content
            .write(
                &name,
                move |out| job.write(out),
                move |tar: &DiffId| {
                    let mut labels = labels;
                    if compression != Compression::None {
                        labels.insert(UNCOMPRESSED.to_owned(), tar.to_string());
                    }
                    labels
                },
            )
            .await?;
        Ok(Descriptor {
            media_type,
            digest: digest.to_string(),
            size: size.try_into().unwrap_or(i64::MAX),
            annotations: std::collections::BTreeMap::new(),
        })
    }
}

impl Job {
    /// Writes the layer, compressed as it is to be; returns the digest of its tar.
    fn write(&self, out: &mut dyn Write) -> Result<DiffId, Status> {
        let failed = |error: io::Error| {
            Status::unavailable(format!("cannot make the layer of {}: {error}", self.upper))
        };
        let (reader, writer) = io::pipe().map_err(failed)?;
        thread::scope(|scope| {
            let exporter = scope.spawn(move || self.export(writer));
            let mut tar = Hashing {
                source: reader,
                hasher: Hasher::new(),
            };
            let compressed = self.compress(&mut tar, out);
            let tar = tar.finish();
            let exported = exporter
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            match (compressed, exported) {
                // The exporter has only seen that nobody reads.
                (Err(error), _) => Err(failed(error)),
                (Ok(()), Err(error)) => Err(error),
                (Ok(()), Ok(())) => Ok(tar),
            }
        })
    }

    fn export(&self, writer: io::PipeWriter) -> Result<(), Status> {
        let mut out = io::BufWriter::with_capacity(BLOCK, writer);
        self.files
            .write_difference(self.lower.as_deref(), &self.upper, self.latest, &mut out)
            .map_err(IntoStatus::into_status)?;
        out.flush()
            .map_err(|error| Status::internal(error.to_string()))
    }

    fn compress(&self, tar: &mut dyn Read, out: &mut dyn Write) -> io::Result<()> {
        match self.compression {
            Compression::None => io::copy(tar, out).map(drop),
            Compression::Gzip => {
                let threads = thread::available_parallelism().map_or(1, usize::from);
                transom_gzip::compress(tar, out, threads)
            }
            Compression::Zstd => {
                let mut encoder = zstd::Encoder::new(out, ZSTD_LEVEL)?;
                io::copy(tar, &mut encoder)?;
                encoder.finish().map(drop)
            }
        }
    }
}

/// Hashes what passes.
struct Hashing {
    source: io::PipeReader,
    hasher: Hasher,
}

impl Hashing {
    fn finish(self) -> DiffId {
        DiffId(self.hasher.finish())
    }
}

impl Read for Hashing {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(into)?;
        self.hasher.update(&into[..count]);
        Ok(count)
    }
}

/// A name for a write that no other has.
fn new_name(key: &str) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |now| now.as_nanos());
    format!("transom-diff-{now}-{key}")
}

fn time(timestamp: &Timestamp) -> UnixTime {
    UnixTime {
        seconds: timestamp.seconds,
        nanos: timestamp.nanos.clamp(0, 999_999_999) as u32,
    }
}
