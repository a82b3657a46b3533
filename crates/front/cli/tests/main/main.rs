//! The program itself, run on the bundled image.

mod copying;
mod reading;
mod storing;
mod support;
