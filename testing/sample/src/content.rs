//! What the three layers of the sample hold: one example of everything a Windows layer can.

use anyhow::Result;
use transom_ntmeta::filetime::FileTime;

use crate::descriptors;
use crate::hive::{Key, Value, hive};
use crate::shape::{Content, LayerTree, Node, metadata};

/// The program, built from `hello/hello.c` by `cargo xtask generate`.
const HELLO: &[u8] = include_bytes!("../hello/hello.exe");

/// What a browser writes beside a downloaded file.
const ZONE: &[u8] = b"[ZoneTransfer]\r\nZoneId=3\r\nHostUrl=https://example.com/hello.exe\r\n";

const READONLY: u32 = 0x1;
const HIDDEN: u32 = 0x2;
const SYSTEM: u32 = 0x4;
const ARCHIVE: u32 = 0x20;
const SPARSE: u32 = 0x200;
const NOT_INDEXED: u32 = 0x2000;

const TICKS_PER_SECOND: i64 = 10_000_000;

/// The folder of the hives, and the hives of a base layer with the names of their links in `Hives`.
const CONFIG: &str = "Files/Windows/System32/config";
const HIVES: [(&str, &str, &str); 5] = [
    ("DEFAULT", "DefaultUser_Base", "DefaultUser_Delta"),
    ("SAM", "Sam_Base", "Sam_Delta"),
    ("SECURITY", "Security_Base", "Security_Delta"),
    ("SOFTWARE", "Software_Base", "Software_Delta"),
    ("SYSTEM", "System_Base", "System_Delta"),
];

/// Adds nodes that share the time of their layer.
struct Layer {
    tree: LayerTree,
    /// Seconds since 1970 of the layer's first entry.
    start: i64,
    /// Entries so far: each is a little younger than the one before.
    entries: i64,
}

impl Layer {
    fn new(start: i64) -> Self {
        Self {
            tree: LayerTree::default(),
            start,
            entries: 0,
        }
    }

    fn add(
        &mut self,
        path: &str,
        attributes: u32,
        sddl: Option<&str>,
        content: Content,
    ) -> Result<&mut Node> {
        self.entries += 1;
        // Windows has ticks of 100 ns; a tar in which all fall on whole seconds would not show that they are kept.
        let creation = self.start * TICKS_PER_SECOND + self.entries * 1_234_567;
        let security = sddl.map(descriptors::bytes).transpose()?;
        let metadata = metadata(creation, attributes, security);
        Ok(self.tree.add(path, Node::new(metadata, content)))
    }

    /// The layer's first moment.
    fn time(&self) -> FileTime {
        FileTime(FileTime::UNIX_EPOCH.0 + self.start * TICKS_PER_SECOND)
    }

    fn folder(&mut self, path: &str, sddl: &str) -> Result<&mut Node> {
        self.add(path, 0, Some(sddl), Content::Folder)
    }

    fn file(&mut self, path: &str, text: impl Into<Vec<u8>>) -> Result<&mut Node> {
        self.add(
            path,
            ARCHIVE,
            Some(descriptors::FILE),
            Content::Bytes(text.into()),
        )
    }

    /// The top folders have no descriptor: the exporter does not read it.
    fn top(&mut self, path: &str) -> Result<()> {
        self.add(path, 0, None, Content::Folder).map(drop)
    }

    fn deltas(&mut self, change: &dyn Fn(&'static str) -> Key) -> Result<()> {
        self.top("Hives")?;
        let security = descriptors::bytes(descriptors::PRIVATE_FOLDER)?;
        for (name, _, delta) in HIVES {
            let bytes = hive(delta, &change(name), &security, self.time());
            self.add(
                &format!("Hives/{delta}"),
                ARCHIVE,
                None,
                Content::Bytes(bytes),
            )?;
        }
        Ok(())
    }
}

/// The base: what the smallest Windows brings along, as far as names go; the bytes are our own.
pub(crate) fn base() -> Result<LayerTree> {
    let mut layer = Layer::new(1_704_412_800); // 2024-01-05
    layer.top("Files")?;
    layer.file(
        "Files/License.txt",
        "This image is part of Transom and has the same licence.\r\n",
    )?;
    for folder in [
        "Program Files",
        "Program Files/Common Files",
        "Program Files (x86)",
    ] {
        let node = layer.folder(&format!("Files/{folder}"), descriptors::SYSTEM_FOLDER)?;
        node.add_attributes(READONLY);
    }
    layer
        .folder("Files/ProgramData", descriptors::FOLDER)?
        .add_attributes(HIDDEN | NOT_INDEXED);

    let hidden_link = HIDDEN | SYSTEM | NOT_INDEXED;
    let old_name = Some(descriptors::OLD_NAME_LINK);
    layer.add(
        "Files/Documents and Settings",
        hidden_link,
        old_name,
        Content::Junction(r"C:\Users".into()),
    )?;
    layer
        .folder("Files/Users", descriptors::FOLDER)?
        .add_attributes(READONLY);
    layer.add(
        "Files/Users/All Users",
        hidden_link,
        old_name,
        Content::FolderLink(r"C:\ProgramData".into()),
    )?;
    layer.add(
        "Files/Users/Default User",
        hidden_link,
        old_name,
        Content::Junction(r"C:\Users\Default".into()),
    )?;
    layer
        .folder("Files/Users/Default", descriptors::FOLDER)?
        .add_attributes(READONLY | HIDDEN);
    layer.folder("Files/Users/Default/LocalLow", descriptors::LOW_FOLDER)?;
    layer
        .folder("Files/Users/Public", descriptors::FOLDER)?
        .add_attributes(READONLY);
    let ini = "[.ShellClassInfo]\r\nLocalizedResourceName=@%SystemRoot%\\system32\\shell32.dll,-21816\r\n";
    layer
        .file("Files/Users/desktop.ini", ini)?
        .add_attributes(HIDDEN | SYSTEM);

    for folder in [
        "",
        "/System32",
        "/System32/drivers",
        "/System32/drivers/etc",
        "/WinSxS",
        "/WinSxS/hosts",
    ] {
        layer.folder(
            &format!("Files/Windows{folder}"),
            descriptors::SYSTEM_FOLDER,
        )?;
    }
    let system_file = Some(descriptors::SYSTEM_FILE);
    let hosts = Content::Bytes(b"127.0.0.1 localhost\r\n::1 localhost\r\n".to_vec());
    layer.add(
        "Files/Windows/System32/drivers/etc/hosts",
        ARCHIVE,
        system_file,
        hosts,
    )?;
    let link = |to: &str| Content::HardLink(to.to_owned());
    layer.add(
        "Files/Windows/WinSxS/hosts/hosts",
        ARCHIVE,
        None,
        link("Files/Windows/System32/drivers/etc/hosts"),
    )?;
    layer.file(
        "Files/Windows/win.ini",
        "; for 16-bit app support\r\n[fonts]\r\n[extensions]\r\n",
    )?;

    layer.folder(CONFIG, descriptors::PRIVATE_FOLDER)?;
    layer.top("Hives")?;
    let security = descriptors::bytes(descriptors::PRIVATE_FOLDER)?;
    for (name, base, _) in HIVES {
        let bytes = hive(name, &base_keys(name), &security, layer.time());
        let path = format!("{CONFIG}/{name}");
        layer.add(
            &path,
            ARCHIVE,
            Some(descriptors::PRIVATE_FILE),
            Content::Bytes(bytes),
        )?;
        layer.add(&format!("Hives/{base}"), ARCHIVE, None, link(&path))?;
    }

    layer.top("UtilityVM")?;
    let virtual_machine = [
        "",
        "/EFI",
        "/EFI/Microsoft",
        "/EFI/Microsoft/Boot",
        "/Windows",
    ];
    for folder in virtual_machine {
        layer.folder(
            &format!("UtilityVM/Files{folder}"),
            descriptors::SYSTEM_FOLDER,
        )?;
    }
    let boot = Key::new("NewStoreRoot")
        .subkey(Key::new("Description").value("KeyName", Value::Text("BCD00000000")));
    let boot = hive("BCD", &boot, &security, layer.time());
    layer.add(
        "UtilityVM/Files/EFI/Microsoft/Boot/BCD",
        ARCHIVE,
        system_file,
        Content::Bytes(boot),
    )?;
    let shared = link("Files/Windows/System32/drivers/etc/hosts");
    layer.add("UtilityVM/Files/Windows/hosts", ARCHIVE, None, shared)?;
    Ok(layer.tree)
}

fn base_keys(hive: &str) -> Key {
    let root = Key::new("ROOT");
    match hive {
        "SYSTEM" => root
            .subkey(Key::new("ControlSet001").subkey(Key::new("Control")))
            .subkey(
                Key::new("Select")
                    .value("Current", Value::Number(1))
                    .value("Default", Value::Number(1)),
            ),
        "SOFTWARE" => root.subkey(
            Key::new("Microsoft").subkey(
                Key::new("Windows NT").subkey(
                    Key::new("CurrentVersion")
                        .value("CurrentBuild", Value::Text("20348"))
                        .value("ProductName", Value::Text("Windows Server 2022 Datacenter"))
                        .value("UBR", Value::Number(2227)),
                ),
            ),
        ),
        _ => root,
    }
}

/// The second layer: a program with data, and what the third will change.
pub(crate) fn program() -> Result<LayerTree> {
    let mut layer = Layer::new(1_704_672_000); // 2024-01-08
    layer.top("Files")?;
    for folder in [
        "Data",
        "Data/docs",
        "Data/gone",
        "Data/gone/deep",
        "Data/becomes a file",
        "hello",
    ] {
        layer.folder(&format!("Files/{folder}"), descriptors::FOLDER)?;
    }

    let hello = layer.file("Files/hello/hello.exe", HELLO)?;
    hello.stream("Zone.Identifier", ZONE);
    hello.stream(
        "greeting",
        "This line is from the stream hello.exe:greeting.\r\n",
    );
    layer.file(
        "Files/hello/readme.txt",
        "The program says hello. Version 1.\r\n",
    )?;
    layer.file(
        "Files/hello/old.txt",
        "The next layer deletes this file.\r\n",
    )?;
    let attributes = ARCHIVE | READONLY;
    let locked = Content::Bytes(b"greeting=hello\r\n".to_vec());
    layer.add(
        "Files/hello/settings.ini",
        attributes,
        Some(descriptors::LOCKED_FILE),
        locked,
    )?;
    let file = Some(descriptors::FILE);
    layer.add(
        "Files/hello/latest.txt",
        ARCHIVE,
        file,
        Content::FileLink("readme.txt".into()),
    )?;
    let docs = Content::FolderLink(r"..\Data\docs".into());
    layer.add("Files/hello/docs", 0, Some(descriptors::FOLDER), docs)?;
    layer.add(
        "Files/hello/data",
        0,
        None,
        Content::Junction(r"C:\Data".into()),
    )?;
    layer.add(
        "Files/hello/second name.exe",
        ARCHIVE,
        None,
        Content::HardLink("Files/hello/hello.exe".into()),
    )?;

    data(&mut layer)?;
    layer.folder("Files/Windows", descriptors::SYSTEM_FOLDER)?;
    layer.tree.whiteout("Files/Windows/win.ini");
    layer.deltas(&|name| match name {
        "SOFTWARE" => Key::new("ROOT").subkey(
            Key::new("Transom").subkey(Key::new("Hello").value("Version", Value::Number(1))),
        ),
        _ => Key::new("ROOT"),
    })?;
    Ok(layer.tree)
}

/// The rarer things: streams, extended attributes, sparse and empty files, long and foreign names.
fn data(layer: &mut Layer) -> Result<()> {
    layer.add(
        "Files/Data/no data.txt",
        ARCHIVE,
        Some(descriptors::FILE),
        Content::NoData,
    )?;
    layer.file("Files/Data/empty.txt", "")?;
    layer
        .file(
            "Files/Data/docs/manual.txt",
            "There is nothing to configure.\r\n",
        )?
        .stream("empty", "");
    let long = "A stream can be longer than what fits into a block or a buffer.\r\n".repeat(1200);
    layer
        .file("Files/Data/notes.txt", "short\r\n")?
        .stream("long", long);
    layer
        .folder("Files/Data/tagged", descriptors::FOLDER)?
        .stream("tag", "a stream of a folder\r\n");

    let mut sparse = vec![0; 300 * 1024];
    sparse[64 * 1024..][..6].copy_from_slice(b"island");
    layer
        .file("Files/Data/sparse.bin", sparse)?
        .add_attributes(SPARSE);

    // The attributes by which WSL keeps Unix ownership and mode of a file on NTFS.
    layer.file("Files/Data/wsl.sh", "#!/bin/sh\n")?.metadata.eas = vec![
        (b"$LXGID".to_vec(), 1000_u32.to_le_bytes().to_vec()),
        (b"$LXMOD".to_vec(), 0o100_755_u32.to_le_bytes().to_vec()),
        (b"$LXUID".to_vec(), 1000_u32.to_le_bytes().to_vec()),
    ];

    for name in ["Übersicht.txt", "日本語.txt", "🎉.txt"] {
        layer.file(&format!("Files/Data/{name}"), name)?;
    }
    layer.file(
        &format!("Files/Data/{:_<251}.txt", "longest"),
        "a name of 255 units\r\n",
    )?;
    let mut path = "Files/Data/deep".to_owned();
    for level in 0..6 {
        layer.folder(&path, descriptors::FOLDER)?;
        path = format!("{path}/{level}-{}", "folder ".repeat(7).trim_end());
    }
    layer.file(&path, "more than 260 characters from the root\r\n")?;

    layer.file("Files/Data/touched.txt", "Only my attributes change.\r\n")?;
    layer.file("Files/Data/becomes a folder", "I was a file.\r\n")?;
    layer.file(
        "Files/Data/becomes a file/inside.txt",
        "I was in a folder.\r\n",
    )?;
    layer.file(
        "Files/Data/gone/deep/file.txt",
        "The next layer deletes my folders.\r\n",
    )?;
    Ok(())
}

/// The third layer: every kind of change to the layers below.
pub(crate) fn update() -> Result<LayerTree> {
    let mut layer = Layer::new(1_704_758_400); // 2024-01-09
    layer.top("Files")?;
    // Written by a tool that changed the case of both names; on NTFS it is the same file.
    layer.folder("Files/HELLO", descriptors::FOLDER)?;
    layer.file(
        "Files/HELLO/Readme.TXT",
        "The program says hello. Version 2.\r\n",
    )?;
    layer.tree.whiteout("Files/HELLO/old.txt");

    layer.folder("Files/Data", descriptors::FOLDER)?;
    layer.tree.whiteout("Files/Data/gone");
    let touched = layer.file("Files/Data/touched.txt", "Only my attributes change.\r\n")?;
    touched.add_attributes(READONLY | HIDDEN);
    layer.folder("Files/Data/becomes a folder", descriptors::FOLDER)?;
    layer.file(
        "Files/Data/becomes a folder/inside.txt",
        "I am in a folder now.\r\n",
    )?;
    layer.file("Files/Data/becomes a file", "I am a file now.\r\n")?;
    layer.file("Files/Data/new.txt", "New in the update.\r\n")?;
    layer.deltas(&|name| match name {
        "SOFTWARE" => Key::new("ROOT").subkey(
            Key::new("Transom").subkey(Key::new("Hello").value("Version", Value::Number(2))),
        ),
        _ => Key::new("ROOT"),
    })?;
    Ok(layer.tree)
}
