//! Hands libFuzzer's bytes to [`transom_fuzz::size_option`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| transom_fuzz::size_option(data));
