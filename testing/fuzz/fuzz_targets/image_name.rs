//! Hands libFuzzer's bytes to [`transom_fuzz::image_name`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| transom_fuzz::image_name(data));
