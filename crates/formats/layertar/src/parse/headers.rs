//! From header blocks and extension headers to entries.

use transom_ntmeta::filetime::UnixTime;

use super::block::{self, BLOCK, Formats, RawHeader, kind_of};
use super::entry::{Entry, EntryKind, Format};
use super::error::ParseError;
use super::sparse::{self, MapError};
use super::sparse_entry::pax_sparse_format;
use super::text::{self, c_string, decimal};
use super::{Body, Draft, Parser, Pending, State, Step, padding, pax};

impl Parser {
    /// Takes a header block: an extension header waits for its body, any other one makes an entry.
    pub(super) fn header(
        &mut self,
        header: RawHeader,
        offset: u64,
    ) -> Result<Option<Step>, ParseError> {
        self.pending.header_offset.get_or_insert(offset);
        self.pending.formats = self.pending.formats.and(header.formats);
        let (what, limit, formats) = match header.typeflag {
            b'x' | b'g' => ("the PAX header's size", self.limits.pax_bytes, Formats::PAX),
            b'L' | b'K' => ("the long name's size", self.limits.name_bytes, Formats::GNU),
            _ => return self.main_header(header, offset),
        };
        self.pending.formats = self.pending.formats.and(formats);
        let size = stored_size(&header, kind_of(header.typeflag), offset)?;
        let within = usize::try_from(size).ok().filter(|_| size <= limit);
        let size = within.ok_or(ParseError::OverLimit {
            offset,
            what,
            found: size,
            limit,
        })?;
        self.state = State::Body(Box::new(Body {
            header,
            offset,
            size,
            bytes: Vec::new(),
        }));
        self.end_body_if_full()
    }

    /// Reads the body of an extension header once all of it is there.
    pub(super) fn end_body_if_full(&mut self) -> Result<Option<Step>, ParseError> {
        let (size, body) = match std::mem::replace(&mut self.state, State::Header) {
            State::Body(body) if body.bytes.len() == body.size => (body.size as u64, body),
            unfinished => {
                self.state = unfinished;
                return Ok(None);
            }
        };
        self.state = State::Data {
            data: 0,
            padding: padding(size),
        };
        let records = |bytes: &[u8]| pax::records(bytes, body.offset.saturating_add(BLOCK as u64));
        match body.header.typeflag {
            b'x' => self.pending.pax = records(&body.bytes)?,
            b'L' => self.pending.long_name = c_string(&body.bytes).to_vec(),
            b'K' => self.pending.long_link = c_string(&body.bytes).to_vec(),
            _ => {
                let records = records(&body.bytes)?;
                return self.global_header(*body, records).map(Some);
            }
        }
        Ok(None)
    }

    /// Shows a `g` header as an entry; extension headers before it are dropped, as Go drops them.
    fn global_header(&mut self, body: Body, records: pax::Records) -> Result<Step, ParseError> {
        let pending = std::mem::replace(&mut self.pending, Pending::none());
        let mut entry = new_entry(body.header, body.offset)?;
        entry.header_offset = pending.header_offset.unwrap_or(body.offset);
        entry.data_offset = self.position;
        entry.kind = EntryKind::GlobalHeader;
        entry.pax = records;
        entry.format = pending.formats.settle();
        self.entry_name.clone_from(&entry.name);
        Ok(Step::Entry(Box::new(entry)))
    }

    fn main_header(
        &mut self,
        mut header: RawHeader,
        offset: u64,
    ) -> Result<Option<Step>, ParseError> {
        // Go checks the header's own size even where a PAX record replaces it.
        stored_size(&header, kind_of(header.typeflag), offset)?;
        let pending = std::mem::replace(&mut self.pending, Pending::none());
        apply_records(&mut header, &pending.pax, offset)?;
        if !pending.long_name.is_empty() {
            header.name = pending.long_name;
        }
        if !pending.long_link.is_empty() {
            header.link_name = pending.long_link;
        }
        let is_gnu = header.is_gnu;
        let size = stored_size(&header, final_kind(&header), offset)?;
        let mut entry = new_entry(header, offset)?;
        entry.header_offset = pending.header_offset.unwrap_or(offset);
        entry.data_offset = self.position;
        entry.stored_size = size;
        entry.size = size;
        entry.pax = pending.pax;
        entry.format = pending.formats.settle();
        let fits = entry
            .data_offset
            .checked_add(size)
            .and_then(|end| end.checked_add(BLOCK as u64));
        fits.ok_or(ParseError::TooFar { offset, size })?;

        let mut draft = Box::new(Draft { entry, offset });
        if draft.entry.typeflag == b'S' {
            if !is_gnu {
                return Err(self.map_error(
                    &draft,
                    MapError::Rule("star's sparse format is not supported"),
                ));
            }
            let block = self.block;
            let real_size = text::number(block::part(&block, 483, 12));
            draft.entry.size =
                real_size
                    .and_then(|n| u64::try_from(n).ok())
                    .ok_or(ParseError::BadNumber {
                        offset,
                        field: "realsize",
                    })?;
            let mut map = Vec::new();
            let more =
                sparse::old_gnu_header(&block, &mut map).map_err(|e| self.map_error(&draft, e))?;
            return self.old_sparse(draft, map, more);
        }
        match pax_sparse_format(&draft.entry) {
            None => Ok(Some(self.emit(draft.entry))),
            Some(format) => self.pax_sparse(draft, format),
        }
    }
}

/// Bytes of data behind a header, 0 for kinds that have none.
fn stored_size(header: &RawHeader, kind: EntryKind, offset: u64) -> Result<u64, ParseError> {
    if kind.is_header_only() {
        return Ok(0);
    }
    u64::try_from(header.size).map_err(|_| ParseError::NegativeSize {
        offset,
        name: header.name.clone(),
        size: header.size,
    })
}

/// Tells the kind once the name is known: V7 marks directories by a trailing slash.
fn final_kind(header: &RawHeader) -> EntryKind {
    match header.typeflag {
        0 if header.name.ends_with(b"/") => EntryKind::Directory,
        flag => kind_of(flag),
    }
}

/// Replaces header fields by PAX records; an empty value leaves the field as it is.
fn apply_records(
    header: &mut RawHeader,
    records: &pax::Records,
    offset: u64,
) -> Result<(), ParseError> {
    for (key, value) in records.iter().filter(|(_, value)| !value.is_empty()) {
        let bad = |key| ParseError::BadPaxValue {
            offset,
            key,
            value: value.clone(),
        };
        let integer = |key| decimal(value).ok_or(bad(key));
        let time = |key| UnixTime::parse_pax(value).map_err(|_| bad(key));
        match key.as_slice() {
            b"path" => header.name.clone_from(value),
            b"linkpath" => header.link_name.clone_from(value),
            b"uname" => header.uname.clone_from(value),
            b"gname" => header.gname.clone_from(value),
            b"uid" => header.uid = integer("uid")?,
            b"gid" => header.gid = integer("gid")?,
            b"size" => header.size = integer("size")?,
            b"mtime" => header.mtime = time("mtime")?,
            b"atime" => header.atime = Some(time("atime")?),
            b"ctime" => header.ctime = Some(time("ctime")?),
            _ => {}
        }
    }
    Ok(())
}

/// Makes an entry without data from a header; the caller places it.
fn new_entry(header: RawHeader, offset: u64) -> Result<Entry, ParseError> {
    let kind = final_kind(&header);
    Ok(Entry {
        header_offset: offset,
        data_offset: offset,
        stored_size: 0,
        kind,
        name: header.name,
        link_name: header.link_name,
        size: 0,
        mode: u32::try_from(header.mode).map_err(|_| ParseError::BadNumber {
            offset,
            field: "mode",
        })?,
        uid: header.uid,
        gid: header.gid,
        uname: header.uname,
        gname: header.gname,
        mtime: header.mtime,
        atime: header.atime,
        ctime: header.ctime,
        dev_major: header.dev_major,
        dev_minor: header.dev_minor,
        pax: Vec::new(),
        sparse: None,
        typeflag: header.typeflag,
        format: Format::Unknown,
    })
}
