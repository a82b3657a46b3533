//! Hands libFuzzer's bytes to [`transom_fuzz::graph_call`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| transom_fuzz::graph_call(data));
