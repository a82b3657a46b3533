//! `transom pull`

use std::io::{Read, Write};

use anyhow::{Context, Result};
use transom_oci::LoadOptions;
use transom_registry::{Credentials, Options, PullOptions, pull};
use transom_sealed::Store;

use super::load;
use crate::args::Global;
use crate::args::registry::{Platforms, Pull, Reach};
use crate::{output, progress};

/// Longest password that is read, in bytes.
const MAX_PASSWORD: u64 = 64 << 10;

pub(super) fn run(store: &Store, global: &Global, args: &Pull) -> Result<()> {
    let (platform, every_platform) = match &args.platform {
        Some(Platforms::All) => (None, true),
        Some(Platforms::One(platform)) => (Some(platform.clone()), false),
        None => (None, false),
    };
    let options = PullOptions {
        registry: Options {
            mirrors: args.mirror.clone(),
            ..reached(&args.reach)?
        },
        load: LoadOptions {
            names: args.name.iter().cloned().collect(),
            platform,
            every_platform,
            keep_blobs: !args.drop_compressed,
            whiteouts: args.whiteouts.rule(),
            strict: args.strict,
            jobs: args.jobs,
        },
    };
    let progress = progress::to_stderr(global.quiet);
    let images = pull(store, &args.image, &options, progress.as_ref())
        .with_context(|| format!("cannot pull {}", args.image))?;
    drop(progress);
    for note in images.iter().flat_map(|image| &image.notes) {
        crate::progress::note(global.quiet, note);
    }
    if global.json {
        return output::json(&images.iter().map(load::as_json).collect());
    }
    let mut out = output::stdout();
    for image in &images {
        writeln!(out, "pulled {}", load::summary(image))?;
    }
    Ok(())
}

/// Reads how registries are to be reached, and the password where one is given.
pub(super) fn reached(args: &Reach) -> Result<Options> {
    let credentials = match &args.username {
        Some(username) => {
            let mut password = String::new();
            std::io::stdin()
                .take(MAX_PASSWORD)
                .read_to_string(&mut password)
                .context("cannot read the password from stdin")?;
            let password = password.trim_end_matches(['\r', '\n']);
            Some(Credentials::new(username, password))
        }
        None => None,
    };
    Ok(Options {
        plain_http: args.plain_http,
        credentials,
        ..Options::default()
    })
}
