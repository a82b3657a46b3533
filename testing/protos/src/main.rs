//! `transom-protos PROTO-FOLDER OUT-FOLDER`: makes the code of containerd's services, without protoc.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

const FILES: [&str; 5] = [
    "types.proto",
    "snapshots.proto",
    "diff.proto",
    "content.proto",
    "leases.proto",
];

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(protos), Some(out)) = (arguments.next(), arguments.next()) else {
        anyhow::bail!("usage: transom-protos PROTO-FOLDER OUT-FOLDER");
    };
    let files = protox::compile(FILES, [&protos]).context("cannot compile the .proto files")?;
    tonic_prost_build::configure()
        .build_transport(false)
        .out_dir(&out)
        .bytes(".containerd.services.content.v1.ReadContentResponse.data")
        .bytes(".containerd.services.content.v1.WriteContentRequest.data")
        .btree_map(".")
        .compile_fds(files)
        .context("cannot make the code")
}
