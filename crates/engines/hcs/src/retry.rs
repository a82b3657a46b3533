//! Calls that may succeed when they are tried again.

use std::thread;
use std::time::Duration;

use transom_windows::HcsError;

/// How often something is tried in all, and how long is waited in between.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tries {
    pub(crate) count: u32,
    pub(crate) pause: Duration,
}

/// Does `work`, which gets the number of tries before, and again while it fails in a way that `is_transient`.
pub(crate) fn retry<T>(
    tries: Tries,
    is_transient: impl Fn(&HcsError) -> bool,
    mut work: impl FnMut(u32) -> Result<T, HcsError>,
) -> Result<T, HcsError> {
    let mut before = 0;
    loop {
        match work(before) {
            Err(error) if is_transient(&error) && before + 1 < tries.count => {
                before += 1;
                thread::sleep(tries.pause);
            }
            result => return result,
        }
    }
}
