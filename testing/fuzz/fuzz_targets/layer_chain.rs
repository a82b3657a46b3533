//! Hands libFuzzer's bytes to [`transom_fuzz::layer_chain`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| transom_fuzz::layer_chain(data));
