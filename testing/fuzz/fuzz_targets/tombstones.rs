//! Hands libFuzzer's bytes to [`transom_fuzz::tombstones`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| transom_fuzz::tombstones(data));
