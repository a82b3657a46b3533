//! Layers that have every kind of entry and metadata.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use transom_layertar::parse::Limits;
use transom_layertar::reader::Reader;
use transom_ntmeta::filetime::UnixTime;
use transom_ntmeta::sddl::from_sddl;
use transom_sample::descriptors;
use transom_sample::shape::{Content, LayerTree, Node, metadata};

const READONLY: u32 = 0x1;
const HIDDEN: u32 = 0x2;
const DIRECTORY: u32 = 0x10;
const ARCHIVE: u32 = 0x20;
const SPARSE: u32 = 0x200;
const REPARSE_POINT: u32 = 0x400;
const COMPRESSED: u32 = 0x800;

/// Makes entries whose times and descriptors all differ.
#[derive(Default)]
struct Builder {
    layer: LayerTree,
    entries: i64,
}

impl Builder {
    fn add(&mut self, path: &str, content: Content) -> &mut Node {
        self.entries += 1;
        let creation = 16_000_000_000_000_000 + self.entries * 12_345_678_901;
        let security = from_sddl(&format!("O:BAG:SYD:(A;;FA;;;S-1-5-21-{})", self.entries));
        let metadata = metadata(creation, 0, Some(security.unwrap()));
        self.layer.add(path, Node::new(metadata, content))
    }

    fn folder(&mut self, path: &str) -> &mut Node {
        self.add(path, Content::Folder)
    }

    fn file(&mut self, path: &str, bytes: impl Into<Vec<u8>>) -> &mut Node {
        let node = self.add(path, Content::Bytes(bytes.into()));
        node.add_attributes(ARCHIVE);
        node
    }

    fn tar(&self) -> Vec<u8> {
        self.layer.write(Vec::new()).unwrap()
    }
}

/// A base layer.
pub(crate) fn base() -> Vec<u8> {
    let mut builder = Builder::default();
    builder.folder("Files").metadata.security = None;
    builder.folder("Hives").metadata.security = None;
    attributes(&mut builder);
    times(&mut builder);
    descriptors(&mut builder);
    extended_attributes(&mut builder);
    streams(&mut builder);
    data(&mut builder);
    links(&mut builder);
    names(&mut builder);
    builder.tar()
}

/// A layer over it.
pub(crate) fn update() -> Vec<u8> {
    let mut builder = Builder::default();
    builder.folder("Files").metadata.security = None;
    builder.folder("Files/data");
    builder.file("Files/data/small", "of the upper layer");
    builder.folder("Files/STREAMS");
    let file = builder.file("Files/STREAMS/new", "1");
    file.stream("of the upper layer", "2");
    builder.layer.whiteout("Files/STREAMS/gone");
    builder.tar()
}

fn attributes(builder: &mut Builder) {
    builder
        .folder("Files/attributes")
        .add_attributes(HIDDEN | COMPRESSED);
    // These three are facts about a file's content; the files that have them are elsewhere.
    let settable = !(DIRECTORY | SPARSE | REPARSE_POINT);
    for bit in (0..32)
        .map(|bit| 1 << bit)
        .filter(|bit| bit & settable != 0)
    {
        let node = builder.add(&format!("Files/attributes/file {bit:08x}"), Content::NoData);
        node.add_attributes(bit);
        builder
            .folder(&format!("Files/attributes/folder {bit:08x}"))
            .add_attributes(bit);
    }
    builder.add("Files/attributes/none", Content::NoData);
    let all = builder.add("Files/attributes/all", Content::NoData);
    all.add_attributes(settable);
}

fn times(builder: &mut Builder) {
    builder.folder("Files/times");
    for (name, seconds) in [
        ("before 1970", -62_000_000),
        ("1601", -11_644_473_600),
        ("before 1601", -62_135_596_800),
        ("9999", 253_402_300_799),
    ] {
        let time = |seconds, nanos| UnixTime { seconds, nanos };
        let metadata = &mut builder.file(&format!("Files/times/{name}"), name).metadata;
        metadata.creation = Some(time(seconds, 100));
        metadata.last_write = time(seconds, 999_999_900);
        metadata.last_access = Some(time(seconds - 1, 500_000_000));
        metadata.change = Some(time(seconds + 1, 0));
    }
    let metadata = &mut builder.file("Files/times/only one", "").metadata;
    (metadata.creation, metadata.last_access, metadata.change) = (None, None, None);
}

fn descriptors(builder: &mut Builder) {
    let mut long = "O:BAG:SYD:PAI".to_owned();
    for user in 0..200 {
        long += &format!("(A;OICI;0x1200a9;;;S-1-5-21-1-2-3-{user})");
    }
    long += "S:AI(AU;OICISAFA;FA;;;WD)(ML;OICI;NW;;;LW)";
    for (name, sddl) in [
        ("long descriptor", long.as_str()),
        ("short descriptor", "O:SYG:SY"),
        ("empty list", "O:SYG:SYD:P"),
        (
            "condition",
            r#"O:SYG:SYD:(XA;;FX;;;WD;(@USER.Title=="PM"))"#,
        ),
        ("of the system", descriptors::SYSTEM_FILE),
    ] {
        let file = builder.file(&format!("Files/{name}"), "short");
        file.metadata.security = Some(from_sddl(sddl).unwrap());
    }
    builder.file("Files/no descriptor", "").metadata.security = None;
}

fn extended_attributes(builder: &mut Builder) {
    let eas = |eas: &[(&str, &[u8])]| -> Vec<(Vec<u8>, Vec<u8>)> {
        let own = eas.iter();
        own.map(|(name, value)| (name.as_bytes().to_vec(), value.to_vec()))
            .collect()
    };
    let many = eas(&[
        ("$LXGID", &1000u32.to_le_bytes()),
        ("$LXUID", &1001u32.to_le_bytes()),
        ("EMPTY", b""),
        (&"N".repeat(239), b"a name as long as the index takes"),
        ("VALUE", &[0xA5; 20_000]),
    ]);
    builder.file("Files/many EAs", "").metadata.eas = many;
    builder.folder("Files/EA").metadata.eas = eas(&[("OF.A.FOLDER", b"1")]);
}

fn streams(builder: &mut Builder) {
    builder
        .folder("Files/streams")
        .stream("of a folder", "with bytes");
    let megabyte: Vec<u8> = (0..1 << 20)
        .map(|at: u32| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    builder
        .file("Files/streams/file", "main")
        .stream("Zone.Identifier", "[ZoneTransfer]\r\nZoneId=3\r\n")
        .stream("empty", "")
        .stream("поток 日本語 🎉", "unicode")
        .stream(&"s".repeat(255), "longest name")
        .stream("a long stream", megabyte);
    builder.file("Files/streams/gone", "").stream("too", "x");
}

fn data(builder: &mut Builder) {
    builder.folder("Files/data");
    builder.folder("Files/data/empty folder");
    builder.file("Files/data/small", "x");
    builder.file("Files/data/empty", "");
    builder.add("Files/data/no data", Content::NoData);
    builder.file("Files/data/large", [0x11, 0x22, 0x33].repeat(500_000));
    let mut sparse = vec![0; 3 << 20];
    sparse[1 << 20..][..6].copy_from_slice(b"island");
    builder
        .file("Files/data/sparse", sparse)
        .add_attributes(SPARSE);
}

fn links(builder: &mut Builder) {
    builder.folder("Files/links");
    let first = builder.file("Files/links/first", "one file");
    first.add_attributes(READONLY | HIDDEN);
    first.metadata.change = Some(UnixTime {
        seconds: -62_722_677,
        nanos: 300,
    });
    let metadata = first.metadata.clone();
    for other in ["second", "third"] {
        let content = Content::HardLink("Files/links/first".into());
        let node = builder.add(&format!("Files/links/{other}"), content);
        node.metadata = metadata.clone();
    }
    for (name, content) in [
        ("relative", Content::FileLink("first".into())),
        ("upwards", Content::FileLink(r"..\data\small".into())),
        ("absolute", Content::FileLink(r"C:\data\small".into())),
        ("share", Content::FileLink(r"\\server\share\x".into())),
        ("nowhere", Content::FileLink("ü 日本語".into())),
        ("folder", Content::FolderLink(r"..\data".into())),
        ("drive", Content::FolderLink(r"C:\data".into())),
        ("junction", Content::Junction(r"C:\data".into())),
        ("missing", Content::Junction(r"D:\nowhere".into())),
    ] {
        let link = builder.add(&format!("Files/links/to {name}"), content);
        link.add_attributes(HIDDEN);
        link.metadata.eas = vec![(b"OF.A.LINK".to_vec(), name.as_bytes().to_vec())];
    }
}

fn names(builder: &mut Builder) {
    builder.folder("Files/names");
    for name in [
        "x".repeat(255),
        "日".repeat(255),
        format!("{}a", "🎉".repeat(127)),
        "Übersicht (1) [final] #%&'~.txt".to_owned(),
        "e\u{301} is not \u{e9}".to_owned(),
        "ß ſ ı İ ﬁ".to_owned(),
        ".hidden".to_owned(),
    ] {
        builder.file(&format!("Files/names/{name}"), name.as_bytes());
    }
    let deep = ["deep"; 40].join("/");
    for (at, _) in deep.match_indices('/') {
        builder.folder(&format!("Files/names/{}", &deep[..at]));
    }
}

/// The layers of the bundled image, base first, as its archive has them.
pub(crate) fn sample_layers() -> Vec<Vec<u8>> {
    let archive = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../samples/hello-windows.tar");
    let archive = fs::read(archive).unwrap();
    let mut reader = Reader::new(archive.as_slice(), Limits::default());
    let mut files = BTreeMap::new();
    while let Some(entry) = reader.next_entry().unwrap() {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut reader, &mut bytes).unwrap();
        files.insert(String::from_utf8(entry.name).unwrap(), bytes);
    }
    let blob = |descriptor: &Value| {
        let digest = descriptor["digest"].as_str().unwrap();
        &files[&format!("blobs/{}", digest.replace(':', "/"))]
    };
    let index: Value = serde_json::from_slice(&files["index.json"]).unwrap();
    let manifest: Value = serde_json::from_slice(blob(&index["manifests"][0])).unwrap();
    let layers = manifest["layers"].as_array().unwrap();
    layers.iter().map(|layer| blob(layer).clone()).collect()
}
