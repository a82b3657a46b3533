//! The storage option `size`: how large a writable layer is to be.
//!
//! Values are read as `docker create --storage-opt size=…` reads them (docker/go-units, RAMInBytes): a decimal
//! number, at most one space, and a unit of 1024s: `k`, `m`, `g`, `t` or `p` in any case, followed by `i` and `b`,
//! each of which may be missing. `40GB`, `40 gib` and `40g` are the same.

/// Why a value of `size` cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// It has another form.
    #[error("invalid size: '{value}'")]
    Form {
        /// The value.
        value: String,
    },
    /// Its digits and dots are no number, such as `1.2.3`.
    #[error("invalid size: '{value}': '{number}' is no number")]
    Number {
        /// The value.
        value: String,
        /// Its digits and dots.
        number: String,
    },
    /// It is 2^63 bytes or more, which Docker's signed number does not hold.
    #[error("invalid size: '{value}' is too large")]
    TooLarge {
        /// The value.
        value: String,
    },
}

/// Looks for `size`, in any case, among storage options; all others are ignored, as Docker does.
///
/// Returns bytes; `None` if the engine's own size is to stay: without the option, and for a size of 0.
///
/// # Errors
/// A value of `size` cannot be read.
pub fn from_options<K: AsRef<str>, V: AsRef<str>>(
    options: impl IntoIterator<Item = (K, V)>,
) -> Result<Option<u64>, SizeError> {
    let mut size = None;
    for (key, value) in options {
        if key.as_ref().eq_ignore_ascii_case("size") {
            size = Some(parse(value.as_ref())?);
        }
    }
    Ok(size.filter(|&bytes| bytes > 0))
}

/// Reads a size, in bytes; what is behind the point of the product is cut off.
///
/// # Errors
/// [`SizeError`] if it is not a number with a unit, or 2^63 or more.
pub fn parse(value: &str) -> Result<u64, SizeError> {
    let owned = || value.to_owned();
    let form = || SizeError::Form { value: owned() };
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    let (number, unit) = value.split_at(value.find(|c| !is_number(c)).unwrap_or(value.len()));
    if number.split('.').any(str::is_empty) {
        return Err(form());
    }
    let multiple = unit_bytes(unit).ok_or_else(form)?;
    // Go and Rust both round a decimal number to the nearest double, so the same bytes come out.
    let number: f64 = number.parse().map_err(|_| SizeError::Number {
        value: owned(),
        number: number.to_owned(),
    })?;
    let bytes = number * multiple;
    // 2^63 as a double; below it the conversion only cuts off the fraction.
    if bytes >= 9_223_372_036_854_775_808.0 {
        return Err(SizeError::TooLarge { value: owned() });
    }
    Ok(bytes as u64)
}

/// Returns what a unit stands for, read as ` ?([kKmMgGtTpP])?[iI]?[bB]?` reads it.
fn unit_bytes(unit: &str) -> Option<f64> {
    let unit = unit.strip_prefix(' ').unwrap_or(unit);
    let power = match unit
        .bytes()
        .next()
        .map(|letter| letter.to_ascii_lowercase())
    {
        Some(b'k') => 1,
        Some(b'm') => 2,
        Some(b'g') => 3,
        Some(b't') => 4,
        Some(b'p') => 5,
        _ => 0,
    };
    let rest = match power {
        0 => unit,
        _ => &unit[1..],
    };
    let rest = rest.strip_prefix(['i', 'I']).unwrap_or(rest);
    let rest = rest.strip_prefix(['b', 'B']).unwrap_or(rest);
    rest.is_empty().then(|| 1024_f64.powi(power))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KIB: u64 = 1024;

    #[test]
    fn sizes_are_read_as_docker_reads_them() {
        for (value, bytes) in [
            ("0", 0),
            ("32", 32),
            ("32b", 32),
            ("32B", 32),
            ("32 ", 32),
            ("32i", 32),
            ("32 ib", 32),
            ("32k", 32 * KIB),
            ("32 KiB", 32 * KIB),
            ("32kI", 32 * KIB),
            ("007m", 7 * KIB.pow(2)),
            ("1.5g", 3 * KIB.pow(3) / 2),
            ("20GB", 20 * KIB.pow(3)),
            ("1 TB", KIB.pow(4)),
            ("3p", 3 * KIB.pow(5)),
            ("0.5", 0),
            ("1.9999", 1),
            ("0.0001k", 0),
            ("8191.999p", 9_223_370_910_954_868_736),
        ] {
            assert_eq!(parse(value), Ok(bytes), "{value}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for value in [
            "", " ", "hello", "-32", "+1", ".3kB", "1.", "1..2", " 32", "32  k", "32 k ", "32bb",
            "32e3", "0x1f", "32mm", "32bi", "1,5g", "32 k b", "∞", "٣", "1_000", "32\n", "inf",
            "NaN",
        ] {
            let refused = Err(SizeError::Form {
                value: value.to_owned(),
            });
            assert_eq!(parse(value), refused, "{value:?}");
        }
        let number = Err(SizeError::Number {
            value: "1.2.3k".to_owned(),
            number: "1.2.3".to_owned(),
        });
        assert_eq!(parse("1.2.3k"), number);
    }

    #[test]
    fn a_size_that_a_signed_number_does_not_hold_is_refused() {
        let digits = "9".repeat(400);
        for value in ["8192p", "9223372036854775807", digits.as_str()] {
            let refused = Err(SizeError::TooLarge {
                value: value.to_owned(),
            });
            assert_eq!(parse(value), refused);
        }
    }

    #[test]
    fn keys_are_compared_in_any_case_and_unknown_ones_ignored() {
        let options = |pairs: &[(&'static str, &'static str)]| from_options(pairs.to_vec());
        assert_eq!(options(&[]), Ok(None));
        assert_eq!(options(&[("quota", "nonsense"), ("sizes", "?")]), Ok(None));
        assert_eq!(options(&[("SiZe", "1k")]), Ok(Some(1024)));
        assert_eq!(options(&[("size", "0")]), Ok(None));
        assert!(options(&[("size", "")]).is_err());
    }

    proptest! {
        #[test]
        fn whole_numbers_are_multiplied_exactly(
            number in 0_u64..8192,
            (letter, power) in prop_oneof![
                Just(("", 0)), Just(("k", 1)), Just(("M", 2)), Just(("g", 3)), Just(("T", 4)), Just(("p", 5)),
            ],
            space in " ?",
            tail in "[iI]?[bB]?",
        ) {
            prop_assert_eq!(parse(&format!("{number}{space}{letter}{tail}")), Ok(number * KIB.pow(power)));
        }

        #[test]
        fn every_text_of_the_documented_form_is_a_size_or_says_why_not(
            value in "[0-9]{1,12}(\\.[0-9]{1,6}){0,2} ?[kKmMgGtTpP]?[iI]?[bB]?"
        ) {
            let is_number = value.matches('.').count() < 2;
            match parse(&value) {
                Ok(_) | Err(SizeError::TooLarge { .. }) => prop_assert!(is_number),
                Err(SizeError::Number { .. }) => prop_assert!(!is_number),
                Err(SizeError::Form { .. }) => prop_assert!(false, "{} has the form", value),
            }
        }

        #[test]
        fn a_larger_number_is_never_a_smaller_size(a in 0_u64..1 << 40, b in 0_u64..1 << 40, tenth in 0_u8..10) {
            let (small, large) = (a.min(b), a.max(b));
            let size = |number: u64| parse(&format!("{number}.{tenth}k")).expect("is a size");
            prop_assert!(size(small) <= size(large));
        }

        #[test]
        fn no_text_makes_reading_panic(value in any::<String>()) {
            let _ = parse(&value);
        }
    }
}
