//! Hands libFuzzer's bytes to [`transom_fuzz::mount_table`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| transom_fuzz::mount_table(data));
