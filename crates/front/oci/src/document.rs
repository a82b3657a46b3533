//! What is read of manifests, indexes and configs (OCI image specification; Docker image manifest v2
//! schema 2). Only known fields are looked at; the bytes themselves always pass through untouched.

use transom_layer::{BlobDigest, DiffId};

use crate::json::{self, Fields, JsonError};

/// Most descriptors that an index may have.
pub(crate) const MAX_DESCRIPTORS: usize = 10_000;
/// Most layers that an image may have; Docker stops at 125.
pub(crate) const MAX_LAYERS: usize = 1_000;
/// Most steps a history may have: one for each layer and as many that made none.
const MAX_HISTORY: usize = 10_000;
/// Most sources that a foreign layer may name.
const MAX_URLS: usize = 100;

/// The platform of a descriptor or config (OCI image-index.md, config.md). Absent texts are empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlatformSpec {
    /// `windows` or `linux`.
    pub os: String,
    /// `amd64`, `arm64`, …
    pub architecture: String,
    /// `10.0.20348.2227`.
    pub os_version: String,
    /// `v8`, `v7`, …
    pub variant: String,
}

/// A pointer to a document or layer (OCI descriptor.md).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// What it points to; empty if the document does not say.
    pub media_type: String,
    /// SHA-256 of what it points to.
    pub digest: BlobDigest,
    /// Length in bytes of what it points to.
    pub size: u64,
    /// Where a foreign layer may be had.
    pub urls: Vec<String>,
    /// Annotations, in the document's order.
    pub annotations: Vec<(String, String)>,
    /// What the image is made for, in an index.
    pub platform: Option<PlatformSpec>,
}

/// A list of manifests: an OCI index or a Docker manifest list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// Its own media type; empty if it does not say.
    pub media_type: String,
    /// Manifests and further indexes.
    pub manifests: Vec<Descriptor>,
}

/// A manifest of one image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Its own media type; empty if it does not say.
    pub media_type: String,
    /// Where the config is.
    pub config: Descriptor,
    /// Where the layers are, base first.
    pub layers: Vec<Descriptor>,
}

/// One step of an image's making (OCI config.md).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// When, as RFC 3339 text; empty if not said.
    pub created: String,
    /// The command; empty if not said.
    pub created_by: String,
    /// A remark; empty if not said.
    pub comment: String,
    /// The step made no layer.
    pub empty_layer: bool,
}

/// A config: what an image runs and what its layers inflate to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// What the image is made for.
    pub platform: PlatformSpec,
    /// The layers' ids, base first.
    pub diff_ids: Vec<DiffId>,
    /// How the image was made.
    pub history: Vec<History>,
    /// When the image was made, as RFC 3339 text; empty if not said.
    pub created: String,
}

impl PlatformSpec {
    fn read(fields: &Fields<'_>) -> Result<Self, JsonError> {
        Ok(Self {
            os: fields.text("os")?,
            architecture: fields.text("architecture")?,
            os_version: fields.text("os.version")?,
            variant: fields.text("variant")?,
        })
    }
}

impl Descriptor {
    fn read(fields: &Fields<'_>) -> Result<Self, JsonError> {
        Ok(Self {
            media_type: fields.text("mediaType")?,
            digest: fields.digest("digest")?,
            size: fields.size("size")?,
            urls: fields.texts("urls", MAX_URLS)?,
            annotations: fields.pairs("annotations")?,
            platform: fields
                .object("platform")?
                .map(|platform| PlatformSpec::read(&platform))
                .transpose()?,
        })
    }

    /// Returns the value of an annotation.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        let found = self.annotations.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.as_str())
    }

    /// Says whether it points to a statement about an image, as BuildKit adds them, and not to an image.
    pub(crate) fn is_attestation(&self) -> bool {
        self.annotation("vnd.docker.reference.type").is_some()
            || self.platform.as_ref().is_some_and(|platform| {
                platform.os == "unknown" && platform.architecture == "unknown"
            })
    }
}

impl Index {
    /// Reads an index; `document` is how errors name it, `media_type` what its descriptor says it is.
    ///
    /// # Errors
    /// [`JsonError`] if it is no index, or has more than 10,000 entries.
    pub fn parse(
        document: &str,
        bytes: &[u8],
        media_type: Option<&str>,
    ) -> Result<Self, JsonError> {
        let value = json::parse(document, bytes)?;
        let fields = Fields::of(document, &value)?;
        let own_type = checked_type(&fields, media_type)?;
        for foreign in ["config", "layers"] {
            refuse_both(&fields, "manifests", foreign)?;
        }
        let manifests = fields.objects("manifests", MAX_DESCRIPTORS)?;
        Ok(Self {
            media_type: own_type,
            manifests: manifests
                .iter()
                .map(Descriptor::read)
                .collect::<Result<_, _>>()?,
        })
    }
}

impl Manifest {
    /// Reads a manifest; `document` is how errors name it, `media_type` what its descriptor says it is.
    ///
    /// # Errors
    /// [`JsonError`] if it is no manifest, or has more than 1,000 layers.
    pub fn parse(
        document: &str,
        bytes: &[u8],
        media_type: Option<&str>,
    ) -> Result<Self, JsonError> {
        let value = json::parse(document, bytes)?;
        let fields = Fields::of(document, &value)?;
        let own_type = checked_type(&fields, media_type)?;
        refuse_both(&fields, "config", "manifests")?;
        refuse_both(&fields, "layers", "manifests")?;
        let layers = fields.objects("layers", MAX_LAYERS)?;
        Ok(Self {
            media_type: own_type,
            config: Descriptor::read(&fields.required("config")?)?,
            layers: layers
                .iter()
                .map(Descriptor::read)
                .collect::<Result<_, _>>()?,
        })
    }
}

impl Config {
    /// Reads a config; `document` is how errors name it.
    ///
    /// # Errors
    /// [`JsonError`] if it is no config, or has more than 1,000 layers.
    pub fn parse(document: &str, bytes: &[u8]) -> Result<Self, JsonError> {
        let value = json::parse(document, bytes)?;
        let fields = Fields::of(document, &value)?;
        let diff_ids = match fields.object("rootfs")? {
            Some(rootfs) => rootfs.diff_ids("diff_ids", MAX_LAYERS)?,
            None => Vec::new(),
        };
        let step = |fields: &Fields<'_>| {
            Ok(History {
                created: fields.text("created")?,
                created_by: fields.text("created_by")?,
                comment: fields.text("comment")?,
                empty_layer: fields.flag("empty_layer")?,
            })
        };
        let history = fields.objects("history", MAX_HISTORY)?;
        Ok(Self {
            platform: PlatformSpec::read(&fields)?,
            diff_ids,
            history: history.iter().map(step).collect::<Result<_, _>>()?,
            created: fields.text("created")?,
        })
    }
}

/// Reads the document's own media type, which may be absent but must not contradict its descriptor.
fn checked_type(fields: &Fields<'_>, expected: Option<&str>) -> Result<String, JsonError> {
    let found = fields.text("mediaType")?;
    match expected {
        Some(expected) if !found.is_empty() && found != expected => Err(JsonError::MediaType {
            document: fields.document().to_owned(),
            expected: expected.to_owned(),
            found,
        }),
        _ => Ok(found),
    }
}

/// A document with the fields of two kinds means different things to different readers
/// (CVE-2021-41190).
fn refuse_both(
    fields: &Fields<'_>,
    first: &'static str,
    second: &'static str,
) -> Result<(), JsonError> {
    if fields.has(first) && fields.has(second) {
        return Err(JsonError::Ambiguous {
            document: fields.document().to_owned(),
            first,
            second,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
