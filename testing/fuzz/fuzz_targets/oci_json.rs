//! Hands libFuzzer's bytes to [`transom_fuzz::oci_json`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| transom_fuzz::oci_json(data));
