//! Layers entry by entry: ImportLayerBegin, ExportLayerBegin and what follows them.
//!
//! hcsshim used them until 2018 where a build of Windows had them (importlayer.go, exportlayer.go); elsewhere beginning is
//! [`HcsError::Missing`]. They know no hard links. What Windows does with a stream that is given up is not known: hcsshim
//! ends each one, whole or not, and so does this.

use std::ffi::c_void;
use std::path::Path;
use std::ptr;

use transom_ntmeta::filetime::FileTime;
use windows_sys::Win32::Storage::FileSystem::FILE_BASIC_INFO;

use super::abi::{self, Begin, DriverInfo, End, pointer_to};
use super::text::{self, Made, Parents};
use super::{check, enable, some};
use crate::{BasicInfo, Descriptor, HResult, HcsError, Privilege};

type Result<T> = std::result::Result<T, HcsError>;

/// How much goes in or out at once: lengths have 32 bits.
const PIECE: usize = 1 << 20;

/// A layer that is filled entry by entry. If it is dropped before [`finish`](Self::finish) it is ended, and the layer is
/// to be destroyed.
#[derive(Debug)]
pub struct LayerImport(Stream);

/// A layer whose changes are read entry by entry.
#[derive(Debug)]
pub struct LayerExport(Stream);

/// An entry of a layer that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedEntry {
    /// Its name beneath the layer, with `/`: `Files/a.txt`.
    pub name: String,
    /// Times and attributes; `None` says that the layer deletes what its parents have there.
    pub info: Option<BasicInfo>,
    /// Bytes, as Windows counts them.
    pub size: u64,
}

/// What Windows keeps of a stream. It is used by one thread: whether others may is not known.
#[derive(Debug)]
struct Stream {
    context: *mut c_void,
    privileges: &'static [Privilege],
    end: (&'static str, fn() -> Result<End>),
}

impl Stream {
    fn begin(
        (call, function): (&'static str, fn() -> Result<Begin>),
        end: (&'static str, fn() -> Result<End>),
        privileges: &'static [Privilege],
        layer: &Path,
        parents: &[Descriptor],
    ) -> Result<Self> {
        let (layer, parents) = (text::path(call, layer)?, Parents::new(call, parents)?);
        let (list, count) = (pointer_to(parents.as_slice()), parents.as_slice().len());
        let function = function()?;
        let _privileges = enable(call, privileges)?;
        let mut stream = Self {
            context: ptr::null_mut(),
            privileges,
            end,
        };
        // SAFETY: the text ends with a NUL, there are `count` descriptors, and all live until the call returns, which
        // writes one pointer.
        let code = unsafe {
            function(
                &DriverInfo::FILTER,
                layer.as_ptr(),
                list,
                count,
                &mut stream.context,
            )
        };
        check(call, code)?;
        match stream.context.is_null() {
            true => Err(text::refused(call, "it succeeded and gave nothing".into())),
            false => Ok(stream),
        }
    }

    fn end(&mut self) -> Result<()> {
        let (call, function) = self.end;
        let context = std::mem::replace(&mut self.context, ptr::null_mut());
        if context.is_null() {
            return Ok(());
        }
        let function = function()?;
        let _privileges = enable(call, self.privileges)?;
        // SAFETY: the context is from the beginning of the stream, and nobody uses it after this.
        check(call, unsafe { function(context) })
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // Nobody waits for the answer.
        let _ = self.end();
    }
}

impl LayerImport {
    pub(super) fn begin(layer: &Path, parents: &[Descriptor]) -> Result<Self> {
        Stream::begin(
            ("ImportLayerBegin", abi::ImportLayerBegin),
            ("ImportLayerEnd", abi::ImportLayerEnd),
            &[Privilege::Backup, Privilege::Restore],
            layer,
            parents,
        )
        .map(Self)
    }

    /// Adds a file or folder; the folder that it lies in was added before. Its backup stream is to be written then.
    ///
    /// # Errors
    /// The service refuses.
    pub fn add(&mut self, name: &str, info: &BasicInfo) -> Result<()> {
        let info = FILE_BASIC_INFO {
            CreationTime: info.creation.0,
            LastAccessTime: info.last_access.0,
            LastWriteTime: info.last_write.0,
            ChangeTime: info.change.0,
            FileAttributes: info.attributes,
        };
        self.next(name, &info)
    }

    /// Deletes what the parents have of this name.
    ///
    /// # Errors
    /// The service refuses.
    pub fn remove(&mut self, name: &str) -> Result<()> {
        self.next(name, ptr::null())
    }

    fn next(&mut self, name: &str, info: *const FILE_BASIC_INFO) -> Result<()> {
        const CALL: &str = "ImportLayerNext";
        let name = text::text(CALL, &format!("\\{}", name.replace('/', "\\")))?;
        let function = abi::ImportLayerNext()?;
        let _privileges = enable(CALL, self.0.privileges)?;
        // SAFETY: the stream has not ended, the text ends with a NUL, and what `info` points to, if it is not null, is in
        // the caller's frame.
        check(CALL, unsafe {
            function(self.0.context, name.as_ptr(), info)
        })
    }

    /// Writes more of the backup stream of what was added last.
    ///
    /// # Errors
    /// The service refuses.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        const CALL: &str = "ImportLayerWrite";
        let function = abi::ImportLayerWrite()?;
        let _privileges = enable(CALL, self.0.privileges)?;
        for piece in bytes.chunks(PIECE) {
            // SAFETY: the stream has not ended, and the piece has as many bytes as is said.
            let code = unsafe { function(self.0.context, piece.as_ptr(), piece.len()) };
            check(CALL, code)?;
        }
        Ok(())
    }

    /// Ends it: then the layer is filled.
    ///
    /// # Errors
    /// The service refuses.
    pub fn finish(mut self) -> Result<()> {
        self.0.end()
    }
}

impl LayerExport {
    pub(super) fn begin(layer: &Path, parents: &[Descriptor]) -> Result<Self> {
        Stream::begin(
            ("ExportLayerBegin", abi::ExportLayerBegin),
            ("ExportLayerEnd", abi::ExportLayerEnd),
            &[Privilege::Backup],
            layer,
            parents,
        )
        .map(Self)
    }

    /// Goes to the next entry; a folder comes before what is in it.
    ///
    /// # Errors
    /// The service refuses.
    pub fn next_entry(&mut self) -> Result<Option<ExportedEntry>> {
        const CALL: &str = "ExportLayerNext";
        let mut name = Made::nothing();
        let mut info = FILE_BASIC_INFO::default();
        let (mut size, mut is_deleted) = (0, 0);
        let function = abi::ExportLayerNext()?;
        let _privileges = enable(CALL, self.0.privileges)?;
        // SAFETY: the stream has not ended; the call writes a pointer, the structure and two numbers, for which there is
        // room.
        let code = unsafe {
            function(
                self.0.context,
                name.out(),
                &mut info,
                &mut size,
                &mut is_deleted,
            )
        };
        match check(CALL, code) {
            Err(error) if error.code() == Some(HResult::NO_MORE_FILES) => return Ok(None),
            checked => checked?,
        }
        let name = some(CALL, &name)?;
        let name = name.strip_prefix('\\').unwrap_or(&name).replace('\\', "/");
        Ok(Some(ExportedEntry {
            name,
            info: (is_deleted == 0).then_some(BasicInfo {
                creation: FileTime(info.CreationTime),
                last_access: FileTime(info.LastAccessTime),
                last_write: FileTime(info.LastWriteTime),
                change: FileTime(info.ChangeTime),
                attributes: info.FileAttributes,
            }),
            size: u64::try_from(size)
                .map_err(|_| text::refused(CALL, format!("the size is {size}")))?,
        }))
    }

    /// Reads more of the entry's backup stream; 0 bytes at its end.
    ///
    /// # Errors
    /// The service refuses.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        const CALL: &str = "ExportLayerRead";
        let room = buffer.len().min(PIECE);
        let mut read = 0;
        let function = abi::ExportLayerRead()?;
        let _privileges = enable(CALL, self.0.privileges)?;
        // SAFETY: the stream has not ended, the buffer has at least as many bytes as is said, and the call writes one
        // number.
        let code = unsafe { function(self.0.context, buffer.as_mut_ptr(), room, &mut read) };
        check(CALL, code)?;
        match usize::try_from(read) {
            Ok(read) if read <= room => Ok(read),
            _ => {
                let what = format!("{read} bytes are more than there was room for");
                Err(text::refused(CALL, what))
            }
        }
    }

    /// Ends it, and says whether all was read.
    ///
    /// # Errors
    /// The service refuses, or not everything was read.
    pub fn finish(mut self) -> Result<()> {
        self.0.end()
    }
}
