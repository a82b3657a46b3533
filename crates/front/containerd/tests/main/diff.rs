//! Layers from the content store and back.

use std::fs;
use std::io::{Read as _, Write as _};

use tonic::Code;
use transom_containerd::proto::types::Mount;
use transom_layer::{BlobDigest, Digest};
use transom_sample::shape::{Content, LayerTree, Node, metadata};

use crate::content::{apply, apply_as, difference};
use crate::mounted::{can_mount, read, write};
use crate::support::{Bench, code};
use crate::windows::{base_layer, unpack, with_base};

const TAR: &str = "application/vnd.oci.image.layer.v1.tar";
const GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";

fn digest(bytes: &[u8]) -> String {
    BlobDigest(Digest::of(bytes)).to_string()
}

fn names_in(tar: &[u8]) -> Vec<String> {
    let list = std::process::Command::new("tar")
        .args(["-t", "-f", "-"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn();
    let mut list = list.unwrap();
    list.stdin.take().unwrap().write_all(tar).unwrap();
    let output = list.wait_with_output().unwrap();
    let names = String::from_utf8(output.stdout).unwrap();
    names.lines().map(str::to_owned).collect()
}

#[test]
fn a_layer_comes_out_as_it_went_in() {
    if !can_mount() {
        return;
    }
    let bench = with_base();
    let mut layer = LayerTree::default();
    let mut add = |path: &str, content| {
        layer.add(path, Node::new(metadata(7, 0, None), content));
    };
    for folder in ["Files", "Files/App", "Hives"] {
        add(folder, Content::Folder);
    }
    add("Files/App/a", Content::Bytes(vec![7; 100_000]));
    let tar = layer.write(Vec::new()).unwrap();
    unpack(&bench, "one", "base", &tar);
    let (view, parent) = (bench.view("v", "one"), bench.view("p", "base"));
    let (diff, bytes, labels) = difference(&bench, &parent, &view, TAR).unwrap();
    assert_eq!(diff.media_type, TAR);
    assert!(bytes == tar, "the tar differs");
    assert_eq!(labels["wanted"], "yes");
    let (diff, bytes, labels) = difference(&bench, &parent, &view, "").unwrap();
    assert_eq!(diff.media_type, GZIP);
    assert_eq!(labels["containerd.io/uncompressed"], digest(&tar));
    let mut inflated = Vec::new();
    flate2::read::MultiGzDecoder::new(&bytes[..])
        .read_to_end(&mut inflated)
        .unwrap();
    assert!(inflated == tar, "the inflated tar differs");
    // Once more: the content is there already.
    let again = difference(&bench, &parent, &view, GZIP).unwrap();
    assert_eq!(again.0, diff);
    let (diff, bytes, _) = difference(&bench, &parent, &view, ZSTD).unwrap();
    assert_eq!(diff.media_type, ZSTD);
    assert!(zstd::decode_all(&bytes[..]).unwrap() == tar);
    // Against nothing: all of both layers.
    let (_, bytes, _) = difference(&bench, &[], &view, TAR).unwrap();
    let names = names_in(&bytes);
    for name in [
        "Files/App/a",
        "Files/Windows/System32/ReadMe.txt:Zone.Identifier",
    ] {
        assert!(names.iter().any(|known| known == name), "{name}: {names:?}");
    }
    // Nothing differs.
    let (_, bytes, _) = difference(&bench, &parent, &bench.mounts("p").unwrap(), TAR).unwrap();
    assert_eq!(&bytes[..], [0; 1024]);
}

#[test]
fn what_was_written_is_told_with_what_windows_would_have_given_it() {
    if !can_mount() {
        return;
    }
    let bench = with_base();
    let mounted = bench.mount(&bench.prepare("a", "base"));
    write(mounted.path(), "Windows/System32/new.txt", "new");
    fs::remove_file(mounted.path().join("Windows/System32/cmd.exe")).unwrap();
    let (parent, active) = (bench.view("p", "base"), bench.mounts("a").unwrap());
    let (_, bytes, _) = difference(&bench, &parent, &active, TAR).unwrap();
    let names = names_in(&bytes);
    assert_eq!(
        names,
        [
            "Files",
            "Files/Windows",
            "Files/Windows/System32",
            "Files/Windows/System32/.wh.cmd.exe",
            "Files/Windows/System32/new.txt",
            "Hives",
        ]
    );
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("MSWINDOWS.rawsd"), "no security descriptor");
    drop(mounted);
    // What the commit makes of it is the same layer.
    bench.commit("one", "a").unwrap();
    let (_, committed, _) = difference(&bench, &parent, &bench.view("v", "one"), TAR).unwrap();
    assert!(committed == bytes, "the committed layer differs");
}

/// Whatever two snapshots are to each other, what is told of the second over the first gives the second.
#[test]
fn any_two_snapshots_can_be_compared() {
    if !can_mount() {
        return;
    }
    let bench = with_base();
    bench.commit_with("left", "base", |root| {
        write(root, "both", "the same");
        write(root, "only left/a", "a");
        write(root, "only left/b", "b");
        write(root, "kind", "file");
        write(root, "linked/one", "shared");
    });
    bench.commit_with("right-1", "base", |root| {
        write(root, "both", "the same");
        write(root, "only right/c", "c");
        write(root, "kind/inside", "folder");
        fs::remove_file(root.join("Windows/System32/empty")).unwrap();
    });
    let mounted = bench.mount(&bench.prepare("right", "right-1"));
    write(mounted.path(), "linked/one", "linked");
    fs::hard_link(
        mounted.path().join("linked/one"),
        mounted.path().join("linked/two"),
    )
    .unwrap();
    let right = crate::mounted::tree_of(mounted.path());
    let (left, mounts) = (bench.view("l", "left"), bench.mounts("right").unwrap());
    let (_, bytes, _) = difference(&bench, &left, &mounts, TAR).unwrap();
    let names = names_in(&bytes);
    for name in [
        "Files/.wh.only left",
        "Files/kind/inside",
        "Files/linked/two",
    ] {
        assert!(names.iter().any(|known| known == name), "{name}: {names:?}");
    }
    unpack(&bench, "again", "left", &bytes);
    bench.look_at("again", |root| {
        let shown: Vec<_> = crate::mounted::tree_of(root).into_keys().collect();
        let expected: Vec<_> = right.into_keys().collect();
        assert_eq!(shown, expected);
        assert_eq!(read(root, "linked/two"), "linked");
        assert_eq!(read(root, "kind/inside"), "folder");
    });
}

#[test]
fn a_layer_that_is_there_is_not_fetched_again() {
    if !can_mount() {
        return;
    }
    let bench = Bench::new();
    let keys: Vec<String> = (0..20)
        .map(|n| format!("default/{n}/extract-{n} x"))
        .collect();
    let layer = base_layer();
    let blob = bench.contents.add("default", &layer);
    std::thread::scope(|scope| {
        for key in &keys {
            let (bench, blob, layer) = (&bench, &blob, &layer);
            scope.spawn(move || {
                let mounts = bench.prepare(key, "");
                let applied = apply_as(bench, &mounts, TAR, blob, layer.len()).unwrap();
                assert_eq!(applied.digest, digest(layer));
                assert_eq!(applied.media_type, TAR);
                assert_eq!(applied.size, layer.len() as i64);
                bench.commit(&format!("{key} done"), key).unwrap();
            });
        }
    });
    assert_eq!(bench.contents.reads(), 1);
    assert_eq!(bench.store.layers().unwrap().len(), 1);
}

#[test]
fn a_layer_over_what_was_written_lies_above_it() {
    if !can_mount() {
        return;
    }
    let bench = with_base();
    let mounts = bench.prepare("a", "base");
    let mounted = bench.mount(&mounts);
    write(mounted.path(), "written", "before");
    write(mounted.path(), "Windows/System32/ReadMe.txt", "before");
    drop(mounted);
    apply(&bench, &mounts, &base_layer()).unwrap();
    let mounted = bench.mount(&mounts);
    assert_eq!(read(mounted.path(), "written"), "before");
    assert_eq!(
        read(mounted.path(), "Windows/System32/ReadMe.txt"),
        "read me"
    );
}

#[test]
fn a_layer_of_a_linux_image_is_taken_as_such() {
    if !can_mount() {
        return;
    }
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "etc/Hosts", "upper");
    write(folder.path(), "etc/hosts", "lower");
    let tar = std::process::Command::new("tar")
        .args(["-C", folder.path().to_str().unwrap(), "-c", "."])
        .output()
        .unwrap();
    unpack(&bench, "linux", "", &tar.stdout);
    bench.look_at("linux", |root| {
        assert_eq!(
            read(root, "etc/Hosts") + &read(root, "etc/hosts"),
            "upperlower"
        );
    });
}

#[test]
fn an_apply_that_fails_leaves_nothing_and_can_be_tried_again() {
    if !can_mount() {
        return;
    }
    let bench = Bench::new();
    let layer = base_layer();
    let key = "default/1/extract-1 x";
    let mounts = bench.prepare(key, "");
    let missing = digest(b"missing");
    for (result, expected) in [
        (apply_as(&bench, &mounts, TAR, &missing, 7), Code::NotFound),
        (
            apply_as(&bench, &mounts, TAR, "sha256:zz", 7),
            Code::InvalidArgument,
        ),
        (
            apply_as(&bench, &mounts, "text/plain", &missing, 7),
            Code::Unimplemented,
        ),
        (
            apply(&bench, &mounts, b"no tar at all"),
            Code::InvalidArgument,
        ),
        (
            apply(&bench, &mounts, &layer[..layer.len() / 2]),
            Code::InvalidArgument,
        ),
    ] {
        assert_eq!(code(result), expected);
    }
    let wrong_size = bench.contents.add("default", &layer);
    let result = apply_as(&bench, &mounts, TAR, &wrong_size, 5);
    assert_eq!(code(result), Code::InvalidArgument);
    bench.contents.cut_reads_at(Some(3000));
    assert!(apply(&bench, &mounts, &layer).is_err());
    bench.contents.cut_reads_at(None);
    assert_eq!(bench.store.layers().unwrap(), []);
    apply(&bench, &mounts, &layer).unwrap();
    bench.commit("base", key).unwrap();
    bench.remove("base").unwrap();
    bench.is_empty();
}

#[test]
fn mounts_of_others_are_left_to_other_differs() {
    if !can_mount() {
        return;
    }
    let bench = with_base();
    let foreign = |kind: &str, source: &str| Mount {
        r#type: kind.to_owned(),
        source: source.to_owned(),
        ..Mount::default()
    };
    let ours = bench.prepare("a", "base");
    for mounts in [
        vec![],
        vec![foreign("overlay", "overlay")],
        vec![foreign("bind", "/tmp")],
        vec![foreign("bind", "/tmp/snapshot-1/volume")],
        vec![foreign("bind", &format!("{}/..", ours[0].source))],
        vec![ours[0].clone(), ours[0].clone()],
    ] {
        assert_eq!(
            code(apply(&bench, &mounts, &base_layer())),
            Code::Unimplemented
        );
        if !mounts.is_empty() {
            let result = difference(&bench, &mounts, &ours, TAR);
            assert_eq!(code(result), Code::Unimplemented);
        }
        assert_eq!(
            code(difference(&bench, &ours, &mounts, TAR)),
            Code::Unimplemented
        );
    }
    let committed = foreign("bind", &ours[0].source);
    bench.commit("done", "a").unwrap();
    // A committed snapshot takes no more layers.
    let result = apply(&bench, &[committed], &base_layer());
    assert_eq!(code(result), Code::FailedPrecondition);
}
