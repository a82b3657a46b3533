//! Hands libFuzzer's bytes to [`transom_fuzz::snapshot_filter`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| transom_fuzz::snapshot_filter(data));
