//! Hands libFuzzer's bytes to [`transom_fuzz::name_fold`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| transom_fuzz::name_fold(data));
