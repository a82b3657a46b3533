//! Hands libFuzzer's bytes to [`transom_fuzz::docker_config`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| transom_fuzz::docker_config(data));
