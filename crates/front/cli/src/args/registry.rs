//! What can be written for registries.

use std::str::FromStr;

use transom_oci::{PlatformChoice, PlatformError};
use transom_registry::{ImageName, Mirror};

use super::Whiteouts;
use super::limits::LimitOptions;

/// How registries are reached.
#[derive(Debug, clap::Args)]
pub(crate) struct Reach {
    /// Use plain HTTP; on this machine it is taken anyway where nothing speaks TLS.
    #[arg(long)]
    pub(crate) plain_http: bool,
    /// Log in as this user [default: what Docker's config.json and its helpers say].
    #[arg(long, value_name = "NAME", requires = "password_stdin")]
    pub(crate) username: Option<String>,
    /// Read the password from stdin.
    #[arg(long, requires = "username")]
    pub(crate) password_stdin: bool,
}

/// One platform or all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Platforms {
    /// Every image of the list.
    All,
    /// One of them.
    One(PlatformChoice),
}

impl FromStr for Platforms {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        match text {
            "all" => Ok(Self::All),
            text => text.parse().map(Self::One),
        }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct Pull {
    /// The image: [HOST[:PORT]/]PATH[:TAG][@DIGEST]; without a host it is Docker Hub's.
    pub(crate) image: ImageName,
    /// Name of the image in the store, instead of the one it is pulled by.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Which image of a list: OS/ARCH[:OS.VERSION] [default: windows, then linux, of this machine's
    /// architecture]; or all: the one that would be taken alone gets the name.
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) platform: Option<Platforms>,
    /// Do not keep the compressed layers: saves space, but save and push will make new ones with new digests.
    #[arg(long)]
    pub(crate) drop_compressed: bool,
    /// What whiteouts do when the stack is checked.
    #[arg(long, value_enum, default_value_t = Whiteouts::Auto)]
    pub(crate) whiteouts: Whiteouts,
    /// Refuse what is otherwise only noted: whiteouts of nothing.
    #[arg(long)]
    pub(crate) strict: bool,
    /// Layers fetched at the same time.
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) jobs: usize,
    /// Look for images of HOST at URL first; may be given more than once.
    #[arg(long, value_name = "HOST=URL")]
    pub(crate) mirror: Vec<Mirror>,
    #[command(flatten)]
    pub(crate) reach: Reach,
    #[command(flatten)]
    pub(crate) limits: LimitOptions,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Push {
    /// The image.
    #[arg(value_name = "REF")]
    pub(crate) reference: String,
    /// What it is to be called: [HOST[:PORT]/]PATH[:TAG] [default: its name].
    pub(crate) target: Option<ImageName>,
    /// Push this image, too, and an index of all of them under the name; may be given more than once.
    #[arg(long, value_name = "REF")]
    pub(crate) also: Vec<String>,
    /// Ask the registry to take layers from this repository of its own; may be given more than once.
    /// Repositories that images in the store are named after are asked anyway.
    #[arg(long, value_name = "REPOSITORY")]
    pub(crate) mount_from: Vec<String>,
    /// Push layers that are not distributed with images as ordinary ones; the manifest changes.
    #[arg(long)]
    pub(crate) push_foreign: bool,
    /// Layers sent at the same time.
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) jobs: usize,
    #[command(flatten)]
    pub(crate) reach: Reach,
}
