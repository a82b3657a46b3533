//! A Windows layer as a tree in memory, and the tar that the reference exporter makes of such a tree.
//!
//! Entries come in the order of hcsshim's layer reader: folders before their content, the names of one folder in byte
//! order, whiteouts right behind the folder they act in (hcsshim, internal/wclayer/legacy.go). The sample, tests and
//! the benchmark make their layers with this.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use transom_layertar::parse::EntryKind;
use transom_layertar::whiteout;
use transom_layertar::windows::{Shape, to_header};
use transom_layertar::write::{Header, Writer};
use transom_ntmeta::filetime::FileTime;

pub use transom_layertar::windows::WindowsMetadata;

/// FILE_ATTRIBUTE_DIRECTORY and FILE_ATTRIBUTE_REPARSE_POINT (MS-FSCC 2.6).
const DIRECTORY: u32 = 0x10;
const REPARSE_POINT: u32 = 0x400;

/// Makes metadata with four different times; the file is made `creation` ticks of 100 ns after 1970 and written to a
/// minute later.
pub fn metadata(creation: i64, attributes: u32, security: Option<Vec<u8>>) -> WindowsMetadata {
    let time = |later: i64| FileTime(FileTime::UNIX_EPOCH.0 + creation + later).to_unix_wrapping();
    WindowsMetadata {
        attributes: Some(attributes),
        creation: Some(time(0)),
        last_access: Some(time(36_000_000_000)),
        last_write: time(600_000_000),
        change: Some(time(600_000_001)),
        security,
        ..WindowsMetadata::default()
    }
}

/// What an entry of a layer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A folder.
    Folder,
    /// A file without a data stream, as Windows exports most empty files.
    NoData,
    /// A file with these bytes, which may be none.
    Bytes(Vec<u8>),
    /// A file whose bytes are read from this path when the layer is written.
    OnDisk(PathBuf),
    /// A symbolic link to a file.
    FileLink(String),
    /// A symbolic link to a folder.
    FolderLink(String),
    /// A mount point.
    Junction(String),
    /// Another name of the file at this path of the layer.
    HardLink(String),
}

impl Content {
    /// The attribute bits that say what an entry is.
    fn attributes(&self) -> u32 {
        match self {
            Self::Folder => DIRECTORY,
            Self::FolderLink(_) | Self::Junction(_) => DIRECTORY | REPARSE_POINT,
            Self::FileLink(_) => REPARSE_POINT,
            Self::NoData | Self::Bytes(_) | Self::OnDisk(_) | Self::HardLink(_) => 0,
        }
    }
}

/// An entry with its metadata and alternate streams.
#[derive(Debug, Clone)]
pub struct Node {
    /// Attributes, times, security descriptor, extended attributes. The attribute bits for folders and links are
    /// added when the layer is written.
    pub metadata: WindowsMetadata,
    /// What the entry is.
    pub content: Content,
    streams: Vec<(String, Vec<u8>)>,
}

impl Node {
    /// Makes an entry without alternate streams.
    pub fn new(metadata: WindowsMetadata, content: Content) -> Self {
        Self {
            metadata,
            content,
            streams: Vec::new(),
        }
    }

    /// Sets attribute bits.
    pub fn add_attributes(&mut self, attributes: u32) {
        *self.metadata.attributes.get_or_insert_default() |= attributes;
    }

    /// Adds an alternate stream.
    pub fn stream(&mut self, name: &str, bytes: impl Into<Vec<u8>>) -> &mut Self {
        self.streams.push((name.to_owned(), bytes.into()));
        self
    }
}

/// The names from the layer's root down: compared name by name, as the exporter walks.
type Place = Vec<String>;

/// The entries of one layer.
#[derive(Debug, Default)]
pub struct LayerTree {
    nodes: BTreeMap<Place, Node>,
    /// Names hidden in lower layers, by the folder they are in.
    whiteouts: BTreeMap<Place, BTreeSet<String>>,
}

impl LayerTree {
    /// Adds the entry at `path`, which is separated by `/` and begins with `Files`, `Hives` or `UtilityVM`.
    pub fn add(&mut self, path: &str, node: Node) -> &mut Node {
        let slot = self
            .nodes
            .entry(place(path))
            .or_insert_with(|| node.clone());
        *slot = node;
        slot
    }

    /// Returns the entry at `path` for changes.
    pub fn node(&mut self, path: &str) -> Option<&mut Node> {
        self.nodes.get_mut(&place(path))
    }

    /// Returns the paths of all files that have data, in the order of the layer.
    pub fn files(&self) -> impl Iterator<Item = String> {
        let has_data = |node: &Node| matches!(node.content, Content::Bytes(_) | Content::OnDisk(_));
        self.nodes
            .iter()
            .filter(move |(_, node)| has_data(node))
            .map(|(place, _)| place.join("/"))
    }

    /// Adds a whiteout: hides what lower layers have at `path`.
    pub fn whiteout(&mut self, path: &str) {
        let mut folder = place(path);
        let name = folder.pop().unwrap_or_default();
        self.whiteouts.entry(folder).or_default().insert(name);
    }

    /// Adds what the folder `source` holds under the folder `path`; `metadata` is asked for each entry, by its path.
    ///
    /// Files are read when the layer is written.
    ///
    /// # Errors
    /// If a folder cannot be listed, or has names that are not UTF-8 or entries other than files and folders.
    pub fn add_folder(
        &mut self,
        path: &str,
        source: &Path,
        metadata: &mut dyn FnMut(&str, &Content) -> WindowsMetadata,
    ) -> Result<()> {
        let entries =
            fs::read_dir(source).with_context(|| format!("cannot list {}", source.display()))?;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().into_string();
            let name = name.map_err(|name| anyhow::anyhow!("the name {name:?} is not UTF-8"))?;
            let (path, source) = (format!("{path}/{name}"), entry.path());
            let kind = entry.file_type()?;
            ensure!(
                kind.is_dir() || kind.is_file(),
                "{} is neither file nor folder",
                source.display()
            );
            let content = if kind.is_dir() {
                Content::Folder
            } else {
                Content::OnDisk(source.clone())
            };
            self.add(&path, Node::new(metadata(&path, &content), content));
            if kind.is_dir() {
                self.add_folder(&path, &source, metadata)?;
            }
        }
        Ok(())
    }

    /// Returns the number of entries; alternate streams and whiteouts are not counted.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Says whether the layer has no entries.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Writes the layer as a tar and gives the sink back.
    ///
    /// # Errors
    /// If an entry's folder is missing, a hard link does not come after its target, an entry cannot be represented, or
    /// reading or writing fails.
    pub fn write<W: Write>(&self, sink: W) -> Result<W> {
        let mut writer = Writer::new(sink);
        for (place, node) in &self.nodes {
            let path = place.join("/");
            self.check(place, node)
                .with_context(|| format!("entry {path}"))?;
            write_node(&mut writer, &path, node).with_context(|| format!("entry {path}"))?;
            for name in self.whiteouts.get(place).into_iter().flatten() {
                let name = whiteout::name_of(format!("{path}/{name}").as_bytes());
                writer.append(&Header::new(EntryKind::File, &name))?;
            }
        }
        for folder in self.whiteouts.keys() {
            ensure!(
                self.is_folder(folder),
                "whiteouts in {}, which is no folder",
                folder.join("/")
            );
        }
        Ok(writer.finish()?)
    }

    fn is_folder(&self, place: &[String]) -> bool {
        self.nodes
            .get(place)
            .is_some_and(|node| node.content == Content::Folder)
    }

    fn check(&self, place: &[String], node: &Node) -> Result<()> {
        if let Some((_, folder)) = place.split_last()
            && !folder.is_empty()
        {
            ensure!(
                self.is_folder(folder),
                "the layer has no folder {}",
                folder.join("/")
            );
        }
        if let Content::HardLink(target) = &node.content {
            let target = self::place(target);
            let found = self
                .nodes
                .get(&target)
                .context("the target of the hard link is missing")?;
            ensure!(
                target.as_slice() < place,
                "the target of a hard link must come first"
            );
            ensure!(
                matches!(
                    found.content,
                    Content::NoData | Content::Bytes(_) | Content::OnDisk(_)
                ),
                "the target of a hard link must be a file"
            );
        }
        Ok(())
    }
}

fn place(path: &str) -> Place {
    path.split('/').map(str::to_owned).collect()
}

fn write_node<W: Write>(writer: &mut Writer<W>, path: &str, node: &Node) -> Result<()> {
    let mut metadata = node.metadata.clone();
    *metadata.attributes.get_or_insert_default() |= node.content.attributes();
    let mut append = |shape: &Shape<'_>| -> Result<u32> {
        let header = to_header(path.as_bytes(), shape, &metadata)?;
        writer.append(&header)?;
        Ok(header.mode)
    };
    let mode = match &node.content {
        Content::Folder => append(&Shape::Directory)?,
        Content::NoData => append(&Shape::FileWithoutData)?,
        Content::FileLink(target) | Content::FolderLink(target) => append(&Shape::Symlink {
            target: target.as_bytes(),
        })?,
        Content::Junction(target) => append(&Shape::Junction {
            target: target.as_bytes(),
        })?,
        Content::HardLink(target) => append(&Shape::HardLink {
            target: target.as_bytes(),
        })?,
        Content::Bytes(bytes) => {
            let mode = append(&Shape::File {
                size: bytes.len() as u64,
            })?;
            writer.write_all(bytes)?;
            mode
        }
        Content::OnDisk(source) => {
            let mut file = File::open(source)?;
            let mode = append(&Shape::File {
                size: file.metadata()?.len(),
            })?;
            io::copy(&mut file, writer)?;
            mode
        }
    };
    for (name, bytes) in &node.streams {
        let shape = Shape::Stream {
            size: bytes.len() as u64,
            mode,
        };
        let header = to_header(format!("{path}:{name}").as_bytes(), &shape, &metadata)?;
        writer.append(&header)?;
        writer.write_all(bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use transom_layertar::parse::Limits;
    use transom_layertar::reader::Reader;

    fn folder() -> Node {
        Node::new(WindowsMetadata::default(), Content::Folder)
    }

    fn file() -> Node {
        Node::new(WindowsMetadata::default(), Content::Bytes(b"x".to_vec()))
    }

    fn names(tree: &LayerTree) -> Vec<String> {
        let tar = tree.write(Vec::new()).unwrap();
        let mut reader = Reader::new(tar.as_slice(), Limits::default());
        std::iter::from_fn(|| reader.next_entry().unwrap())
            .map(|entry| String::from_utf8(entry.name).unwrap())
            .collect()
    }

    #[test]
    fn entries_come_in_the_order_of_the_reference_exporter() {
        let mut tree = LayerTree::default();
        tree.add("Files", folder());
        tree.add("Files/a.txt", file());
        tree.add("Files/a", folder());
        tree.add("Files/a/b", file())
            .stream("s", "1")
            .stream("r", "2");
        tree.add("Files/Z", file());
        tree.whiteout("Files/zz");
        tree.whiteout("Files/a/c");
        let expected = [
            "Files",
            "Files/.wh.zz",
            "Files/Z",
            "Files/a",
            "Files/a/.wh.c",
            "Files/a/b",
            "Files/a/b:s",
            "Files/a/b:r",
            "Files/a.txt",
        ];
        assert_eq!(names(&tree), expected);
    }

    #[test]
    fn a_tree_with_a_missing_folder_is_refused() {
        let mut tree = LayerTree::default();
        tree.add("Files/a", file());
        assert!(tree.write(Vec::new()).is_err());
        let mut tree = LayerTree::default();
        tree.add("Files", folder());
        tree.whiteout("Files/a/b");
        assert!(tree.write(Vec::new()).is_err());
    }

    #[test]
    fn a_hard_link_comes_after_the_file_it_names() {
        let link = |to: &str| Node::new(WindowsMetadata::default(), Content::HardLink(to.into()));
        for (at, to, fine) in [
            ("Files/b", "Files/a", true),
            ("Files/Z", "Files/a", false),
            ("Files/b", "Files/c", false),
            ("Files/b", "Files", false),
        ] {
            let mut tree = LayerTree::default();
            tree.add("Files", folder());
            tree.add("Files/a", file());
            tree.add(at, link(to));
            assert_eq!(tree.write(Vec::new()).is_ok(), fine, "{at} -> {to}");
        }
    }

    #[test]
    fn a_folder_on_disk_is_taken_with_its_content() {
        let mut tree = LayerTree::default();
        tree.add("Files", folder());
        let source = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut asked = 0;
        tree.add_folder("Files", &source.join("hello"), &mut |_, _| {
            asked += 1;
            WindowsMetadata::default()
        })
        .unwrap();
        assert_eq!(names(&tree), ["Files", "Files/hello.c", "Files/hello.exe"]);
        assert_eq!((asked, tree.len()), (2, 3));
    }
}
