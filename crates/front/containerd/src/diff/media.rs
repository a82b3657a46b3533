//! Media types of layers.

use transom_sealed::Compression;

/// Media type of a layer tar as it is (OCI image specification).
pub(super) const TAR: &str = "application/vnd.oci.image.layer.v1.tar";
/// What a difference is made as if nobody says otherwise.
pub(super) const DEFAULT: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// Prefixes of the media types of layer tars; the last two are foreign ones.
const LAYERS: [&str; 4] = [
    TAR,
    "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.docker.image.rootfs.foreign.diff.tar",
];

/// Returns how a layer of this media type is compressed; `None` if it is no layer tar, or an encrypted one.
pub(super) fn compression(media_type: &str) -> Option<Compression> {
    let suffix = LAYERS
        .iter()
        .find_map(|layer| media_type.strip_prefix(layer))?;
    match suffix {
        "" => Some(Compression::None),
        "+gzip" | ".gzip" => Some(Compression::Gzip),
        "+zstd" | ".zstd" => Some(Compression::Zstd),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_layer_tars_are_taken() {
        for (media_type, expected) in [
            (TAR, Some(Compression::None)),
            (DEFAULT, Some(Compression::Gzip)),
            (
                "application/vnd.oci.image.layer.v1.tar+zstd",
                Some(Compression::Zstd),
            ),
            (
                "application/vnd.docker.image.rootfs.diff.tar.gzip",
                Some(Compression::Gzip),
            ),
            (
                "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
                Some(Compression::Gzip),
            ),
            (
                "application/vnd.oci.image.layer.v1.tar+gzip+encrypted",
                None,
            ),
            ("application/vnd.erofs.layer.v1", None),
            ("", None),
        ] {
            assert_eq!(compression(media_type), expected, "{media_type}");
        }
    }
}
