//! Pulls and pushes against a registry of the tests that breaks whatever it is told to break.

mod authorization;
mod faults;
mod foreign;
mod hostile;
mod pushing;
mod server;
mod sharing;
mod support;
