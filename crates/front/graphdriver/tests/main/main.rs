//! The protocol, spoken over a real socket.
#![cfg(unix)]

mod calls;
#[cfg(target_os = "linux")]
mod graphtest;
mod hostile;
mod interrupted;
mod server;
