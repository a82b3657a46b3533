//! The program itself, run on the bundled image.
#![expect(clippy::print_stdout, reason = "a test says why it cannot run")]

mod copying;
mod reading;
mod storing;
mod support;
