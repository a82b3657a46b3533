//! The media types of documents and layers (OCI media-types.md; Docker image manifest v2 schema 2).

use crate::document::{Index, Manifest};

/// What a descriptor points to, by its media type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DocumentKind {
    /// A list of manifests.
    Index,
    /// A manifest of one image.
    Manifest,
}

pub(crate) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(crate) const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";

/// What each family of layer types begins with, and whether its layers are non-distributable.
const LAYER_FAMILIES: [(&str, bool); 4] = [
    (OCI_LAYER, false),
    (
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
        true,
    ),
    ("application/vnd.docker.image.rootfs.diff.tar", false),
    ("application/vnd.docker.image.rootfs.foreign.diff.tar", true),
];

/// The ways to say that the tar is compressed: OCI writes `+`, Docker `.`.
const SUFFIXES: [&str; 5] = ["", "+gzip", "+zstd", ".gzip", ".zstd"];

/// The types of all documents that can be read, as a registry wants to be told.
pub const DOCUMENT_TYPES: [&str; 4] = [OCI_INDEX, OCI_MANIFEST, DOCKER_INDEX, DOCKER_MANIFEST];

/// Says whether a document of this type is read as an index or a manifest.
pub fn is_document(media_type: &str) -> bool {
    document_kind(media_type).is_some()
}

/// Tells the media type of a document that came with none that can be trusted: its own, or else the one
/// that its fields show. `None` if it is neither an index nor a manifest of version 2.
pub fn type_of_document(bytes: &[u8]) -> Option<String> {
    if let Ok(manifest) = Manifest::parse("the document", bytes, None) {
        let own = manifest.media_type;
        if document_kind(&own) == Some(DocumentKind::Manifest) {
            return Some(own);
        }
        let usual = match manifest.config.media_type.as_str() {
            DOCKER_CONFIG => DOCKER_MANIFEST,
            _ => OCI_MANIFEST,
        };
        return own.is_empty().then(|| usual.to_owned());
    }
    let index = Index::parse("the document", bytes, None).ok()?;
    let own = index.media_type;
    if document_kind(&own) == Some(DocumentKind::Index) {
        return Some(own);
    }
    (own.is_empty() && !index.manifests.is_empty()).then(|| OCI_INDEX.to_owned())
}

/// Returns the type of an index of manifests of these types: Docker's only if all of them are.
pub(crate) fn index_for<'a>(mut manifests: impl Iterator<Item = &'a str>) -> &'static str {
    if manifests.all(|media_type| media_type == DOCKER_MANIFEST) {
        DOCKER_INDEX
    } else {
        OCI_INDEX
    }
}

/// Tells what a document is; `None` for anything but an index or a manifest of version 2.
pub(crate) fn document_kind(media_type: &str) -> Option<DocumentKind> {
    match media_type {
        OCI_INDEX | DOCKER_INDEX => Some(DocumentKind::Index),
        OCI_MANIFEST | DOCKER_MANIFEST => Some(DocumentKind::Manifest),
        _ => None,
    }
}

/// Says whether a config of this type describes a container image.
pub fn is_image_config(media_type: &str) -> bool {
    matches!(media_type, OCI_CONFIG | DOCKER_CONFIG)
}

/// Splits a layer's media type; `None` if it is no layer tar, or an encrypted one.
fn split_layer(media_type: &str) -> Option<(&'static str, bool)> {
    LAYER_FAMILIES.into_iter().find(|(family, _)| {
        media_type
            .strip_prefix(family)
            .is_some_and(|suffix| SUFFIXES.contains(&suffix))
    })
}

/// Says whether layers of this type can be loaded.
pub(crate) fn is_layer(media_type: &str) -> bool {
    split_layer(media_type).is_some()
}

/// Says whether a layer of this type is non-distributable: registries may not have it.
pub(crate) fn is_foreign(media_type: &str) -> bool {
    split_layer(media_type).is_some_and(|(_, foreign)| foreign)
}

/// Returns the type for a gzip of the same tar. A new blob can be had from no foreign source, so the
/// type is an ordinary one.
pub(crate) fn as_gzip(media_type: &str) -> &'static str {
    if media_type.starts_with("application/vnd.docker.") {
        "application/vnd.docker.image.rootfs.diff.tar.gzip"
    } else {
        "application/vnd.oci.image.layer.v1.tar+gzip"
    }
}

/// Returns the ordinary type for a layer of a non-distributable one; any other type is its own.
pub(crate) fn as_ordinary(media_type: &str) -> String {
    for (ordinary, foreign) in [(0, 1), (2, 3)] {
        let (ordinary, foreign) = (LAYER_FAMILIES[ordinary].0, LAYER_FAMILIES[foreign].0);
        if let Some(suffix) = media_type.strip_prefix(foreign) {
            return format!("{ordinary}{suffix}");
        }
    }
    media_type.to_owned()
}

/// Returns the OCI's type for a layer of a Docker type; any other type is its own.
pub(crate) fn as_oci(media_type: &str) -> String {
    let families = [(2, 0), (3, 1)];
    for (docker, oci) in families {
        let (docker, oci) = (LAYER_FAMILIES[docker].0, LAYER_FAMILIES[oci].0);
        if let Some(suffix) = media_type.strip_prefix(docker) {
            return format!("{oci}{}", suffix.replace('.', "+"));
        }
    }
    media_type.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layer_types_of_both_families_are_known_and_others_are_not() {
        for (media_type, layer, foreign) in [
            ("application/vnd.oci.image.layer.v1.tar", true, false),
            ("application/vnd.oci.image.layer.v1.tar+gzip", true, false),
            ("application/vnd.oci.image.layer.v1.tar+zstd", true, false),
            (
                "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
                true,
                true,
            ),
            ("application/vnd.docker.image.rootfs.diff.tar", true, false),
            (
                "application/vnd.docker.image.rootfs.diff.tar.gzip",
                true,
                false,
            ),
            (
                "application/vnd.docker.image.rootfs.diff.tar.zstd",
                true,
                false,
            ),
            (
                "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
                true,
                true,
            ),
            (
                "application/vnd.oci.image.layer.v1.tar+gzip+encrypted",
                false,
                false,
            ),
            ("application/vnd.oci.image.layer.v1.tarball", false, false),
            ("application/vnd.in-toto+json", false, false),
            ("", false, false),
        ] {
            assert_eq!(is_layer(media_type), layer, "{media_type}");
            assert_eq!(is_foreign(media_type), foreign, "{media_type}");
        }
    }

    #[test]
    fn the_gzip_type_stays_in_its_family() {
        for (before, after) in [
            (
                "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
                "application/vnd.docker.image.rootfs.diff.tar.gzip",
            ),
            (
                "application/vnd.oci.image.layer.v1.tar+zstd",
                "application/vnd.oci.image.layer.v1.tar+gzip",
            ),
        ] {
            assert_eq!(as_gzip(before), after);
            assert!(is_layer(after));
        }
    }

    #[test]
    fn docker_types_have_counterparts_in_the_oci() {
        for (docker, oci) in [
            (
                "application/vnd.docker.image.rootfs.diff.tar.gzip",
                "application/vnd.oci.image.layer.v1.tar+gzip",
            ),
            (
                "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
                "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
            ),
            (OCI_LAYER, OCI_LAYER),
        ] {
            assert_eq!(as_oci(docker), oci);
            assert!(is_layer(&as_oci(docker)));
        }
    }

    #[test]
    fn a_foreign_type_becomes_the_ordinary_one_of_its_family() {
        for (foreign, ordinary) in [
            (
                "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
                "application/vnd.docker.image.rootfs.diff.tar.gzip",
            ),
            (
                "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
                "application/vnd.oci.image.layer.v1.tar+zstd",
            ),
            (OCI_LAYER, OCI_LAYER),
        ] {
            assert_eq!(as_ordinary(foreign), ordinary);
            assert!(!is_foreign(&as_ordinary(foreign)));
        }
    }

    #[test]
    fn a_manifest_of_schema_1_is_neither() {
        let old = "application/vnd.docker.distribution.manifest.v1+prettyjws";
        assert_eq!(document_kind(old), None);
        assert_eq!(document_kind(DOCKER_INDEX), Some(DocumentKind::Index));
        assert_eq!(document_kind(OCI_MANIFEST), Some(DocumentKind::Manifest));
    }
}
