//! Bounds on what is taken in.

use transom_sealed::{LARGEST_PAX, Limits};

/// Bounds on the layers that come; what is `None` was not said.
#[derive(Debug, Default, Clone, Copy, clap::Args)]
#[cfg_attr(feature = "serve", derive(serde::Deserialize))]
#[cfg_attr(
    feature = "serve",
    serde(default, deny_unknown_fields, rename_all = "kebab-case")
)]
pub(crate) struct LimitOptions {
    /// Most entries a layer may have [default: 4000000].
    #[arg(long, value_name = "N", env = "TRANSOM_MAX_ENTRIES")]
    pub(crate) max_entries: Option<u64>,
    /// Most bytes a layer's tar may have [default: 2 TiB].
    #[arg(long, value_name = "BYTES", env = "TRANSOM_MAX_BYTES")]
    pub(crate) max_bytes: Option<u64>,
    /// How many times its compressed bytes a tar of more than 1 GiB may have [default: 2064].
    #[arg(long, value_name = "N", env = "TRANSOM_MAX_RATIO", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) max_ratio: Option<u64>,
    /// Most names a path may be made of [default: 16384].
    #[arg(long, value_name = "N", env = "TRANSOM_MAX_DEPTH")]
    pub(crate) max_depth: Option<u64>,
    /// Most bytes of an entry's PAX header [default: 1 MiB; 64 MiB at most].
    #[arg(long, value_name = "BYTES", env = "TRANSOM_MAX_PAX", value_parser = clap::value_parser!(u64).range(..=LARGEST_PAX))]
    pub(crate) max_pax: Option<u64>,
}

impl LimitOptions {
    /// The bounds, the usual ones where nothing was said.
    pub(crate) fn limits(&self) -> Limits {
        let usual = Limits::default();
        Limits {
            entries: self.max_entries.unwrap_or(usual.entries),
            bytes: self.max_bytes.unwrap_or(usual.bytes),
            ratio: self.max_ratio.unwrap_or(usual.ratio),
            depth: self.max_depth.unwrap_or(usual.depth),
            pax_bytes: self.max_pax.unwrap_or(usual.pax_bytes),
        }
    }
}
