//! What Docker sends to a graph driver.

/// Bodies and queries of calls; a graph driver is served on Unix only.
pub fn graph_call(data: &[u8]) {
    #[cfg(unix)]
    transom_graphdriver::fuzzing::call(data);
    #[cfg(not(unix))]
    let _ = data;
}

/// Sizes as people write them: what is taken is a number of bytes that is a size as well.
pub fn size_option(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(bytes) = transom_driver::size::parse(text) {
        assert_eq!(transom_driver::size::parse(&bytes.to_string()), Ok(bytes));
    }
}
