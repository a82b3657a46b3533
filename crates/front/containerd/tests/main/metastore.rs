//! What containerd's metastore promises its snapshotters (core/snapshots/storage/metastore_test.go), over gRPC.

use tonic::Code;
use transom_containerd::proto::snapshots::{CommitSnapshotRequest, Kind};

#[cfg(target_os = "linux")]
use crate::mounted::{read, write};
use crate::support::{Bench, Labels, code, labels};

/// An empty store of each kind that this machine can serve.
pub(crate) fn benches() -> Vec<Bench> {
    let folders = crate::folders::new();
    #[cfg(target_os = "linux")]
    if crate::mounted::can_mount() {
        return vec![Bench::new(), folders];
    }
    vec![folders]
}

/// `committed-1` ← `committed-2`; `active-1` without parent, `active-2` and `view-2` over them.
fn filled() -> Vec<Bench> {
    let benches = benches();
    for bench in &benches {
        bench.prepare("c-1", "");
        bench.commit("committed-1", "c-1").unwrap();
        bench.prepare("c-2", "committed-1");
        bench.commit("committed-2", "c-2").unwrap();
        bench.prepare("active-1", "");
        bench.prepare("active-2", "committed-1");
        bench.view("view-1", "committed-1");
        bench.view("view-2", "committed-2");
    }
    benches
}

#[test]
fn info_of_each_kind_is_told() {
    for bench in filled() {
        for (key, parent, kind) in [
            ("committed-1", "", Kind::Committed),
            ("committed-2", "committed-1", Kind::Committed),
            ("active-1", "", Kind::Active),
            ("active-2", "committed-1", Kind::Active),
            ("view-1", "committed-1", Kind::View),
            ("view-2", "committed-2", Kind::View),
        ] {
            let info = bench.stat(key).unwrap();
            assert_eq!((info.name.as_str(), info.parent.as_str()), (key, parent));
            assert_eq!(info.kind(), kind, "{key}");
            assert!(info.created_at.is_some() && info.created_at == info.updated_at);
        }
    }
}

#[test]
fn what_is_not_there_is_not_found() {
    for bench in benches() {
        assert_eq!(code(bench.stat("x")), Code::NotFound);
        assert_eq!(code(bench.mounts("x")), Code::NotFound);
        assert_eq!(code(bench.usage("x")), Code::NotFound);
        assert_eq!(code(bench.remove("x")), Code::NotFound);
        assert_eq!(code(bench.commit("y", "x")), Code::NotFound);
        assert_eq!(
            code(bench.try_prepare("y", "x", Labels::new())),
            Code::NotFound
        );
        assert_eq!(code(bench.try_view("y", "x")), Code::NotFound);
        assert_eq!(bench.list(&[]).unwrap(), []);
    }
}

#[test]
fn a_walk_tells_all_and_what_stat_tells() {
    for bench in filled() {
        let infos = bench.list(&[]).unwrap();
        let names: Vec<&str> = infos.iter().map(|info| info.name.as_str()).collect();
        let expected = [
            "active-1",
            "active-2",
            "committed-1",
            "committed-2",
            "view-1",
            "view-2",
        ];
        assert_eq!(names, expected);
        for info in infos {
            assert_eq!(bench.stat(&info.name).unwrap(), info);
        }
    }
}

#[test]
fn only_active_snapshots_and_views_have_mounts() {
    for bench in filled() {
        for key in ["active-1", "active-2"] {
            let options = bench.mounts(key).unwrap().remove(0).options;
            assert!(options.contains(&"rw".to_owned()), "{options:?}");
        }
        for key in ["view-1", "view-2"] {
            let options = bench.mounts(key).unwrap().remove(0).options;
            assert!(options.contains(&"ro".to_owned()), "{options:?}");
        }
        assert_eq!(code(bench.mounts("committed-1")), Code::FailedPrecondition);
    }
}

#[test]
fn a_name_is_given_once_and_only_a_committed_snapshot_is_a_parent() {
    for bench in filled() {
        for taken in ["active-1", "view-1", "committed-1"] {
            let result = bench.try_prepare(taken, "committed-1", Labels::new());
            assert_eq!(code(result), Code::AlreadyExists, "{taken}");
            let result = bench.try_view(taken, "committed-1");
            assert_eq!(code(result), Code::AlreadyExists, "{taken}");
        }
        for parent in ["active-1", "view-1"] {
            let result = bench.try_prepare("new", parent, Labels::new());
            assert_eq!(code(result), Code::InvalidArgument, "{parent}");
            assert_eq!(code(bench.try_view("new", parent)), Code::InvalidArgument);
        }
        assert_eq!(
            code(bench.try_prepare("", "", Labels::new())),
            Code::InvalidArgument
        );
        assert_eq!(code(bench.stat("new")), Code::NotFound);
    }
}

#[test]
fn a_commit_takes_an_active_snapshot_and_a_new_name() {
    for bench in filled() {
        assert_eq!(
            code(bench.commit("committed-1", "active-1")),
            Code::AlreadyExists
        );
        assert_eq!(
            code(bench.commit("active-1", "active-1")),
            Code::AlreadyExists
        );
        assert_eq!(
            code(bench.commit("new", "committed-1")),
            Code::FailedPrecondition
        );
        assert_eq!(
            code(bench.commit("new", "view-1")),
            Code::FailedPrecondition
        );
        assert_eq!(code(bench.commit("", "active-1")), Code::InvalidArgument);
        let before = bench.stat("active-1").unwrap();
        bench
            .try_commit(CommitSnapshotRequest {
                name: "new".to_owned(),
                key: "active-1".to_owned(),
                labels: labels(&[("a", "b")]),
                ..CommitSnapshotRequest::default()
            })
            .unwrap();
        let after = bench.stat("new").unwrap();
        assert_eq!(
            (after.kind(), after.labels),
            (Kind::Committed, labels(&[("a", "b")]))
        );
        assert!(seconds(&after.created_at) >= seconds(&before.created_at));
        assert_eq!(code(bench.stat("active-1")), Code::NotFound);
    }
}

fn seconds(time: &Option<prost_types::Timestamp>) -> (i64, i32) {
    let time = time.as_ref().unwrap();
    (time.seconds, time.nanos)
}

#[test]
fn a_commit_does_not_inherit_labels() {
    for bench in benches() {
        bench.try_prepare("a", "", labels(&[("old", "1")])).unwrap();
        bench.commit("c", "a").unwrap();
        assert_eq!(bench.stat("c").unwrap().labels, Labels::new());
    }
}

#[test]
fn a_snapshot_with_children_cannot_be_removed() {
    for bench in filled() {
        let error = bench.remove("committed-1").unwrap_err();
        assert_eq!(error.code(), Code::FailedPrecondition);
        assert!(error.message().contains("remove"), "{error}");
        for key in [
            "active-1",
            "active-2",
            "view-1",
            "view-2",
            "committed-2",
            "committed-1",
        ] {
            bench.remove(key).unwrap();
        }
        bench.is_empty();
    }
}

#[test]
fn a_snapshot_without_parent_can_be_rebased_on_commit() {
    for bench in filled() {
        let rebase = |name: &str, key: &str, parent: &str| {
            bench.try_commit(CommitSnapshotRequest {
                name: name.to_owned(),
                key: key.to_owned(),
                parent: parent.to_owned(),
                ..CommitSnapshotRequest::default()
            })
        };
        assert_eq!(code(rebase("n", "active-1", "missing")), Code::NotFound);
        assert_eq!(
            code(rebase("n", "active-1", "view-1")),
            Code::InvalidArgument
        );
        rebase("based", "active-1", "committed-2").unwrap();
        assert_eq!(bench.stat("based").unwrap().parent, "committed-2");
        assert_eq!(
            code(rebase("n", "active-2", "committed-2")),
            Code::InvalidArgument
        );
        rebase("same", "active-2", "committed-1").unwrap();
        assert_eq!(bench.stat("same").unwrap().parent, "committed-1");
    }
}

#[test]
fn labels_are_bounded() {
    for bench in benches() {
        let long = "x".repeat(4096);
        let result = bench.try_prepare("a", "", labels(&[("l", &long)]));
        assert_eq!(code(result), Code::InvalidArgument);
        let result = bench.try_prepare(&"k".repeat(5000), "", Labels::new());
        assert_eq!(code(result), Code::InvalidArgument);
        assert_eq!(bench.list(&[]).unwrap(), []);
    }
}

#[test]
fn a_snapshot_that_its_namespace_has_by_reference_need_not_be_made_again() {
    for bench in benches() {
        let with_ref = || labels(&[("containerd.io/snapshot.ref", "sha256:abc")]);
        bench
            .try_prepare("one/1/extract-1", "", with_ref())
            .unwrap();
        bench
            .try_commit(CommitSnapshotRequest {
                name: "one/2/sha256:abc".to_owned(),
                key: "one/1/extract-1".to_owned(),
                labels: with_ref(),
                ..CommitSnapshotRequest::default()
            })
            .unwrap();
        let result = bench.try_prepare("one/3/extract-2", "", with_ref());
        assert_eq!(code(result), Code::AlreadyExists);
        // The blobs of another namespace would not be fetched.
        bench
            .try_prepare("two/4/extract-3", "", with_ref())
            .unwrap();
        let found = bench
            .list(&[r#"labels."containerd.io/snapshot.ref"==sha256:abc"#])
            .unwrap();
        let names: Vec<&str> = found.iter().map(|info| info.name.as_str()).collect();
        assert_eq!(names, ["one/2/sha256:abc", "two/4/extract-3"]);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_commit_whose_answer_was_lost_can_be_repeated_by_another_name() {
    if !crate::mounted::can_mount() {
        return;
    }
    let bench = Bench::new();
    bench.commit_with("n/2/done", "", |root| write(root, "file", "1"));
    bench.commit("n/3/done", "n/2/done-active").unwrap();
    assert_eq!(code(bench.stat("n/2/done")), Code::NotFound);
    bench.commit("n/3/done", "n/2/done-active").unwrap();
    bench.look_at("n/3/done", |root| assert_eq!(read(root, "file"), "1"));
    bench.prepare("child", "n/3/done");
    assert_eq!(
        code(bench.commit("n/4/done", "n/2/done-active")),
        Code::NotFound
    );
    assert_eq!(
        code(bench.commit("child", "n/2/done-active")),
        Code::AlreadyExists
    );
}

#[cfg(target_os = "linux")]
#[test]
fn after_the_server_died_the_last_commit_can_be_repeated_although_its_result_was_removed() {
    if !crate::mounted::can_mount() {
        return;
    }
    let bench = Bench::new();
    bench.commit_with("n/2/done", "", |root| write(root, "file", "1"));
    assert_eq!(bench.store.bring_back_active_snapshots().unwrap(), 1);
    bench.remove("n/2/done").unwrap();
    let mounted = bench.mount(&bench.mounts("n/2/done-active").unwrap());
    assert_eq!(read(mounted.path(), "file"), "1");
    drop(mounted);
    bench.commit("n/3/done", "n/2/done-active").unwrap();
    bench.store.answers_were_heard().unwrap();
    assert_eq!(bench.store.bring_back_active_snapshots().unwrap(), 0);
    bench.look_at("n/3/done", |root| assert_eq!(read(root, "file"), "1"));
    // The same name, if nothing had removed it.
    bench.commit_with("n/4/done", "", |root| write(root, "file", "2"));
    assert_eq!(bench.store.bring_back_active_snapshots().unwrap(), 1);
    let other = code(bench.commit("n/3/done", "n/4/done-active"));
    assert_eq!(other, Code::AlreadyExists);
    bench.commit("n/4/done", "n/4/done-active").unwrap();
    bench.look_at("n/4/done", |root| assert_eq!(read(root, "file"), "2"));
    bench.remove("n/3/done").unwrap();
    bench.remove("n/4/done").unwrap();
    bench.is_empty();
}
