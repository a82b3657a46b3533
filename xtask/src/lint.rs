//! `cargo xtask lint`: what can be said about the code without running it.

use anyhow::{Result, ensure};

use crate::command::{command, run};
use crate::{layers, system, wine};

/// Checks format, lints, direction of dependencies, licences and unused dependencies.
///
/// Everything is checked even if something before it failed. Tools that are not installed are named in a
/// `skipped:` line.
pub(crate) fn run_all() -> Result<()> {
    let steps = [
        run(&mut command("cargo fmt --all --check")),
        run(command("cargo clippy --workspace --all-targets").args(DENY_WARNINGS)),
        windows_clippy(),
        layers::run(),
        deny(),
        machete(),
    ];
    let failures: Vec<String> = steps
        .into_iter()
        .filter_map(|step| Some(format!("{:#}", step.err()?)))
        .collect();
    ensure!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}

const DENY_WARNINGS: [&str; 3] = ["--", "-D", "warnings"];

/// Checks what is built for Windows only. It needs a C compiler, too.
fn windows_clippy() -> Result<()> {
    if !wine::can_build() {
        println!(
            "skipped: lints of what is built for Windows ({})",
            wine::BUILD_NEEDS
        );
        return Ok(());
    }
    let mut clippy = command("cargo clippy --workspace --all-targets");
    run(clippy.args(wine::windows_only()).args(DENY_WARNINGS))
}

fn deny() -> Result<()> {
    if !system::has_cargo("deny") {
        println!("skipped: licences and bans (cargo install cargo-deny)");
        return Ok(());
    }
    run(&mut command(
        "cargo deny --all-features check licenses bans sources",
    ))?;
    // Fetching the database is left to whoever wants it: not every machine reaches it.
    if !system::has_advisories() {
        println!("skipped: advisories (cargo deny fetch db, where its database can be reached)");
        return Ok(());
    }
    run(&mut command(
        "cargo deny --all-features --offline check advisories",
    ))
}

fn machete() -> Result<()> {
    if !system::has_cargo("machete") {
        println!("skipped: unused dependencies (cargo install cargo-machete)");
        return Ok(());
    }
    run(&mut command("cargo machete"))
}
