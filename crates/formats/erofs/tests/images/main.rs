//! Images proven from outside: by the kernel, by a second reader, by foreign images, by damage.

mod document;
#[cfg(target_os = "linux")]
mod foreign;
mod hostile;
#[cfg(target_os = "linux")]
mod kernel;
mod read_back;
#[cfg(unix)]
mod second_reader;
mod strategy;
mod tree;
