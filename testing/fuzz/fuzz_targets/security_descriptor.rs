//! Hands libFuzzer's bytes to [`transom_fuzz::security_descriptor`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| transom_fuzz::security_descriptor(data));
