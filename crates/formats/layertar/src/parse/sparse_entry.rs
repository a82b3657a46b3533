//! Entries whose sparse map comes in pieces: its states, and the entry at their end.

use super::block::{BLOCK, Block};
use super::entry::Entry;
use super::error::ParseError;
use super::sparse::{self, MapError, MapText, Pair};
use super::text::decimal;
use super::{Draft, Parser, State, Step};

impl Parser {
    pub(super) fn old_sparse(
        &mut self,
        draft: Box<Draft>,
        map: Vec<Pair>,
        more: bool,
    ) -> Result<Option<Step>, ParseError> {
        if map.len() > self.limits.sparse_segments {
            return Err(self.map_error(&draft, MapError::TooMany(map.len())));
        }
        if more {
            self.state = State::OldSparse { draft, map };
            return Ok(None);
        }
        self.emit_sparse(draft, &map).map(Some)
    }

    pub(super) fn pax_sparse(
        &mut self,
        mut draft: Box<Draft>,
        format: PaxSparse,
    ) -> Result<Option<Step>, ParseError> {
        let entry = &mut draft.entry;
        let value = |key: &[u8]| entry.pax_value(key).filter(|v| !v.is_empty());
        let size = match value(b"GNU.sparse.size").or_else(|| value(b"GNU.sparse.realsize")) {
            None => Some(entry.size),
            Some(text) => decimal(text).and_then(|n| u64::try_from(n).ok()),
        };
        let name = value(b"GNU.sparse.name").map(<[u8]>::to_vec);
        if let Some(name) = name {
            entry.name = name;
        }
        let is_header_only = entry.kind.is_header_only();
        match size {
            Some(size) => entry.size = size,
            None => return Err(self.map_error(&draft, MapError::Rule("its size is bad"))),
        }
        if is_header_only {
            return Err(self.map_error(&draft, MapError::Rule("only files can be sparse")));
        }
        match format {
            PaxSparse::InRecords => {
                let value = |key: &[u8]| draft.entry.pax_value(key).unwrap_or_default();
                let map =
                    sparse::from_records(value(b"GNU.sparse.numblocks"), value(b"GNU.sparse.map"))
                        .map_err(|e| self.map_error(&draft, e))?;
                self.emit_sparse(draft, &map).map(Some)
            }
            PaxSparse::InData => {
                self.require_map_block(&draft)?;
                self.state = State::SparseText {
                    draft,
                    text: MapText::default(),
                };
                Ok(None)
            }
        }
    }

    /// The map is part of the stored data: each of its blocks must be there.
    fn require_map_block(&self, draft: &Draft) -> Result<(), ParseError> {
        if draft.entry.stored_size < BLOCK as u64 {
            return Err(self.map_error(draft, MapError::Rule("its map is longer than its data")));
        }
        Ok(())
    }

    pub(super) fn sparse_text(
        &mut self,
        mut draft: Box<Draft>,
        mut text: MapText,
        block: &Block,
    ) -> Result<Option<Step>, ParseError> {
        draft.entry.stored_size -= BLOCK as u64;
        draft.entry.data_offset = self.position;
        let map = text
            .push(block, self.limits.sparse_segments)
            .map_err(|e| self.map_error(&draft, e))?;
        if let Some(map) = map {
            return self.emit_sparse(draft, &map).map(Some);
        }
        if text.len() >= self.limits.pax_bytes {
            return Err(ParseError::OverLimit {
                offset: draft.offset,
                what: "the sparse map's size",
                found: text.len() + 1,
                limit: self.limits.pax_bytes,
            });
        }
        self.require_map_block(&draft)?;
        self.state = State::SparseText { draft, text };
        Ok(None)
    }

    fn emit_sparse(&mut self, mut draft: Box<Draft>, map: &[Pair]) -> Result<Step, ParseError> {
        // Old GNU extension blocks lie before the data and are not part of its size.
        draft.entry.data_offset = self.position;
        let limit = self.limits.sparse_segments;
        let (size, stored_size) = (draft.entry.size, draft.entry.stored_size);
        let placed = sparse::place(map, size, self.position, stored_size, limit);
        draft.entry.sparse = Some(placed.map_err(|e| self.map_error(&draft, e))?);
        Ok(self.emit(draft.entry))
    }

    pub(super) fn map_error(&self, draft: &Draft, error: MapError) -> ParseError {
        match error {
            MapError::Rule(rule) => ParseError::BadSparseMap {
                offset: draft.offset,
                name: draft.entry.name.clone(),
                rule,
            },
            MapError::TooMany(found) => ParseError::OverLimit {
                offset: draft.offset,
                what: "the number of sparse segments",
                found: found as u64,
                limit: self.limits.sparse_segments as u64,
            },
        }
    }
}

/// Where a PAX sparse entry keeps its map.
#[derive(Debug, Clone, Copy)]
pub(super) enum PaxSparse {
    /// Formats 0.0 and 0.1.
    InRecords,
    /// Format 1.0.
    InData,
}

/// Tells the sparse format by version, or by the map when no version is given; unknown versions are not sparse.
pub(super) fn pax_sparse_format(entry: &Entry) -> Option<PaxSparse> {
    let value = |key: &[u8]| entry.pax_value(key).unwrap_or_default();
    match (value(b"GNU.sparse.major"), value(b"GNU.sparse.minor")) {
        (b"0", b"0" | b"1") => Some(PaxSparse::InRecords),
        (b"1", b"0") => Some(PaxSparse::InData),
        (b"", b"") if !value(b"GNU.sparse.map").is_empty() => Some(PaxSparse::InRecords),
        _ => None,
    }
}
