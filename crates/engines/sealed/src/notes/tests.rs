//! The log against the catalog.
