//! Hands libFuzzer's bytes to [`transom_fuzz::pax_time`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| transom_fuzz::pax_time(data));
