//! What containerd's clients write.

/// An error points into the filter; a filter that is read can be read twice over, too.
#[cfg(target_os = "linux")]
pub fn snapshot_filter(data: &[u8]) {
    use transom_containerd::Filter;

    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match Filter::parse(text) {
        Err(error) => assert!(text.is_char_boundary(error.at), "{error}"),
        Ok(_) if text.trim().is_empty() => {}
        Ok(_) => {
            let twice = Filter::parse(&format!("{text},{text}"));
            assert!(twice.is_ok(), "{twice:?}");
        }
    }
}

/// containerd is served on Linux only.
#[cfg(not(target_os = "linux"))]
pub fn snapshot_filter(_: &[u8]) {}
