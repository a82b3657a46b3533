//! Hands libFuzzer's bytes to [`transom_fuzz::backup_stream`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| transom_fuzz::backup_stream(data));
