//! How often something is tried again, and after how long.

use std::thread;
use std::time::Duration;

use crate::error::RegistryError;

/// Longest wait that a registry may ask for; one that wants more is told of instead.
const LONGEST_WAIT: Duration = Duration::from_secs(120);
/// Longest wait of our own.
const LONGEST_DELAY: Duration = Duration::from_secs(16);

/// How often a request that may pass is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// How often it is tried again after it failed. A blob that has brought a megabyte since the last
    /// failure begins to count anew.
    pub count: u32,
    /// The wait before the first of them; each further one is twice as long, up to 16 seconds.
    pub delay: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            count: 5,
            delay: Duration::from_millis(500),
        }
    }
}

impl Retries {
    /// Waits before the next try after `failures` of them, the last for this reason.
    ///
    /// # Errors
    /// The reason, if there is to be no further try.
    pub(crate) fn wait(&self, failures: u32, reason: RegistryError) -> Result<(), RegistryError> {
        let asked = reason.retry_after();
        let is_patient = asked.is_none_or(|asked| asked <= LONGEST_WAIT);
        if failures > self.count || !reason.may_pass() || !is_patient {
            return Err(reason);
        }
        let doubled = 1u32
            .checked_shl(failures.saturating_sub(1))
            .unwrap_or(u32::MAX);
        let delay = self.delay.saturating_mul(doubled).min(LONGEST_DELAY);
        thread::sleep(asked.unwrap_or(delay));
        Ok(())
    }

    /// Does `work` until it succeeds, fails for good or has failed too often.
    pub(crate) fn run<T>(
        &self,
        mut work: impl FnMut() -> Result<T, RegistryError>,
    ) -> Result<T, RegistryError> {
        let mut failures = 0;
        loop {
            match work() {
                Ok(value) => return Ok(value),
                Err(error) => {
                    failures += 1;
                    self.wait(failures, error)?;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn status(status: u16, retry_after: Option<u64>) -> RegistryError {
        RegistryError::Status {
            what: "x".to_owned(),
            place: "y".to_owned(),
            status,
            said: String::new(),
            retry_after: retry_after.map(Duration::from_secs),
        }
    }

    const QUICK: Retries = Retries {
        count: 3,
        delay: Duration::from_millis(1),
    };

    #[test]
    fn what_may_pass_is_tried_again_but_not_for_ever() {
        let mut tries = 0;
        let result: Result<(), _> = QUICK.run(|| {
            tries += 1;
            Err(status(503, None))
        });
        assert!(result.is_err());
        assert_eq!(tries, 4);
    }

    #[test]
    fn what_will_not_pass_is_not_tried_again() {
        for error in [status(404, None), status(429, Some(100_000))] {
            let mut error = Some(error);
            let result: Result<(), _> = QUICK.run(|| Err(error.take().expect("only once")));
            assert!(result.is_err());
        }
    }

    #[test]
    fn the_wait_asked_for_is_waited() {
        let start = Instant::now();
        let mut first = true;
        let result = QUICK.run(|| {
            if std::mem::take(&mut first) {
                return Err(status(429, Some(1)));
            }
            Ok(())
        });
        result.unwrap();
        assert!(start.elapsed() >= Duration::from_secs(1));
    }
}
