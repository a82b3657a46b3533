//! `transom config`: what the server would do, and what containerd is to be told of it.

mod check;
mod containerd;

use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Map, Value, json};

use crate::args::Global;
use crate::args::serve::{Config, ConfigFile, ServeOptions};
use crate::commands::serve::settings::{Settings, from_file};
use crate::output;

pub(super) fn run(global: &Global, config: &Config) -> Result<ExitCode> {
    match config {
        Config::Show(file) => show(global, file)?,
        Config::Containerd(containerd) => return containerd::run(global, containerd),
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints a configuration file that says the same, with a remark on each line.
fn show(global: &Global, file: &ConfigFile) -> Result<()> {
    let settings = settings(global, file)?;
    if global.json {
        let values: Map<String, Value> = settings
            .entries()
            .into_iter()
            .map(|(key, value, origin)| {
                let value = value.map_or(Value::Null, |value| json!(value));
                (
                    key.to_owned(),
                    json!({ "value": value, "from": origin.name() }),
                )
            })
            .collect();
        return output::json(&values.into());
    }
    let lines: Vec<String> = settings
        .entries()
        .into_iter()
        .map(|(key, value, origin)| match value {
            Some(value) => format!("{key} = {value}  # {}", origin.name()),
            None => format!("# {key} is not set"),
        })
        .collect();
    output::lines(&lines)
}

/// What `serve` without flags would go by.
fn settings(global: &Global, file: &ConfigFile) -> Result<Settings> {
    Settings::of(global, of_environment()?, from_file(file)?)
}

fn of_environment() -> Result<ServeOptions> {
    #[derive(clap::Parser)]
    struct NoFlags {
        #[command(flatten)]
        options: ServeOptions,
    }
    Ok(<NoFlags as clap::Parser>::try_parse_from(["transom"])?.options)
}
