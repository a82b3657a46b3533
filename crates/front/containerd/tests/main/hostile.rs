//! What no client should ask for.

use tonic::Code;
use transom_containerd::proto::types::Mount;

use crate::content::{apply, difference};
use crate::metastore::benches;
use crate::support::{Labels, code, labels};

const TAR: &str = "application/vnd.oci.image.layer.v1.tar";

/// Names that would be a way out of a folder, or mean something to a system, if they named files.
const NAMES: [&str; 14] = [
    "../../outside",
    r"..\..\outside",
    r"C:\outside",
    r"\\server\share",
    r"\\.\pipe\transom",
    "/etc/passwd",
    ".",
    "..",
    "CON",
    "name:stream",
    "snapshot-1",
    ".transom",
    "a\0b",
    "x'; DROP TABLE snapshots; --",
];

#[test]
fn a_name_is_a_name_whatever_is_in_it() {
    for bench in benches() {
        let before = std::fs::read_dir(bench.folder.path()).unwrap().count();
        for name in NAMES {
            let active = format!("{name} ");
            bench.prepare(&active, "");
            bench.commit(name, &active).unwrap();
            let child = format!("extract-{name}");
            bench.prepare(&child, name);
            assert_eq!(code(bench.remove(name)), Code::FailedPrecondition);
            assert_eq!(bench.stat(&child).unwrap().parent, name);
            bench.remove(&child).unwrap();
            bench.remove(name).unwrap();
        }
        assert_eq!(bench.list(&[]).unwrap(), []);
        let after = std::fs::read_dir(bench.folder.path()).unwrap().count();
        assert_eq!(before, after);
    }
}

#[test]
fn a_source_that_was_not_given_out_is_none_of_ours() {
    for bench in benches() {
        let ours = bench.prepare("a", "").remove(0);
        let with = |source: String| Mount {
            source,
            ..ours.clone()
        };
        let source = &ours.source;
        for source in [
            String::new(),
            "snapshot-1".to_owned(),
            format!("{source}/../snapshot-1"),
            format!("{source}0"),
            format!("{source}/x"),
            "/".to_owned(),
            r"C:\".to_owned(),
            "\0".to_owned(),
        ] {
            let mounts = [with(source.clone())];
            let refused = apply(&bench, &mounts, b"x");
            assert_eq!(code(refused), Code::Unimplemented, "{source:?}");
            let refused = difference(&bench, &[], &mounts, TAR);
            assert_eq!(code(refused), Code::Unimplemented, "{source:?}");
        }
        bench.remove("a").unwrap();
        let gone = apply(&bench, &[ours], b"x");
        assert_eq!(code(gone), Code::Unimplemented);
    }
}

#[test]
fn a_size_that_is_none_asks_for_nothing() {
    for bench in benches() {
        for (number, size) in ["", "-1", "huge", "18446744073709551616"]
            .iter()
            .enumerate()
        {
            let label = "containerd.io/snapshot/windows/rootfs.sizebytes";
            let key = format!("{number}");
            bench
                .try_prepare(&key, "", labels(&[(label, size)]))
                .unwrap();
        }
        let result = bench.try_prepare(&"k".repeat(5000), "", Labels::new());
        assert_eq!(code(result), Code::InvalidArgument);
    }
}

#[test]
fn labels_are_kept_as_they_came_or_refused() {
    for bench in benches() {
        let long = "v".repeat(4090);
        for (number, (name, value)) in [
            ("", ""),
            ("name", "line\nline"),
            ("a\0b", "\0"),
            ("../../x", "'; DROP TABLE snapshot_labels; --"),
            ("\u{202e}right to left", "\u{fffe}"),
            ("long", &long),
        ]
        .into_iter()
        .enumerate()
        {
            let key = number.to_string();
            bench
                .try_prepare(&key, "", labels(&[(name, value)]))
                .unwrap();
            assert_eq!(bench.stat(&key).unwrap().labels[name], value);
        }
        let result = bench.try_prepare("x", "", labels(&[("longer", &"v".repeat(4091))]));
        assert_eq!(code(result), Code::InvalidArgument);
        assert_eq!(code(bench.stat("x")), Code::NotFound);
    }
}
