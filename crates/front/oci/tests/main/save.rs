use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use transom_oci::{Format, LoadOptions, NoProgress, SaveError, SaveImage, SaveReport};
use transom_sealed::ImageRecord;

use crate::support::*;

const ALL: [Format; 3] = [Format::OciArchive, Format::OciDir, Format::DockerArchive];

fn loaded(home: &Home, image: &Image, name: &str, keep_blobs: bool) -> ImageRecord {
    let path = home.write("in.tar", &Layout::of(image, name).tar());
    let options = LoadOptions {
        keep_blobs,
        ..LoadOptions::default()
    };
    home.load_with(&path, &options).unwrap().remove(0).record
}

fn with_names(record: &ImageRecord) -> SaveImage<'_> {
    SaveImage {
        record,
        names: record.names.clone(),
    }
}

fn save(
    home: &Home,
    images: &[SaveImage<'_>],
    path: &Path,
    format: Format,
) -> Result<SaveReport, SaveError> {
    transom_oci::save(&home.store, images, path, format, &NoProgress)
}

/// All files under a folder, by relative name, or the one file.
fn contents(path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    if path.is_file() {
        return vec![(PathBuf::new(), fs::read(path).unwrap())];
    }
    let mut files = Vec::new();
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap().path();
            if entry.is_dir() {
                folders.push(entry);
            } else {
                files.push((
                    entry.strip_prefix(path).unwrap().to_owned(),
                    fs::read(&entry).unwrap(),
                ));
            }
        }
    }
    files.sort();
    files
}

/// Names of what lies beside the store.
fn beside_the_store(home: &Home) -> Vec<String> {
    let entries = fs::read_dir(home.dir.path()).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn what_is_saved_is_what_was_loaded() {
    let home = Home::new();
    let image = every_form();
    let record = loaded(&home, &image, "docker.io/library/app:1", true);
    for format in ALL {
        let path = home.path(&format!("{format:?}"));
        let report = save(&home, &[with_names(&record)], &path, format).unwrap();
        assert_eq!(report.images[0].original, record.manifest);
        assert_eq!(report.images[0].recompressed, []);
        let is_docker = format == Format::DockerArchive;
        assert_eq!(
            report.images[0].manifest,
            (!is_docker).then_some(record.manifest)
        );
        let written: usize = contents(&path).iter().map(|(_, bytes)| bytes.len()).sum();
        assert_eq!(report.bytes, written as u64, "{format:?}");

        let other = Home::new();
        let again = other.load(&path).unwrap().remove(0).record;
        assert_eq!(again.config, record.config, "{format:?}");
        assert_eq!(again.diff_ids(), record.diff_ids());
        assert_eq!(again.names, record.names);
        assert_eq!(again.platform, record.platform);
        if !is_docker {
            assert_eq!(again.manifest, record.manifest);
            assert_eq!(again.layers, record.layers);
            assert_eq!(again.media_type, record.media_type);
        }
    }
}

#[test]
fn the_same_images_give_the_same_bytes() {
    let image = every_form();
    for keep_blobs in [true, false] {
        let (one, two) = (Home::new(), Home::new());
        for format in ALL {
            let saved = [&one, &two].map(|home| {
                let record = loaded(home, &image, "app:1", keep_blobs);
                let path = home.path(&format!("{format:?}"));
                save(home, &[with_names(&record)], &path, format).unwrap();
                contents(&path)
            });
            assert!(saved[0] == saved[1], "{format:?}");
        }
    }
}

#[test]
fn a_stream_gets_the_bytes_of_the_file() {
    let home = Home::new();
    let record = loaded(&home, &every_form(), "app:1", true);
    for format in [Format::OciArchive, Format::DockerArchive] {
        let path = home.path("file.tar");
        save(&home, &[with_names(&record)], &path, format).unwrap();
        let mut stream = Vec::new();
        let images = [with_names(&record)];
        transom_oci::save_to(&home.store, &images, &mut stream, format, &NoProgress).unwrap();
        assert!(stream == fs::read(&path).unwrap());
    }
    let error = transom_oci::save_to(
        &home.store,
        &[with_names(&record)],
        &mut Vec::new(),
        Format::OciDir,
        &NoProgress,
    );
    assert!(matches!(error, Err(SaveError::FolderIntoStream)));
}

#[test]
fn blobs_that_were_not_kept_are_made_anew_and_the_report_says_so() {
    let home = Home::new();
    let image = every_form();
    let record = loaded(&home, &image, "app:1", false);
    let path = home.path("out.tar");
    let report = save(&home, &[with_names(&record)], &path, Format::OciArchive).unwrap();
    let saved = &report.images[0];
    assert_eq!(saved.original, record.manifest);
    assert_ne!(saved.manifest, Some(record.manifest));
    let before: Vec<_> = saved
        .recompressed
        .iter()
        .map(|layer| layer.before)
        .collect();
    let blobs: Vec<_> = record.layers.iter().map(|layer| layer.blob).collect();
    assert_eq!(before, blobs[1..], "the plain tar needs no new blob");

    let other = Home::new();
    let again = other.load(&path).unwrap().remove(0).record;
    assert_eq!(Some(again.manifest), saved.manifest);
    assert_eq!(again.config, record.config);
    assert_eq!(again.diff_ids(), record.diff_ids());
    for (layer, new) in again.layers[1..].iter().zip(&saved.recompressed) {
        assert_eq!((layer.diff_id, layer.blob), (new.diff_id, new.after));
    }
    // Once made, they are kept as they are.
    let third = other.path("third.tar");
    let report = save(&other, &[with_names(&again)], &third, Format::OciArchive).unwrap();
    assert_eq!(report.images[0].manifest, Some(again.manifest));
    assert!(fs::read(&third).unwrap() == fs::read(&path).unwrap());
}

#[test]
fn a_store_that_dropped_its_blobs_still_saves() {
    let home = Home::new();
    let record = loaded(&home, &every_form(), "app:1", true);
    home.store.collect_garbage(true).unwrap();
    let path = home.path("out.tar");
    let report = save(&home, &[with_names(&record)], &path, Format::OciArchive).unwrap();
    assert_eq!(report.images[0].recompressed.len(), 3);
    assert_eq!(
        Home::new().load(&path).unwrap()[0].record.diff_ids(),
        record.diff_ids()
    );
}

#[test]
fn several_images_share_layers_in_one_archive() {
    let home = Home::new();
    let base = plain("base");
    let one = image("10.0.1.1", &[base.clone(), gzipped("one")]);
    let two = image_for("linux", "", &[base.clone(), gzipped("two")]);
    let one = loaded(&home, &one, "one:1", true);
    let two = loaded(&home, &two, "two:1", true);
    for format in ALL {
        let path = home.path(&format!("{format:?}"));
        save(&home, &[with_names(&one), with_names(&two)], &path, format).unwrap();
        let other = Home::new();
        let again = other.load(&path).unwrap();
        let names: Vec<_> = again
            .iter()
            .map(|image| image.record.names.concat())
            .collect();
        assert_eq!(names, ["one:1", "two:1"], "{format:?}");
        let diff_ids: Vec<_> = again.iter().map(|image| image.record.diff_ids()).collect();
        assert_eq!(diff_ids, [one.diff_ids(), two.diff_ids()]);
        assert_eq!(other.store.layers().unwrap().len(), 3);
    }
}

#[test]
fn names_that_cannot_be_told_apart_are_refused() {
    let home = Home::new();
    let one = loaded(&home, &image("10.0.1.1", &[plain("one")]), "one:1", true);
    let two = loaded(&home, &image("10.0.1.1", &[plain("two")]), "two:1", true);
    let named = |record, names: &[&str]| SaveImage {
        record,
        names: names.iter().map(|name| (*name).to_owned()).collect(),
    };
    for format in ALL {
        let path = home.path("out");
        let same = [named(&one, &["x:1"]), named(&two, &["x:1"])];
        let error = save(&home, &same, &path, format).unwrap_err();
        assert!(matches!(error, SaveError::DuplicateName(_)), "{error}");
        let bad = [named(&one, &["bell\u{7}"])];
        assert!(matches!(
            save(&home, &bad, &path, format),
            Err(SaveError::Name(_))
        ));
        assert!(matches!(
            save(&home, &[], &path, format),
            Err(SaveError::Nothing)
        ));
    }
    let unnamed = [named(&one, &[]), named(&two, &[])];
    let error = save(&home, &unnamed, &home.path("out"), Format::OciArchive).unwrap_err();
    assert!(matches!(error, SaveError::Unnamed(..)), "{error}");
    save(
        &home,
        &unnamed,
        &home.path("docker.tar"),
        Format::DockerArchive,
    )
    .unwrap();
    assert_eq!(Home::new().load(&home.path("docker.tar")).unwrap().len(), 2);
    assert_eq!(beside_the_store(&home), ["docker.tar", "in.tar", "store"]);
}

#[test]
fn a_name_without_a_tag_gets_one_for_docker() {
    let home = Home::new();
    let record = loaded(&home, &image("10.0.1.1", &[plain("one")]), "v1", true);
    save(
        &home,
        &[with_names(&record)],
        &home.path("d.tar"),
        Format::DockerArchive,
    )
    .unwrap();
    save(
        &home,
        &[with_names(&record)],
        &home.path("o.tar"),
        Format::OciArchive,
    )
    .unwrap();
    let names = |file: &str| {
        Home::new().load(&home.path(file)).unwrap()[0]
            .record
            .names
            .clone()
    };
    assert_eq!(names("d.tar"), ["v1:latest"]);
    assert_eq!(names("o.tar"), ["v1"]);
}

#[test]
fn a_damaged_store_is_noticed_and_nothing_is_written() {
    for (file, keep_blobs, formats) in [
        ("layer.tar", true, &[Format::DockerArchive][..]),
        ("layer.tar", false, &ALL[..]),
        ("blob", true, &[Format::OciArchive, Format::OciDir][..]),
    ] {
        for longer in [false, true] {
            let home = Home::new();
            let record = loaded(
                &home,
                &image("10.0.1.1", &[gzipped("a")]),
                "a:1",
                keep_blobs,
            );
            let layer = record.layers[0];
            let victim = match file {
                "blob" => home.path(&format!("store/blobs/{}", layer.blob.0.hex())),
                name => home.path(&format!("store/layers/{}/{name}", layer.diff_id.0.hex())),
            };
            let mut bytes = fs::read(&victim).unwrap();
            if longer {
                bytes.push(0);
            } else {
                bytes[30] ^= 1;
            }
            fs::write(&victim, bytes).unwrap();
            for format in formats {
                let out = home.path("out");
                let error = save(&home, &[with_names(&record)], &out, *format).unwrap_err();
                let is_named = error.to_string().contains(&layer.diff_id.to_string());
                assert!(is_named, "{file}, {format:?}: {error}");
                match error {
                    SaveError::Damaged { .. } => assert!(!longer),
                    SaveError::DamagedLength { .. } => assert!(longer),
                    other => panic!("{file}, {format:?}: {other}"),
                }
                assert_eq!(
                    beside_the_store(&home),
                    ["in.tar", "store"],
                    "{file}, {format:?}"
                );
                let staging = fs::read_dir(home.path("store/staging")).unwrap().count();
                assert_eq!(staging, 0);
            }
        }
    }
}

#[test]
fn a_file_is_replaced_and_a_full_folder_is_not() {
    let home = Home::new();
    let record = loaded(&home, &image("10.0.1.1", &[gzipped("a")]), "a:1", true);
    let images = [with_names(&record)];
    let file = home.write("out.tar", b"old");
    save(&home, &images, &file, Format::OciArchive).unwrap();
    assert!(Home::new().load(&file).is_ok());

    let folder = home.path("folder");
    fs::create_dir(&folder).unwrap();
    let error = save(&home, &images, &folder, Format::OciArchive).unwrap_err();
    assert!(matches!(error, SaveError::IsFolder(_)), "{error}");
    save(&home, &images, &folder, Format::OciDir).unwrap();
    assert!(Home::new().load(&folder).is_ok());
    let error = save(&home, &images, &folder, Format::OciDir).unwrap_err();
    assert!(matches!(error, SaveError::Exists(_)), "{error}");
    let error = save(&home, &images, &file, Format::OciDir).unwrap_err();
    assert!(matches!(error, SaveError::Exists(_)), "{error}");
    let error = save(
        &home,
        &images,
        &home.path("no/such/place"),
        Format::OciArchive,
    );
    assert!(matches!(error, Err(SaveError::Write { .. })));
}

#[cfg(unix)]
#[test]
fn a_device_is_written_to_as_it_stands() {
    let home = Home::new();
    let record = loaded(&home, &image("10.0.1.1", &[gzipped("a")]), "a:1", true);
    let report = save(
        &home,
        &[with_names(&record)],
        Path::new("/dev/null"),
        Format::OciArchive,
    )
    .unwrap();
    assert!(report.bytes > 1024);
    assert!(!Path::new("/dev/null").is_file());
}

/// Runs a tool; `None` if it is not installed.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn run(program: &str, arguments: &[&str]) -> Option<String> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => {
            let error = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{program} {arguments:?}: {error}");
            Some(String::from_utf8(output.stdout).unwrap())
        }
        Err(_) => {
            eprintln!("skipped: {program} is not installed");
            None
        }
    }
}

#[test]
fn skopeo_reads_what_is_saved_and_writes_what_is_loaded() {
    let home = Home::new();
    // What skopeo does not convert on its way: it compresses plain layers, renames Docker's types, and
    // makes no docker-archive of zstd.
    let gzipped = Layer {
        media_type: "application/vnd.oci.image.layer.v1.tar+gzip",
        ..gzipped("a")
    };
    let compressed = image("10.0.20348.2227", &[gzipped, many_members("b")]);
    let record = loaded(&home, &compressed, "docker.io/library/app:1", true);
    let diff_ids = record.diff_ids();
    for (format, transport, suffix) in [
        (
            Format::OciArchive,
            "oci-archive",
            ":docker.io/library/app:1",
        ),
        (Format::OciDir, "oci", ":docker.io/library/app:1"),
        (Format::DockerArchive, "docker-archive", ""),
    ] {
        let path = home.path(transport);
        save(&home, &[with_names(&record)], &path, format).unwrap();
        let source = format!("{transport}:{}{suffix}", path.display());
        let os = "--override-os=windows";
        let Some(config) = run("skopeo", &[os, "inspect", "--config", &source]) else {
            return;
        };
        for diff_id in &diff_ids {
            assert!(
                config.contains(&diff_id.to_string()),
                "{transport}: {config}"
            );
        }
        for (target, name) in [
            ("oci", ":back:1"),
            ("oci-archive", ":back:1"),
            ("docker-archive", ":back:1"),
        ] {
            let back = home.path(&format!("{transport}-to-{target}"));
            let copy = format!("{target}:{}{name}", back.display());
            run("skopeo", &[os, "--insecure-policy", "copy", &source, &copy]);
            let again = Home::new().load(&back).unwrap().remove(0).record;
            assert_eq!(again.diff_ids(), diff_ids, "{copy}");
            assert!(again.names[0].ends_with("back:1"), "{:?}", again.names);
            if transport != "docker-archive" && target != "docker-archive" {
                assert_eq!(again.manifest, record.manifest, "{copy}");
            }
        }
    }
}
