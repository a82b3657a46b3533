//! Hands libFuzzer's bytes to [`transom_fuzz::whiteout`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| transom_fuzz::whiteout(data));
