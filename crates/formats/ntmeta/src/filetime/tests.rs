use super::*;
use proptest::prelude::*;

fn unix(seconds: i64, nanos: u32) -> UnixTime {
    UnixTime { seconds, nanos }
}

#[test]
fn filetimes_convert_as_go_does() {
    for (ticks, seconds, nanos) in [
        (131_806_944_001_234_567, 1_536_220_800, 123_456_700),
        (131_806_944_000_000_000, 1_536_220_800, 0),
        (116_444_736_000_000_000, 0, 0),
        (116_444_735_985_000_000, -2, 500_000_000),
        (0, 6_802_270_473, 709_551_616),
    ] {
        assert_eq!(FileTime(ticks).to_unix_wrapping(), unix(seconds, nanos));
    }
}

#[test]
fn filetime_zero_comes_back_from_a_tar_as_another_moment() {
    let wrapped = FileTime(0).to_unix_wrapping();
    assert_eq!(wrapped.to_pax(), "6802270473.709551616");
    assert_eq!(
        FileTime::from_unix_wrapping(wrapped),
        FileTime(0x028F_5C28_F5C2_8F5C)
    );
    assert_eq!(
        FileTime(0x028F_5C28_F5C2_8F5C).to_string(),
        "2185-07-21T23:34:33.7095516Z"
    );
    assert_eq!(FileTime(0).to_unix_checked(), None);
}

#[test]
fn the_zero_time_of_go_becomes_1754() {
    let year_one = unix(-62_135_596_800, 0);
    let imported = FileTime::from_unix_wrapping(year_one);
    assert_eq!(imported, FileTime(0x00AC_4663_BED0_AE15));
    assert_eq!(imported, FileTime(48_491_090_211_286_549));
    assert_eq!(imported.to_string(), "1754-08-30T22:43:41.1286549Z");
    assert_eq!(FileTime::from_unix_checked(year_one), None);
}

#[test]
fn ticks_are_truncated_towards_1970() {
    assert_eq!(
        FileTime::from_unix_wrapping(unix(0, 199)),
        FileTime(UNIX_EPOCH_TICKS + 1)
    );
    assert_eq!(
        FileTime::from_unix_wrapping(unix(-1, 999_999_801)),
        FileTime(UNIX_EPOCH_TICKS - 1)
    );
    assert_eq!(
        FileTime::from_unix_wrapping(unix(-1, 999_999_901)),
        FileTime(UNIX_EPOCH_TICKS)
    );
    assert_eq!(FileTime::from_unix_checked(unix(0, 199)), None);
}

#[test]
fn the_range_that_survives_ends_in_1677_and_2262() {
    let first = FileTime(i64::MIN / 100 + UNIX_EPOCH_TICKS);
    let last = FileTime(i64::MAX / 100 + UNIX_EPOCH_TICKS);
    assert_eq!(first.to_string(), "1677-09-21T00:12:43.1452242Z");
    assert_eq!(last.to_string(), "2262-04-11T23:47:16.8547758Z");
    for edge in [first, last] {
        let time = edge.to_unix_checked().expect("inside the range");
        assert_eq!(FileTime::from_unix_checked(time), Some(edge));
    }
    assert_eq!(FileTime(first.0 - 1).to_unix_checked(), None);
    assert_eq!(FileTime(last.0 + 1).to_unix_checked(), None);
    assert_eq!(FileTime(i64::MIN).to_unix_checked(), None);
}

#[test]
fn filetimes_are_shown_in_utc_with_seven_digits() {
    for (ticks, text) in [
        (0, "1601-01-01T00:00:00.0000000Z"),
        (131_806_944_001_234_567, "2018-09-06T08:00:00.1234567Z"),
        (UNIX_EPOCH_TICKS, "1970-01-01T00:00:00.0000000Z"),
        (-1, "1600-12-31T23:59:59.9999999Z"),
        (125_963_423_990_000_000, "2000-02-29T23:59:59.0000000Z"),
        (125_963_424_000_000_000, "2000-03-01T00:00:00.0000000Z"),
        (i64::MAX, "30828-09-14T02:48:05.4775807Z"),
    ] {
        assert_eq!(FileTime(ticks).to_string(), text);
    }
}

#[test]
fn pax_times_are_read_as_go_reads_them() {
    for (text, expected) in [
        ("1350244992.023960108", unix(1_350_244_992, 23_960_108)),
        ("1350244992.02396010", unix(1_350_244_992, 23_960_100)),
        ("1350244992.0239601089", unix(1_350_244_992, 23_960_108)),
        ("1350244992.3", unix(1_350_244_992, 300_000_000)),
        ("1350244992", unix(1_350_244_992, 0)),
        ("+5", unix(5, 0)),
        ("5.", unix(5, 0)),
        ("0.5", unix(0, 500_000_000)),
        ("-0.5", unix(-1, 500_000_000)),
        ("-1.5", unix(-2, 500_000_000)),
        ("-1.0", unix(-1, 0)),
        ("-1.000000000001", unix(-1, 0)),
        ("-1.9999900001", unix(-2, 10_000)),
        ("-62135596800", unix(-62_135_596_800, 0)),
        ("9223372036854775807", unix(i64::MAX, 0)),
        ("-9223372036854775808", unix(i64::MIN, 0)),
    ] {
        assert_eq!(UnixTime::parse_pax(text.as_bytes()), Ok(expected), "{text}");
    }
}

#[test]
fn what_go_refuses_as_a_pax_time_is_refused() {
    for text in [
        "",
        ".",
        ".5",
        "-",
        "+",
        "-.5",
        "abc",
        "1_000",
        " 1",
        "1 ",
        "0x1",
        "9223372036854775808",
        "1\u{e9}",
    ] {
        assert!(
            matches!(
                UnixTime::parse_pax(text.as_bytes()),
                Err(PaxTimeError::Seconds { .. })
            ),
            "{text:?}"
        );
    }
    for text in ["1.2.3", "1.-5", "1.+5", "1.5a", "1.a5", "1. 5", "5.-"] {
        assert!(
            matches!(
                UnixTime::parse_pax(text.as_bytes()),
                Err(PaxTimeError::Fraction { .. })
            ),
            "{text:?}"
        );
    }
    assert!(matches!(
        UnixTime::parse_pax(b"-9223372036854775808.5"),
        Err(PaxTimeError::OutOfRange { .. })
    ));
}

#[test]
fn pax_times_are_written_as_go_writes_them() {
    for (time, text) in [
        (unix(0, 0), "0"),
        (unix(1_350_244_992, 0), "1350244992"),
        (unix(1_350_244_992, 300_000_000), "1350244992.3"),
        (unix(1_350_244_992, 23_960_100), "1350244992.0239601"),
        (unix(0, 1), "0.000000001"),
        (unix(-1, 500_000_000), "-0.5"),
        (unix(-2, 500_000_000), "-1.5"),
        (unix(-1, 0), "-1"),
        (unix(i64::MIN, 1), "-9223372036854775807.999999999"),
    ] {
        assert_eq!(time.to_pax(), text);
    }
}

proptest! {
    #[test]
    fn pax_text_comes_back_as_the_same_time(seconds: i64, nanos in 0u32..1_000_000_000) {
        let time = unix(seconds, nanos);
        prop_assert_eq!(UnixTime::parse_pax(time.to_pax().as_bytes()), Ok(time));
    }

    #[test]
    fn arbitrary_text_never_panics(text in proptest::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(time) = UnixTime::parse_pax(&text) {
            prop_assert!(time.nanos < 1_000_000_000);
        }
    }

    #[test]
    fn checked_and_wrapping_conversions_agree_where_both_answer(ticks: i64, seconds: i64, nanos in 0u32..1_000_000_000) {
        let filetime = FileTime(ticks);
        if let Some(time) = filetime.to_unix_checked() {
            prop_assert_eq!(time, filetime.to_unix_wrapping());
            prop_assert_eq!(FileTime::from_unix_checked(time), Some(filetime));
        }
        let time = unix(seconds, nanos);
        if let Some(filetime) = FileTime::from_unix_checked(time) {
            prop_assert_eq!(filetime, FileTime::from_unix_wrapping(time));
            prop_assert_eq!(filetime.to_unix_checked(), Some(time));
        }
        prop_assert!(filetime.to_string().ends_with('Z'));
    }

    #[test]
    fn recent_filetimes_survive_a_round_trip(ticks in UNIX_EPOCH_TICKS - 80_000_000_000_000_000..UNIX_EPOCH_TICKS + 80_000_000_000_000_000) {
        let filetime = FileTime(ticks);
        prop_assert_eq!(FileTime::from_unix_wrapping(filetime.to_unix_wrapping()), filetime);
        prop_assert_eq!(FileTime::from_unix_checked(filetime.to_unix_checked().unwrap()), Some(filetime));
    }
}
