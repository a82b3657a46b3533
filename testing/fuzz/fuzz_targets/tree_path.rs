//! Hands libFuzzer's bytes to [`transom_fuzz::tree_path`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| transom_fuzz::tree_path(data));
