//! A line for each call.

use std::time::Instant;

use tonic::{Code, Status};

/// Runs a call about `key`, and logs how it went: at debug, or as a warning if it failed for reasons that are not the
/// caller's. containerd asks for much that it knows may be missing.
pub(crate) async fn logged<T>(
    method: &'static str,
    key: &str,
    call: impl Future<Output = Result<T, Status>>,
) -> Result<T, Status> {
    let start = Instant::now();
    let result = call.await;
    let milliseconds: u64 = start.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
    match &result {
        Ok(_) => tracing::debug!(method, key, milliseconds, "done"),
        Err(status) => {
            let code = status.code();
            let error = status.message();
            match is_the_callers(code) {
                true => tracing::debug!(method, key, milliseconds, ?code, error, "refused"),
                false => tracing::warn!(method, key, milliseconds, ?code, error, "failed"),
            }
        }
    }
    result
}

/// Says whether an error is about what was asked, rather than about what could not be done.
fn is_the_callers(code: Code) -> bool {
    matches!(
        code,
        Code::NotFound
            | Code::AlreadyExists
            | Code::InvalidArgument
            | Code::FailedPrecondition
            | Code::Unimplemented
            | Code::Cancelled
    )
}
