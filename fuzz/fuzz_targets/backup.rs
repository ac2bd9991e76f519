#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| client::backup::fuzz::backup(bytes));
