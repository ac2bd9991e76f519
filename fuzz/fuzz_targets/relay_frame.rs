#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| proto::fuzz::relay_frame(bytes));
