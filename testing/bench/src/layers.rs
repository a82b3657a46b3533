//! Layers that are made: small ones to be stacked, and ones of any number of entries or bytes.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
use transom_layertar::windows::{Shape, to_header};
use transom_layertar::{WindowsMetadata, Writer};
use transom_sample::shape::{Content, LayerTree, Node, metadata};

/// FILE_ATTRIBUTE_DIRECTORY and FILE_ATTRIBUTE_ARCHIVE (MS-FSCC 2.6).
const DIRECTORY: u32 = 0x10;
const ARCHIVE: u32 = 0x20;

/// Some time in 2023, in ticks of 100 ns.
const TIME: i64 = 16_725_312_000_000_000;

/// Files that a small layer replaces, adds and deletes.
const REPLACED: usize = 20;
const ADDED: usize = 20;
const DELETED: usize = 2;

/// Where small layers add files.
const FOLDER: &str = "Files/Program Files/Added";

/// What a small layer does to the one below.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    files: Vec<(String, String)>,
    deleted: Vec<String>,
}

impl Change {
    /// The change of the layer with this number, over a base that has these files; spread over all of it.
    pub(crate) fn new(number: usize, base: &[String]) -> Self {
        let file = |place: usize| base.get(place % base.len().max(1)).cloned();
        // A prime, so that neighbours are in different folders.
        let place = |step: usize| number * 7919 + step * 104_729;
        let text = format!("changed by layer {number}\n");
        let mut files: Vec<(String, String)> = (0..REPLACED)
            .filter_map(|step| Some((file(place(step))?, text.clone())))
            .collect();
        files
            .extend((0..ADDED).map(|step| (format!("{FOLDER}/{number}-{step}.txt"), text.clone())));
        let deleted = (0..DELETED).filter_map(|step| file(place(REPLACED + step)));
        let mut deleted: Vec<String> = deleted.collect();
        deleted.retain(|path| !files.iter().any(|(other, _)| other == path));
        Self { files, deleted }
    }

    /// Writes it as a layer's tar, as a Windows exporter would.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn write_tar(&self, to: &Path) -> Result<()> {
        let mut layer = LayerTree::default();
        for (path, text) in &self.files {
            add_parents(&mut layer, path);
            let content = Content::Bytes(text.clone().into_bytes());
            layer.add(path, Node::new(metadata(TIME, ARCHIVE, None), content));
        }
        for path in &self.deleted {
            add_parents(&mut layer, path);
            layer.whiteout(path);
        }
        let file = File::create(to).with_context(|| format!("cannot make {}", to.display()))?;
        layer.write(BufWriter::new(file))?.flush()?;
        Ok(())
    }

    /// Writes it as a folder for overlay mounts.
    ///
    /// # Errors
    /// If something cannot be made.
    pub(crate) fn write_lower(&self, folder: &Path) -> Result<()> {
        let place = |path: &str| -> Result<std::path::PathBuf> {
            let place = folder.join(path);
            fs::create_dir_all(place.parent().unwrap_or(folder))?;
            Ok(place)
        };
        for (path, text) in &self.files {
            fs::write(place(path)?, text)?;
        }
        for path in &self.deleted {
            let whiteout = makedev(0, 0);
            mknodat(
                CWD,
                place(path)?,
                FileType::CharacterDevice,
                Mode::empty(),
                whiteout,
            )?;
        }
        Ok(())
    }
}

/// Adds the folders above an entry, as an exporter does.
fn add_parents(layer: &mut LayerTree, path: &str) {
    for (end, _) in path.match_indices('/') {
        if layer.node(&path[..end]).is_none() {
            let node = Node::new(metadata(TIME, 0, None), Content::Folder);
            layer.add(&path[..end], node);
        }
    }
}

/// Writes a layer with this many empty files, a thousand in each folder.
///
/// # Errors
/// If the file cannot be written.
pub(crate) fn write_entries(count: usize, to: &Path) -> Result<()> {
    let mut tar = Writer::new(BufWriter::new(File::create(to)?));
    append_folder(&mut tar, "Files")?;
    for number in 0..count {
        let folder = format!("Files/{}", number / 1000);
        if number % 1000 == 0 {
            append_folder(&mut tar, &folder)?;
        }
        let name = format!("{folder}/file-{number}.txt");
        let header = to_header(
            name.as_bytes(),
            &Shape::FileWithoutData,
            &attributes(ARCHIVE),
        )?;
        tar.append(&header)?;
    }
    Ok(tar.finish()?.flush()?)
}

/// Writes a layer with one file of this many bytes, all zero; they take no room on the disk.
///
/// # Errors
/// If the file cannot be written.
pub(crate) fn write_bytes(size: u64, to: &Path) -> Result<()> {
    let file = File::create(to)?;
    let mut tar = Writer::new(&file);
    append_folder(&mut tar, "Files")?;
    let header = to_header(
        b"Files/file.bin",
        &Shape::File { size },
        &attributes(ARCHIVE),
    )?;
    tar.append(&header)?;
    // The writer wants to see every byte; the file does not need to have them.
    drop(tar);
    let begin = file.metadata()?.len();
    // Two blocks of zeros end a tar, and a file's data ends at a block.
    Ok(file.set_len(begin + size.next_multiple_of(512) + 1024)?)
}

fn append_folder<W: Write>(tar: &mut Writer<W>, path: &str) -> Result<()> {
    let header = to_header(path.as_bytes(), &Shape::Directory, &attributes(DIRECTORY))?;
    Ok(tar.append(&header)?)
}

fn attributes(attributes: u32) -> WindowsMetadata {
    metadata(TIME, attributes, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_layers_change_different_files() {
        let base: Vec<String> = (0..10_000).map(|n| format!("Files/{n}.txt")).collect();
        let (one, next) = (Change::new(1, &base), Change::new(2, &base));
        assert_eq!(one.files.len(), REPLACED + ADDED);
        assert_eq!(one.deleted.len(), DELETED);
        assert!(one.files.iter().all(|file| !next.files.contains(file)));
    }

    #[test]
    fn a_layer_of_zeros_takes_no_room_and_can_be_read() {
        use std::os::unix::fs::MetadataExt;

        let folder = tempfile::tempdir().unwrap();
        let tar = folder.path().join("layer.tar");
        write_bytes(1 << 30, &tar).unwrap();
        let metadata = fs::metadata(&tar).unwrap();
        assert!(metadata.len() > 1 << 30 && metadata.blocks() * 512 < 1 << 20);
        let listed = std::process::Command::new("tar")
            .arg("-tf")
            .arg(&tar)
            .output();
        let listed = listed.unwrap();
        assert!(listed.status.success());
        assert_eq!(listed.stdout, b"Files\nFiles/file.bin\n");
    }
}
