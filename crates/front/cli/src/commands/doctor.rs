//! `transom doctor`: what this host can do, tried.

#[cfg(windows)]
mod life;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(unix)]
mod store;
#[cfg(windows)]
mod windows;

use std::fmt;
use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Value, json};

use crate::args::{Doctor, Global};
use crate::{output, show};

/// How a test went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Works,
    /// Something that there is a way without.
    #[cfg(any(target_os = "linux", windows))]
    Missing,
    /// Something that is needed.
    Fails,
    /// It was not tried.
    #[cfg(windows)]
    Untested,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Works => "works",
            #[cfg(any(target_os = "linux", windows))]
            Self::Missing => "does not work, not needed",
            Self::Fails => "does not work",
            #[cfg(windows)]
            Self::Untested => "not tested",
        }
    }
}

/// One thing that was tested.
#[derive(Debug)]
struct Check {
    what: String,
    state: State,
    why: String,
}

impl Check {
    fn new(what: impl Into<String>, state: State, why: impl fmt::Display) -> Self {
        Self {
            what: what.into(),
            state,
            why: why.to_string(),
        }
    }

    fn json(&self) -> Value {
        json!({
            "check": self.what,
            "state": self.state.word(),
            "works": self.state == State::Works,
            "why": self.why,
        })
    }
}

/// Prints each test; fails if something that is needed does not work.
pub(super) fn run(global: &Global, args: &Doctor) -> Result<ExitCode> {
    let checks = checks(global, args)?;
    let is_well = !checks.iter().any(|check| check.state == State::Fails);
    if global.json {
        output::json(&json!({
            "works": is_well,
            "checks": checks.iter().map(Check::json).collect::<Vec<_>>(),
        }))?;
    } else {
        let rows: Vec<_> = checks
            .iter()
            .map(|check| {
                let why = show::text(check.why.as_bytes());
                vec![check.what.clone(), check.state.word().to_owned(), why]
            })
            .collect();
        output::table(&["WHAT", "STATE", "WHY"], &[], &rows)?;
    }
    Ok(match is_well {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

#[cfg(windows)]
fn checks(global: &Global, args: &Doctor) -> Result<Vec<Check>> {
    windows::checks(global, args.folder.as_deref())
}

#[cfg(unix)]
fn checks(global: &Global, args: &Doctor) -> Result<Vec<Check>> {
    let folder = match &args.folder {
        Some(folder) => folder.clone(),
        None => super::root(global)?,
    };
    #[cfg(target_os = "linux")]
    let mut checks = linux::checks();
    #[cfg(not(target_os = "linux"))]
    let mut checks = Vec::new();
    checks.push(store::folder(&folder));
    Ok(checks)
}
