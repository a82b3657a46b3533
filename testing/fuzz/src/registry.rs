//! What registries answer, and what users write of them.

/// `WWW-Authenticate`, `Location` and `Content-Range`.
pub fn registry_headers(data: &[u8]) {
    transom_registry::fuzzing::headers(data);
}

/// Docker's `config.json`.
pub fn docker_config(data: &[u8]) {
    transom_registry::fuzzing::docker_config(data);
}

/// Names of images.
pub fn image_name(data: &[u8]) {
    transom_registry::fuzzing::image_name(data);
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(name) = transom_oci::new_name(text)
    {
        assert_eq!(transom_oci::new_name(&name).ok().as_ref(), Some(&name));
    }
}
