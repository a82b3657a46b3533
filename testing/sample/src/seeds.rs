//! First inputs for the fuzz targets: small valid ones, each with something that matters in it.

use anyhow::Result;
use transom_erofs::{Attributes, Builder, FileData, Options};
use transom_layertar::windows::WindowsMetadata;
use transom_ntmeta::backup_stream::{StreamAttributes, StreamHeader, StreamId, Writer};
use transom_ntmeta::ea::Ea;
use transom_ntmeta::reparse::{LinkKind, encode_link};
use transom_ntmeta::{ea, reparse};

use crate::shape::{Content, LayerTree, Node, metadata};
use crate::{descriptors, image};

/// An input for one fuzz target.
#[derive(Debug)]
pub struct Seed {
    /// Name of the target.
    pub target: &'static str,
    /// Name of the seed among the target's.
    pub name: String,
    /// The input.
    pub bytes: Vec<u8>,
}

/// Returns the seeds of all targets.
///
/// # Errors
/// If one of them cannot be made; then this crate is wrong.
pub fn seeds() -> Result<Vec<Seed>> {
    let mut seeds = Vec::new();
    let mut add = |target: &'static str, name: &str, bytes: Vec<u8>| {
        seeds.push(Seed {
            target,
            name: name.to_owned(),
            bytes,
        });
    };

    for (name, sddl) in [
        ("system-folder", descriptors::SYSTEM_FOLDER),
        ("locked-file", descriptors::LOCKED_FILE),
        ("low-folder", descriptors::LOW_FOLDER),
        ("link", descriptors::OLD_NAME_LINK),
        ("nothing", "O:SYG:SY"),
    ] {
        add("sddl", name, sddl.into());
        add("security_descriptor", name, descriptors::bytes(sddl)?);
        add("inherit", name, descriptors::bytes(sddl)?);
    }
    for (name, table) in [
        (
            "erofs",
            "42 29 0:35 /Files /a\\040b ro,nosuid,nodev - erofs /s/chains/x.erofs ro,device=/t\n",
        ),
        (
            "overlay",
            "43 29 0:36 / /m rw,relatime shared:2 master:1 - overlay transom:a rw,upperdir=/u\n",
        ),
    ] {
        add("mount_table", name, table.into());
    }
    for (name, list) in [
        ("windows", "\u{feff}Version 1.0\r\n\\gone.txt\r\n\\a\\b\r\n"),
        ("unix", "\u{feff}Version 1.0\n\\gone.txt\n\\a\\b\n"),
    ] {
        add("tombstones", name, list.into());
    }
    for (name, kind, target) in [
        ("junction", LinkKind::MountPoint, r"C:\Target Dir"),
        ("relative", LinkKind::Symlink, r"..\x"),
        ("network", LinkKind::Symlink, r"\\server\share"),
    ] {
        add("reparse", name, encode_link(kind, target)?);
    }
    let list = [
        Ea {
            name: b"$LXMOD".to_vec(),
            value: 0o100_755_u32.to_le_bytes().to_vec(),
            flags: 0,
        },
        Ea {
            name: b"EMPTY".to_vec(),
            value: Vec::new(),
            flags: 0x80,
        },
    ];
    add("ea", "two", ea::encode(&list)?);
    for time in [
        "0",
        "1536220800.1234567",
        "-1.5",
        "-0.000000001",
        "9223372036854775807",
    ] {
        add("pax_time", time, time.into());
    }
    for (name, text) in [
        ("case", "Program Files\0PROGRAM FILES"),
        ("umlaut", "Übersicht\0üBERSICHT"),
        ("stream", "file.txt:stream:$DATA\0file.txt:stream"),
        ("device", "com1.txt\0COM¹"),
    ] {
        add("name_fold", name, text.into());
    }
    add("backup_stream", "file", backup_streams(&list)?);
    add("backup_stream", "sparse", sparse_streams()?);

    for (name, tree) in [("file", file()), ("tree", tree()?)] {
        let tar = tree.write(Vec::new())?;
        add("import", &format!("{name}.gz"), image::gzip(&tar)?);
        add("import", name, tar.clone());
        add("tar", name, tar.clone());
        add("tar_windows", name, tar);
    }
    add("erofs_image", "small", index()?);
    for (name, document) in image::documents()? {
        add("oci_json", &name, document);
    }
    Ok(seeds)
}

fn write(writer: &mut Writer<Vec<u8>>, header: &StreamHeader, bytes: &[u8]) -> Result<()> {
    writer.begin(header)?;
    std::io::Write::write_all(writer, bytes)?;
    Ok(())
}

fn backup_streams(list: &[Ea]) -> Result<Vec<u8>> {
    let mut writer = Writer::new(Vec::new());
    let link = encode_link(reparse::LinkKind::Symlink, "x")?;
    for (id, bytes) in [
        (
            StreamId::SECURITY_DATA,
            descriptors::bytes(descriptors::FILE)?,
        ),
        (StreamId::EA_DATA, ea::encode(list)?),
        (StreamId::REPARSE_DATA, link),
        (StreamId::DATA, b"content".to_vec()),
    ] {
        write(
            &mut writer,
            &StreamHeader::new(id, bytes.len() as u64),
            &bytes,
        )?;
    }
    write(&mut writer, &StreamHeader::alternate("stream", 5), b"other")?;
    Ok(writer.finish()?)
}

fn sparse_streams() -> Result<Vec<u8>> {
    let mut writer = Writer::new(Vec::new());
    let mut data = StreamHeader::new(StreamId::DATA, 0);
    data.attributes = StreamAttributes::SPARSE;
    write(&mut writer, &data, b"")?;
    write(
        &mut writer,
        &StreamHeader::sparse_block(65_536, 6),
        b"island",
    )?;
    write(&mut writer, &StreamHeader::sparse_block(300_000, 0), b"")?;
    Ok(writer.finish()?)
}

fn node(content: Content) -> Node {
    Node::new(metadata(15_362_208_001_234_567, 0x20, None), content)
}

fn file() -> LayerTree {
    let mut tree = LayerTree::default();
    tree.add(
        "Files",
        Node::new(WindowsMetadata::default(), Content::Folder),
    );
    tree.add("Files/a.txt", node(Content::Bytes(b"hello".to_vec())));
    tree
}

fn tree() -> Result<LayerTree> {
    let mut tree = file();
    let security = Some(descriptors::bytes(descriptors::FOLDER)?);
    let folder = Node::new(metadata(-15_000_000, 0, security), Content::Folder);
    tree.add("Files/ü", folder).stream("tag", "x");
    let file = tree.add("Files/ü/program.exe", node(Content::Bytes(vec![b'x'; 700])));
    file.metadata.eas = vec![(b"$LXMOD".to_vec(), vec![1, 2, 3, 4])];
    file.stream("Zone.Identifier", "[ZoneTransfer]\r\n");
    tree.add("Files/b.txt", node(Content::HardLink("Files/a.txt".into())));
    tree.add("Files/j", node(Content::Junction(r"C:\Users".into())));
    tree.add("Files/l", node(Content::FileLink("a.txt".into())));
    tree.add(&format!("Files/{}", "n".repeat(120)), node(Content::NoData));
    tree.whiteout("Files/gone.txt");
    tree.whiteout(&format!("Files/{}", "w".repeat(120)));
    Ok(tree)
}

fn index() -> Result<Vec<u8>> {
    let options = Options {
        uuid: [7; 16],
        build_time: 0,
    };
    let mut builder = Builder::new(options, Attributes::default());
    let tar = builder.add_device("layer.tar", 1 << 20)?;
    let attribute = builder.xattr(b"user.MSWINDOWS.fileattr", b"32")?;
    let attributes = Attributes {
        xattrs: vec![attribute],
        ..Attributes::default()
    };
    let root = builder.root();
    let folder = builder.directory(attributes.clone())?;
    builder.link(root, b"Files", folder)?;
    let data = FileData::Contiguous {
        size: 700,
        device: tar,
        offset: 512,
    };
    let file = builder.file(attributes.clone(), data)?;
    builder.link(folder, b"a.txt", file)?;
    builder.link(folder, b"b.txt", file)?;
    let link = builder.symlink(attributes, b"a.txt")?;
    builder.link(folder, b"l", link)?;
    let mut bytes = Vec::new();
    builder.write(&mut bytes)?;
    Ok(bytes)
}
