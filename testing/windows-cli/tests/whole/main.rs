//! The whole program as a Windows program, over the stand-in behind vmcompute.dll.
#![cfg(windows)]
#![allow(clippy::print_stdout)]

mod collecting;
mod doctor;
mod elsewhere;
mod killed;
mod life;
mod parallel;
mod serving;
mod support;
