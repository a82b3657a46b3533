//! One process over the stand-in for Windows, for tests that need processes: a worker, or one call of the driver.
//!
//! ```text
//! standin worker STATE TASK…                    what the engine starts
//! standin quick-worker STATE TASK…              the same, for calls that hang
//! standin run STATE HOME METHOD [ARGUMENT…]     one method of the driver; prints what it returned
//! ```
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::ffi::OsString;
use std::fs::File;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use transom_driver::{Driver, Id};
use transom_hcs::{HcsEngine, Worker, worker};
use transom_standin::{Machine, PlainFiles};
use transom_windows::{Hcs, Watchdog};

/// How long calls may take: long enough where nothing is to go wrong, short where tests let calls hang.
const LIMIT: Duration = Duration::from_secs(60);
const SHORT_LIMIT: Duration = Duration::from_secs(if cfg!(windows) { 3 } else { 1 });

type Error = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let [mode, state, rest @ ..] = arguments.as_slice() else {
        return ExitCode::from(2);
    };
    let limit = if mode == "worker" { LIMIT } else { SHORT_LIMIT };
    let hcs = match service(Path::new(state), limit) {
        Ok(hcs) => hcs,
        Err(error) => {
            eprintln!("no stand-in: {error}");
            return ExitCode::from(4);
        }
    };
    if mode == "worker" || mode == "quick-worker" {
        return worker::serve::<PlainFiles>(&*hcs, rest);
    }
    match run(hcs, Path::new(state), rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut error: Option<&dyn std::error::Error> = Some(&*error);
            while let Some(said) = error {
                eprintln!("{said}");
                error = said.source();
            }
            ExitCode::FAILURE
        }
    }
}

/// Opens the stand-in: behind the system's own functions where its library is installed, else within this process.
fn service(state: &Path, limit: Duration) -> std::io::Result<Arc<dyn Hcs>> {
    #[cfg(windows)]
    if std::env::var_os("TRANSOM_STANDIN").is_some() {
        return Ok(Arc::new(Watchdog::new(transom_windows::SystemHcs, limit)));
    }
    Ok(Arc::new(Watchdog::new(Machine::open(state)?, limit)))
}

fn run(hcs: Arc<dyn Hcs>, state: &Path, arguments: &[OsString]) -> Result<(), Error> {
    let arguments: Vec<String> = arguments
        .iter()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [home, method, words @ ..] = words.as_slice() else {
        return Err("needs a store and a method".into());
    };
    let worker = Worker::Process {
        program: std::env::current_exe()?,
        arguments: vec!["quick-worker".into(), state.into()],
    };
    let engine = HcsEngine::<PlainFiles>::open(Path::new(home), hcs, worker)?;
    let driver = Driver::open(engine)?;
    let id = |index: usize| Id::new(words.get(index).copied().unwrap_or_default());
    match *method {
        "create" if words.len() == 1 => driver.create(&id(0)?, None)?,
        "create" => driver.create(&id(0)?, Some(&id(1)?))?,
        "create-writable" => {
            driver.create_writable(&id(0)?, Some(&id(1)?), [("size", "40GB")])?;
        }
        "remove" => driver.remove(&id(0)?)?,
        "exists" => println!("{}", driver.exists(&id(0)?)?),
        "get" => println!("{}", driver.get(&id(0)?)?.display()),
        "put" => driver.put(&id(0)?)?,
        "cleanup" => driver.cleanup()?,
        "diff" => {
            let mut file = File::create(words.get(1).copied().unwrap_or_default())?;
            std::io::copy(&mut driver.diff(&id(0)?)?, &mut file)?;
        }
        "changes" => {
            for change in driver.changes(&id(0)?)? {
                println!("{} {}", change.kind.number(), change.path);
            }
        }
        "diff-size" => println!("{}", driver.diff_size(&id(0)?)?),
        "apply" => {
            let mut file = File::open(words.get(2).copied().unwrap_or_default())?;
            println!("{}", driver.apply_diff(&id(0)?, Some(&id(1)?), &mut file)?);
        }
        "apply-base" => {
            let mut file = File::open(words.get(1).copied().unwrap_or_default())?;
            println!("{}", driver.apply_diff(&id(0)?, None, &mut file)?);
        }
        other => return Err(format!("no method {other:?}").into()),
    }
    Ok(())
}
