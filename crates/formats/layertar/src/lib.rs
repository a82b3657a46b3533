//! Tars of Windows container layers: reading every dialect, writing one, and turning entries into
//! Win32 backup streams and back.
//!
//! ```text
//!  bytes ──► parse::Parser ──► Entry ──► windows::WindowsMetadata ──► backup::write_backup_stream
//!               ▲                │            │                             (Win32 backup stream)
//!        reader::Reader          │            ▼                                    │
//!          (pull, archives)      ▼        windows::to_header ◄── backup::Plan ◄────┘
//!                        path, whiteout       │
//!                                             ▼
//!                                       write::Writer ──► bytes
//! ```
//!
//! * [`parse`] accepts what Go's `archive/tar` accepts and says where everything lies; it never copies data.
//! * [`reader`] pulls entries out of a [`std::io::Read`]; [`contents`] fills the holes of sparse entries.
//! * [`write`](mod@write) emits the canonical dialect, byte for byte what Go's `archive/tar` emits for a layer.
//! * [`windows`] knows the PAX keys that carry Windows metadata, [`whiteout`] and [`path`] what names mean.
//! * [`backup`] converts between entries and Win32 backup streams and refuses what the tar cannot hold.
//!
//! ```
//! use std::io::Write;
//! use transom_layertar::{EntryKind, Header, Limits, Reader, Shape, WindowsMetadata, Writer, windows};
//!
//! let metadata = WindowsMetadata { attributes: Some(0x20), ..WindowsMetadata::default() };
//! let mut writer = Writer::new(Vec::new());
//! writer.append(&windows::to_header(b"Files/a.txt", &Shape::File { size: 5 }, &metadata)?)?;
//! writer.write_all(b"hello")?;
//! writer.append(&Header::new(EntryKind::File, b"Files/.wh.gone.txt"))?;
//! let tar = writer.finish()?;
//!
//! let mut reader = Reader::new(&tar[..], Limits::default());
//! while let Some(entry) = reader.next_entry()? {
//!     let metadata = WindowsMetadata::from_entry(&entry)?;
//!     println!("{:?}", windows::classify(&entry, &metadata)?);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The crate opens no files and asks no clock. Input is taken to be hostile: sizes are checked, memory is
//! bounded by [`parse::Limits`], and nothing panics.
#![forbid(unsafe_code)]

pub mod backup;
pub mod contents;
pub mod parse;
pub mod path;
pub mod reader;
pub mod whiteout;
pub mod windows;
pub mod write;

pub use contents::Contents;
pub use parse::{Entry, EntryKind, Limits, ParseError, Parser, Segment, Step};
pub use path::{CleanName, PathError, Rules};
pub use reader::{ReadError, Reader};
pub use whiteout::Whiteout;
pub use windows::{Class, MetadataError, Shape, WindowsMetadata};
pub use write::{Header, WriteError, Writer};
