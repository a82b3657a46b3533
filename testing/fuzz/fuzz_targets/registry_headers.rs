//! Hands libFuzzer's bytes to [`transom_fuzz::registry_headers`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| transom_fuzz::registry_headers(data));
