//! The images of an OCI layout.
//!
//! Entries of `index.json` with different names are different images; those with the same name, or
//! with none, are alternatives of one image, and so are the entries of an index that an entry points to.

use std::collections::HashSet;

use transom_layer::BlobDigest;

use super::LoadError;
use super::docker::{self, TaggedConfig};
use super::layers::LayerKey;
use super::plan::{Documents, ManifestPlan, PlannedImage, PlannedLayer, check_count, platform_of};
use crate::document::{Config, Descriptor, Index, Manifest, PlatformSpec};
use crate::media::{self, DocumentKind};
use crate::reference::{long_form, tag_of};
use crate::select::{self, PlatformChoice, SelectError};
use crate::source::{DOCKER_FILE, INDEX_FILE, Source};

/// The full name of an image, as containerd and Docker write it.
pub(crate) const CONTAINERD_NAME: &str = "io.containerd.image.name";
/// The name of an image within a layout (OCI annotations.md): often no more than a tag.
pub(crate) const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// Indexes within indexes; real ones have one level below `index.json`.
const MAX_DEPTH: usize = 4;

/// One alternative of an image.
#[derive(Debug)]
struct Candidate {
    descriptor: Descriptor,
    platform: PlatformSpec,
    is_present: bool,
}

/// Reads and checks all documents of the layout's images.
pub(super) fn plan(
    source: &Source<'_>,
    choice: Option<&PlatformChoice>,
    every_platform: bool,
) -> Result<Vec<PlannedImage>, LoadError> {
    let mut documents = Documents::new(source);
    let entries = match source.root() {
        Some(root) => vec![root.clone()],
        None => {
            let index = documents.read_named(INDEX_FILE)?;
            Index::parse(INDEX_FILE, &index, None)?.manifests
        }
    };
    let tagged = match source.find(DOCKER_FILE)? {
        Some(_) => docker::tagged_configs(&mut documents)?,
        None => Vec::new(),
    };

    let mut groups: Vec<(Vec<String>, Vec<Descriptor>)> = Vec::new();
    for entry in entries {
        let names = names_of(&mut documents, &entry, &tagged)?;
        match groups.iter_mut().find(|(known, _)| *known == names) {
            Some((_, entries)) => entries.push(entry),
            None => groups.push((names, vec![entry])),
        }
    }

    let mut images: Vec<(BlobDigest, PlannedImage)> = Vec::new();
    let mut passed_over = Vec::new();
    for (names, entries) in groups {
        let mut candidates = Vec::new();
        collect(
            &mut documents,
            entries,
            0,
            &mut candidates,
            &mut passed_over,
        )?;
        if candidates.is_empty() {
            continue;
        }
        let label = names.first().map_or(INDEX_FILE, String::as_str);
        let chosen = choose(label, &candidates, choice);
        if every_platform {
            let named = chosen.map(|chosen| chosen.descriptor.digest).ok();
            for one in candidates.iter().filter(|one| one.is_present) {
                let mut image = plan_image(&mut documents, label, one)?;
                if named == Some(one.descriptor.digest) {
                    image.names = names.clone();
                }
                images.push((one.descriptor.digest, image));
            }
            continue;
        }
        let chosen = chosen?;
        match images
            .iter_mut()
            .find(|(digest, _)| *digest == chosen.descriptor.digest)
        {
            Some((_, image)) => image.names.extend(names),
            None => {
                let mut image = plan_image(&mut documents, label, chosen)?;
                image.names = names.clone();
                image.notes.extend(ties(&candidates, chosen));
                images.push((chosen.descriptor.digest, image));
            }
        }
    }
    if images.is_empty() {
        passed_over.sort();
        passed_over.dedup();
        return Err(LoadError::Empty {
            media_types: passed_over,
        });
    }
    Ok(images.into_iter().map(|(_, image)| image).collect())
}

/// Tells the names of an entry: containerd's, in the shorter form if the other annotation has it; else
/// the layout's own; and where that is but a tag, those that Docker's `manifest.json` gives the image.
fn names_of(
    documents: &mut Documents<'_>,
    entry: &Descriptor,
    tagged: &[TaggedConfig],
) -> Result<Vec<String>, LoadError> {
    let full = entry
        .annotation(CONTAINERD_NAME)
        .filter(|name| !name.is_empty());
    let own = entry.annotation(REF_NAME).filter(|name| !name.is_empty());
    if let Some(full) = full {
        let is_same = |own: &&str| long_form(own).is_some() && long_form(own) == long_form(full);
        return Ok(vec![own.filter(is_same).unwrap_or(full).to_owned()]);
    }
    let is_full = |name: &&str| tag_of(name).is_some() || name.contains('/');
    if own.filter(is_full).is_none()
        && !tagged.is_empty()
        && media::document_kind(&entry.media_type) == Some(DocumentKind::Manifest)
        && documents.source.blob(entry)?.is_some()
    {
        let manifest = read_manifest(documents, entry)?.1;
        let names: Vec<String> = tagged
            .iter()
            .filter(|tagged| tagged.config == manifest.config.digest)
            .flat_map(|tagged| tagged.names.iter().cloned())
            .collect();
        if !names.is_empty() {
            return Ok(names);
        }
    }
    Ok(own.map(str::to_owned).into_iter().collect())
}

/// Collects the manifests that the entries point to, straight or through indexes.
fn collect(
    documents: &mut Documents<'_>,
    entries: Vec<Descriptor>,
    depth: usize,
    candidates: &mut Vec<Candidate>,
    passed_over: &mut Vec<String>,
) -> Result<(), LoadError> {
    let mut seen: HashSet<BlobDigest> = candidates
        .iter()
        .map(|known| known.descriptor.digest)
        .collect();
    for descriptor in entries {
        if descriptor.is_attestation() || !seen.insert(descriptor.digest) {
            continue;
        }
        match media::document_kind(&descriptor.media_type) {
            Some(DocumentKind::Index) if depth == MAX_DEPTH => {
                return Err(LoadError::TooDeep {
                    digest: descriptor.digest,
                    limit: MAX_DEPTH,
                });
            }
            Some(DocumentKind::Index) => {
                let bytes = documents.read("index", &descriptor)?;
                let label = format!("index {}", descriptor.digest);
                let index = Index::parse(&label, &bytes, Some(&descriptor.media_type))?;
                collect(
                    documents,
                    index.manifests,
                    depth + 1,
                    candidates,
                    passed_over,
                )?;
            }
            Some(DocumentKind::Manifest) => {
                if let Some(candidate) = candidate(documents, descriptor, passed_over)? {
                    candidates.push(candidate);
                }
            }
            // Readers are to ignore what they do not know (OCI image-index.md).
            None => passed_over.push(descriptor.media_type),
        }
    }
    Ok(())
}

/// Takes a manifest as an alternative; where it is not listed with a platform, its config tells it.
fn candidate(
    documents: &mut Documents<'_>,
    descriptor: Descriptor,
    passed_over: &mut Vec<String>,
) -> Result<Option<Candidate>, LoadError> {
    let is_present = documents.source.blob(&descriptor)?.is_some();
    let platform = match (&descriptor.platform, is_present) {
        (Some(platform), _) => platform.clone(),
        (None, false) => PlatformSpec::default(),
        (None, true) => {
            let (_, manifest) = read_manifest(documents, &descriptor)?;
            if !media::is_image_config(&manifest.config.media_type) {
                passed_over.push(manifest.config.media_type);
                return Ok(None);
            }
            read_config(documents, &manifest)?.1.platform
        }
    };
    Ok(Some(Candidate {
        descriptor,
        platform,
        is_present,
    }))
}

/// Chooses among the alternatives that are there: exports often hold one platform of a list.
fn choose<'a>(
    image: &str,
    candidates: &'a [Candidate],
    choice: Option<&PlatformChoice>,
) -> Result<&'a Candidate, LoadError> {
    let host = select::host_architecture();
    let among = |candidates: Vec<&'a Candidate>| -> Result<&'a Candidate, SelectError> {
        let platforms: Vec<_> = candidates.iter().map(|one| one.platform.clone()).collect();
        let position = select::choose(&platforms, choice, host)?;
        candidates
            .get(position)
            .copied()
            .ok_or(SelectError::Undecided {
                host: host.to_owned(),
                there: Vec::new(),
            })
    };
    let present = candidates.iter().filter(|one| one.is_present).collect();
    among(present).map_err(|error| match among(candidates.iter().collect()) {
        Ok(absent) if absent.descriptor.platform.is_none() => LoadError::MissingDocument {
            what: "manifest",
            digest: absent.descriptor.digest,
        },
        Ok(absent) => LoadError::NotExported {
            platform: absent.platform.to_string(),
            digest: absent.descriptor.digest,
        },
        Err(_) => LoadError::Select {
            image: image.to_owned(),
            source: error,
        },
    })
}

/// Says which other alternatives for the same platform were not taken.
fn ties(candidates: &[Candidate], chosen: &Candidate) -> Vec<String> {
    candidates
        .iter()
        .filter(|one| one.is_present && one.platform == chosen.platform)
        .filter(|one| one.descriptor.digest != chosen.descriptor.digest)
        .map(|one| {
            format!(
                "manifest {} is for {}, too, and was not loaded",
                one.descriptor.digest, one.platform
            )
        })
        .collect()
}

fn plan_image(
    documents: &mut Documents<'_>,
    label: &str,
    chosen: &Candidate,
) -> Result<PlannedImage, LoadError> {
    let (bytes, manifest) = read_manifest(documents, &chosen.descriptor)?;
    if !media::is_image_config(&manifest.config.media_type) {
        return Err(LoadError::NotAnImage {
            manifest: chosen.descriptor.digest,
            media_type: manifest.config.media_type,
        });
    }
    let (config_bytes, config) = read_config(documents, &manifest)?;
    let platform = platform_of(&config, manifest.config.digest, &chosen.platform)?;
    if !chosen.platform.os.eq_ignore_ascii_case(&platform.os) {
        return Err(LoadError::OsConflict {
            manifest: chosen.descriptor.digest,
            listed: chosen.platform.os.clone(),
            found: platform.os,
        });
    }
    check_count(label, manifest.layers.len(), config.diff_ids.len())?;
    let layers = manifest
        .layers
        .into_iter()
        .zip(config.diff_ids)
        .map(|(layer, diff_id)| {
            if !media::is_layer(&layer.media_type) {
                return Err(LoadError::LayerType {
                    digest: layer.digest,
                    media_type: layer.media_type,
                });
            }
            let is_foreign = media::is_foreign(&layer.media_type) || !layer.urls.is_empty();
            Ok(PlannedLayer {
                key: LayerKey::Blob(layer.digest),
                diff_id,
                blob_size: Some(layer.size),
                foreign_urls: is_foreign.then_some(layer.urls),
            })
        });
    Ok(PlannedImage {
        manifest: ManifestPlan::Given {
            bytes,
            media_type: chosen.descriptor.media_type.clone(),
        },
        config: config_bytes,
        platform,
        layers: layers.collect::<Result<_, _>>()?,
        names: Vec::new(),
        notes: Vec::new(),
    })
}

fn read_manifest(
    documents: &mut Documents<'_>,
    descriptor: &Descriptor,
) -> Result<(Vec<u8>, Manifest), LoadError> {
    let bytes = documents.read("manifest", descriptor)?;
    let label = format!("manifest {}", descriptor.digest);
    let manifest = Manifest::parse(&label, &bytes, Some(&descriptor.media_type))?;
    Ok((bytes, manifest))
}

fn read_config(
    documents: &mut Documents<'_>,
    manifest: &Manifest,
) -> Result<(Vec<u8>, Config), LoadError> {
    let bytes = documents.read("config", &manifest.config)?;
    let config = Config::parse(&format!("config {}", manifest.config.digest), &bytes)?;
    Ok((bytes, config))
}
