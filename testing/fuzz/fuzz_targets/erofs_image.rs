//! Hands libFuzzer's bytes to [`transom_fuzz::erofs_image`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| transom_fuzz::erofs_image(data));
