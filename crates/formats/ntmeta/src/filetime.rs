//! Times: FILETIME, Unix time, and the text form of times in PAX headers.
//!
//! A layer's times start as FILETIMEs and travel as PAX text. The tool that made almost every Windows layer
//! (go-winio backuptar) goes through signed 64-bit nanoseconds on the way and wraps outside 1677–2262, so
//! both its arithmetic (`…_wrapping`) and one that refuses to lose anything (`…_checked`) are here.

use std::fmt;

#[cfg(test)]
mod tests;

/// FILETIME ticks between 1601-01-01 and 1970-01-01.
const UNIX_EPOCH_TICKS: i64 = 116_444_736_000_000_000;
const NANOS_PER_TICK: i64 = 100;
const TICKS_PER_SECOND: i64 = 10_000_000;
const NANOS_PER_SECOND: i64 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// A Windows FILETIME: 100 ns ticks since 1601-01-01T00:00:00Z (MS-DTYP 2.3.3), kept as the raw signed number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FileTime(pub i64);

/// A Unix time: whole seconds since 1970-01-01T00:00:00Z, rounded down, and the nanoseconds after them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixTime {
    /// Seconds since 1970, rounded towards the past.
    pub seconds: i64,
    /// Nanoseconds after `seconds`; less than 1,000,000,000.
    pub nanos: u32,
}

/// Why a PAX time record is not a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PaxTimeError {
    /// The part before the point is not a decimal number of 64 bits.
    #[error("PAX time {text:?}: the seconds are not a signed 64-bit decimal number")]
    Seconds {
        /// The whole record value, with bytes that are not UTF-8 replaced.
        text: String,
    },
    /// The part after the point holds something that is not a digit.
    #[error("PAX time {text:?}: the fraction holds something other than digits")]
    Fraction {
        /// The whole record value, with bytes that are not UTF-8 replaced.
        text: String,
    },
    /// The fraction would take the time below the smallest second there is.
    #[error("PAX time {text:?} is too far in the past")]
    OutOfRange {
        /// The whole record value, with bytes that are not UTF-8 replaced.
        text: String,
    },
}

impl FileTime {
    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: FileTime = FileTime(UNIX_EPOCH_TICKS);

    /// Converts as go-winio does: through 64-bit nanoseconds that wrap around outside 1677-09-21 … 2262-04-11.
    ///
    /// A FILETIME of 0 becomes a moment in 2185.
    pub fn to_unix_wrapping(self) -> UnixTime {
        let nanos = self
            .0
            .wrapping_sub(UNIX_EPOCH_TICKS)
            .wrapping_mul(NANOS_PER_TICK);
        UnixTime::from_nanos(nanos)
    }

    /// Converts, or returns `None` where [`FileTime::to_unix_wrapping`] would name another moment.
    pub fn to_unix_checked(self) -> Option<UnixTime> {
        self.0
            .checked_sub(UNIX_EPOCH_TICKS)?
            .checked_mul(NANOS_PER_TICK)
            .map(UnixTime::from_nanos)
    }

    /// Converts as go-winio does: 64-bit nanoseconds that wrap around, then ticks truncated towards 1970.
    pub fn from_unix_wrapping(time: UnixTime) -> FileTime {
        let nanos = time
            .seconds
            .wrapping_mul(NANOS_PER_SECOND)
            .wrapping_add(i64::from(time.nanos));
        // |nanos / 100| < 2^57, so the sum cannot overflow.
        FileTime(nanos / NANOS_PER_TICK + UNIX_EPOCH_TICKS)
    }

    /// Converts, or returns `None` where [`FileTime::from_unix_wrapping`] would wrap or drop digits below 100 ns.
    pub fn from_unix_checked(time: UnixTime) -> Option<FileTime> {
        // In 128 bits, because the seconds alone of the earliest representable time do not fit in 64 as nanoseconds.
        let nanos =
            i128::from(time.seconds) * i128::from(NANOS_PER_SECOND) + i128::from(time.nanos);
        let nanos = i64::try_from(nanos).ok()?;
        (nanos % NANOS_PER_TICK == 0).then(|| FileTime(nanos / NANOS_PER_TICK + UNIX_EPOCH_TICKS))
    }
}

/// Writes ISO 8601 in UTC with all seven digits, such as `2018-09-06T08:00:00.1234567Z`.
impl fmt::Display for FileTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(TICKS_PER_SECOND);
        let ticks = self.0.rem_euclid(TICKS_PER_SECOND);
        let second_of_day = seconds.rem_euclid(SECONDS_PER_DAY);
        let (year, month, day) = civil_from_days(seconds.div_euclid(SECONDS_PER_DAY));
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{ticks:07}Z",
            second_of_day / 3600,
            second_of_day / 60 % 60,
            second_of_day % 60,
        )
    }
}

/// Year, month and day of the proleptic Gregorian calendar, from days since 1601-01-01.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    // Years are counted from 1 March, so that the leap day is the last of its year; eras are 400 years.
    const DAYS_PER_ERA: i64 = 146_097;
    const MARCH_1600_TO_JANUARY_1601: i64 = 306;
    let days = days + MARCH_1600_TO_JANUARY_1601;
    let era = days.div_euclid(DAYS_PER_ERA);
    let day_of_era = days.rem_euclid(DAYS_PER_ERA);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = 1600 + era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

impl UnixTime {
    fn from_nanos(nanos: i64) -> UnixTime {
        UnixTime {
            seconds: nanos.div_euclid(NANOS_PER_SECOND),
            nanos: nanos.rem_euclid(NANOS_PER_SECOND) as u32,
        }
    }

    /// Parses the value of a PAX time record as Go's archive/tar does.
    ///
    /// The sign belongs to the whole number (`-1.5` is one and a half seconds before 1970), digits after the ninth are
    /// dropped, and a point without digits after it is allowed.
    ///
    /// # Errors
    /// What Go calls `ErrHeader`: seconds that are missing or not 64-bit decimal, a fraction that is not all digits.
    pub fn parse_pax(value: &[u8]) -> Result<UnixTime, PaxTimeError> {
        let text = || String::from_utf8_lossy(value).into_owned();
        let (whole, fraction) = match value.iter().position(|&byte| byte == b'.') {
            Some(at) => (&value[..at], &value[at + 1..]),
            None => (value, &value[value.len()..]),
        };
        let seconds: i64 = std::str::from_utf8(whole)
            .ok()
            .and_then(|whole| whole.parse().ok())
            .ok_or_else(|| PaxTimeError::Seconds { text: text() })?;
        if !fraction.iter().all(u8::is_ascii_digit) {
            return Err(PaxTimeError::Fraction { text: text() });
        }
        let nanos = fraction
            .iter()
            .chain(std::iter::repeat(&b'0'))
            .take(9)
            .fold(0u32, |nanos, digit| nanos * 10 + u32::from(digit - b'0'));

        // The sign is looked up in the text: "-0.5" has no negative seconds to show it.
        if nanos == 0 || !whole.starts_with(b"-") {
            return Ok(UnixTime { seconds, nanos });
        }
        let seconds = seconds
            .checked_sub(1)
            .ok_or_else(|| PaxTimeError::OutOfRange { text: text() })?;
        Ok(UnixTime {
            seconds,
            nanos: NANOS_PER_SECOND as u32 - nanos,
        })
    }

    /// Writes the time as Go's archive/tar does: seconds, and only if there is a fraction, its digits without
    /// trailing zeros. Negative times are written as sign and magnitude.
    pub fn to_pax(&self) -> String {
        if self.nanos == 0 {
            return self.seconds.to_string();
        }
        let (sign, seconds, nanos) = if self.seconds < 0 {
            let nanos = (NANOS_PER_SECOND as u32).saturating_sub(self.nanos);
            ("-", -(self.seconds + 1), nanos)
        } else {
            ("", self.seconds, self.nanos)
        };
        let text = format!("{sign}{seconds}.{nanos:09}");
        text.trim_end_matches('0').to_owned()
    }
}
