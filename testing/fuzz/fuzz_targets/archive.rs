//! Hands libFuzzer's bytes to [`transom_fuzz::archive`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| transom_fuzz::archive(data));
