//! The cases of containerd's suite for snapshotters (core/snapshots/testsuite), on Linux trees and on Windows trees.
//!
//! Every case is given a parent for its lowest snapshot: nothing, or a committed Windows base layer.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use tonic::Code;
use transom_containerd::proto::snapshots::{CommitSnapshotRequest, Info, Kind};

use crate::mounted::{can_mount, read, tree_of, write};
use crate::support::{Bench, Labels, code, labels};
use crate::windows::with_base;

/// Runs a case on both kinds of trees.
fn on_both(case: impl Fn(&Bench, &str)) {
    on_linux(&case);
    if can_mount() {
        let bench = with_base();
        case(&bench, "base");
    }
}

fn on_linux(case: impl Fn(&Bench, &str)) {
    if can_mount() {
        case(&Bench::new(), "");
    }
}

#[test]
fn basic() {
    on_both(|bench, base| {
        bench.commit_with("one", base, |root| {
            write(root, "foo", "foo\n");
            write(root, "a/b/c/d", "in a folder");
            write(root, "gone/x", "x");
            fs::set_permissions(root.join("foo"), fs::Permissions::from_mode(0o600)).unwrap();
        });
        let key = "next-active";
        let mounted = bench.mount(&bench.prepare(key, "one"));
        let root = mounted.path();
        assert_eq!(read(root, "foo"), "foo\n");
        assert_eq!(bench.stat(key).unwrap().kind(), Kind::Active);
        assert_eq!(bench.stat(key).unwrap().parent, "one");
        write(root, "bar", "bar\n");
        write(root, "foo", "foo, overwritten\n");
        fs::remove_dir_all(root.join("gone")).unwrap();
        let expected = tree_of(root);
        drop(mounted);
        bench.commit("two", key).unwrap();
        assert_eq!(code(bench.stat(key)), Code::NotFound);
        assert_eq!(bench.stat("two").unwrap().kind(), Kind::Committed);

        for info in bench.list(&[]).unwrap() {
            assert_eq!(bench.stat(&info.name).unwrap(), info);
        }
        bench.look_at("two", |root| {
            assert_eq!(read(root, "foo"), "foo, overwritten\n");
            assert_eq!(read(root, "bar"), "bar\n");
            assert_eq!(read(root, "a/b/c/d"), "in a folder");
            assert!(!root.join("gone").exists());
            if base.is_empty() {
                assert_eq!(tree_of(root), expected);
            }
        });
        let error = bench.remove("one").unwrap_err();
        assert!(error.message().contains("remove"), "{error}");
        bench.remove("two").unwrap();
        bench.remove("one").unwrap();
        if !base.is_empty() {
            bench.remove(base).unwrap();
        }
        bench.is_empty();
    });
}

#[test]
fn stat_of_an_active_one_and_of_a_committed_one() {
    on_both(|bench, base| {
        bench.prepare("active", base);
        let info = bench.stat("active").unwrap();
        assert_eq!((info.name.as_str(), info.parent.as_str()), ("active", base));
        assert_eq!(info.kind(), Kind::Active);
        bench.commit("done", "active").unwrap();
        let info = bench.stat("done").unwrap();
        assert_eq!((info.name.as_str(), info.parent.as_str()), ("done", base));
        assert_eq!(info.kind(), Kind::Committed);
    });
}

#[test]
fn parents_are_transitive() {
    on_both(|bench, base| {
        bench.commit_with("a", base, |root| write(root, "foo", "1"));
        bench.commit_with("b", "a", |root| write(root, "bar", "2"));
        assert_eq!(bench.stat("b").unwrap().parent, "a");
        assert_eq!(bench.stat("a").unwrap().parent, base);
    });
}

#[test]
fn the_same_key_fails_twice() {
    on_both(|bench, base| {
        bench.commit_with("a", base, |root| write(root, "foo", "1"));
        bench.prepare("x", "a");
        assert_eq!(code(bench.try_view("x", "a")), Code::AlreadyExists);
        assert_eq!(
            code(bench.try_prepare("x", "a", Labels::new())),
            Code::AlreadyExists
        );
        bench.view("y", "a");
        assert_eq!(code(bench.try_view("y", "a")), Code::AlreadyExists);
    });
}

/// A moment as the messages carry it.
fn now() -> (i64, i32) {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    (now.as_secs() as i64, now.subsec_nanos() as i32)
}

#[test]
fn labels_are_updated_and_nothing_else() {
    on_both(|bench, base| {
        bench.prepare("tmp", base);
        bench.commit("committed", "tmp").unwrap();
        bench.prepare("active-top", base);
        bench.prepare("active", "committed");
        bench.view("view", "committed");
        for key in ["committed", "active-top", "active", "view"] {
            let before = bench.stat(key).unwrap();
            let change = |labels: Labels, paths: &[&str]| {
                let info = Info {
                    labels,
                    parent: "ignored".to_owned(),
                    kind: Kind::View.into(),
                    ..before.clone()
                };
                let start = now();
                let answer = bench.update(info, paths).unwrap();
                let updated = answer.updated_at.unwrap();
                let updated = (updated.seconds, updated.nanos);
                assert!(start <= updated && updated <= now());
                assert_eq!(bench.stat(key).unwrap(), answer);
                assert_eq!(answer.created_at, before.created_at);
                assert_eq!((&answer.parent, answer.kind), (&before.parent, before.kind));
                answer.labels
            };
            let all = labels(&[("one", "1"), ("two", "2"), ("a.b", "3")]);
            assert_eq!(change(all.clone(), &[]), all);
            assert_eq!(
                change(labels(&[("one", "11"), ("ignored", "x")]), &["labels.one"]),
                labels(&[("one", "11"), ("two", "2"), ("a.b", "3")])
            );
            assert_eq!(
                change(Labels::new(), &["labels.a.b"]),
                labels(&[("one", "11"), ("two", "2")])
            );
            let last = labels(&[("last", "")]);
            assert_eq!(change(last.clone(), &["labels"]), last);
            for field in ["parent", "name", "kind", "created_at"] {
                let result = bench.update(before.clone(), &[field]);
                assert_eq!(code(result), Code::InvalidArgument, "{field}");
            }
        }
        let missing = Info {
            name: "missing".to_owned(),
            ..Info::default()
        };
        assert_eq!(code(bench.update(missing, &[])), Code::NotFound);
    });
}

#[test]
fn a_name_can_be_used_again_after_removal() {
    on_both(|bench, base| {
        bench.prepare("a", base);
        bench.commit("committed", "a").unwrap();
        bench.prepare("a", "committed");
        bench.remove("a").unwrap();
        bench.view("a", "committed");
        bench.remove("a").unwrap();
        bench.prepare("a", base);
        bench.remove("committed").unwrap();
        bench.commit("committed", "a").unwrap();
    });
}

#[test]
fn a_walk_goes_by_filters() {
    on_both(|bench, base| {
        let commit = |name: &str, parent: &str, pairs: &[(&str, &str)]| {
            bench.prepare("tmp", parent);
            let request = CommitSnapshotRequest {
                name: name.to_owned(),
                key: "tmp".to_owned(),
                labels: labels(pairs),
                ..CommitSnapshotRequest::default()
            };
            bench.try_commit(request).unwrap();
        };
        commit("c1", base, &[("level", "1"), ("x", "")]);
        commit("c2", "c1", &[("level", "2")]);
        commit("c3", base, &[]);
        let prepare = |key: &str, parent: &str, pairs: &[(&str, &str)]| {
            bench.try_prepare(key, parent, labels(pairs)).unwrap();
        };
        prepare("a1", base, &[("level", "1")]);
        prepare("a2", "c1", &[]);
        prepare("a3", "c2", &[("level", "3")]);
        bench.view("v1", "c1");
        bench.view("v2", "c2");
        for (filters, expected) in [
            (&[][..], "a1 a2 a3 c1 c2 c3 v1 v2"),
            (&["kind==active"], "a1 a2 a3"),
            (&["kind==committed"], "c1 c2 c3"),
            (&["kind==view"], "v1 v2"),
            (&["name==a2"], "a2"),
            (&["parent==c1"], "a2 c2 v1"),
            (&["kind==active,parent==c2"], "a3"),
            (&["labels.level"], "a1 a3 c1 c2"),
            (&["labels.level==1"], "a1 c1"),
            (
                &["labels.level==3", "kind==view", "name==c3"],
                "a3 c3 v1 v2",
            ),
            (&["labels.x"], "c1"),
            (&["name~=^v"], "v1 v2"),
        ] {
            let infos = bench.list(filters).unwrap();
            let names = infos.iter().map(|info| info.name.as_str());
            let names: Vec<&str> = names.filter(|name| *name != "base").collect();
            assert_eq!(names.join(" "), expected, "{filters:?}");
        }
        let with_parent = bench.list(&["parent!=\"\""]).unwrap();
        let expected = if base.is_empty() { 5 } else { 8 };
        assert_eq!(with_parent.len(), expected);
        assert_eq!(code(bench.list(&["kind=x"])), Code::InvalidArgument);
    });
}

#[test]
fn a_change_of_the_same_size_within_a_second_is_seen() {
    on_both(|bench, base| {
        for round in 0..5 {
            let name = |step: &str| format!("{round}-{step}");
            bench.commit_with(&name("one"), base, |root| {
                write(root, "foo", "11");
                write(root, "mode", "same");
                let mode = fs::Permissions::from_mode(0o600);
                fs::set_permissions(root.join("mode"), mode).unwrap();
            });
            // Once before, around and after the turn of a second.
            let into = SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap();
            let rest = 1_000_000_000 - u64::from(into.subsec_nanos());
            std::thread::sleep(Duration::from_nanos(
                rest.saturating_sub(150_000_000) * (round & 1),
            ));
            bench.commit_with(&name("two"), &name("one"), |root| {
                write(root, "foo", "22");
                let mode = fs::Permissions::from_mode(0o640);
                fs::set_permissions(root.join("mode"), mode).unwrap();
            });
            bench.look_at(&name("two"), |root| {
                assert_eq!(read(root, "foo"), "22");
                if base.is_empty() {
                    let mode = fs::metadata(root.join("mode"))
                        .unwrap()
                        .permissions()
                        .mode();
                    assert_eq!(mode & 0o777, 0o640);
                }
            });
        }
    });
}

#[test]
fn a_folder_that_was_made_again_hides_the_old_one_for_all_above() {
    on_both(|bench, base| {
        bench.commit_with("one", base, |root| {
            write(root, "dir/old", "old");
            write(root, "dir/sub/old", "old");
        });
        bench.commit_with("two", "one", |root| {
            fs::remove_dir_all(root.join("dir")).unwrap();
            write(root, "dir/new", "new");
        });
        bench.commit_with("three", "two", |root| write(root, "dir/newer", "newer"));
        for (name, files) in [("two", &["new"][..]), ("three", &["new", "newer"])] {
            bench.look_at(name, |root| {
                let mut names: Vec<String> = fs::read_dir(root.join("dir"))
                    .unwrap()
                    .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                    .collect();
                names.sort();
                assert_eq!(names, files);
            });
        }
    });
}

#[test]
fn owners_are_kept() {
    on_linux(|bench, base| {
        bench.commit_with("one", base, |root| {
            write(root, "opt/a", "a");
            write(root, "opt/b", "b");
            chown(root.join("opt/a"), Some(1), Some(2)).unwrap();
            chown(root.join("opt"), Some(3), Some(4)).unwrap();
        });
        bench.commit_with("two", "one", |root| {
            chown(root.join("opt/b"), Some(5), Some(6)).unwrap();
        });
        bench.look_at("two", |root| {
            use std::os::unix::fs::MetadataExt as _;
            let owner = |path: &str| {
                let metadata = fs::metadata(root.join(path)).unwrap();
                (metadata.uid(), metadata.gid())
            };
            assert_eq!(owner("opt"), (3, 4));
            assert_eq!(owner("opt/a"), (1, 2));
            assert_eq!(owner("opt/b"), (5, 6));
        });
    });
}

#[test]
fn permissions_of_folders_are_kept_through_layers() {
    on_linux(|bench, base| {
        let mode = |root: &Path, path: &str| {
            fs::metadata(root.join(path)).unwrap().permissions().mode() & 0o7777
        };
        let set = |root: &Path, path: &str, mode: u32| {
            fs::set_permissions(root.join(path), fs::Permissions::from_mode(mode)).unwrap();
        };
        bench.commit_with("one", base, |root| {
            for folder in ["dir1", "dir2", "dir3", "dir4", "dir5"] {
                fs::create_dir(root.join(folder)).unwrap();
                set(root, folder, 0o700);
            }
        });
        bench.commit_with("two", "one", |root| {
            set(root, "dir1", 0o1777);
            fs::remove_dir(root.join("dir2")).unwrap();
            fs::remove_dir(root.join("dir3")).unwrap();
            fs::create_dir(root.join("dir3")).unwrap();
            set(root, "dir3", 0o711);
            write(root, "dir4/f", "x");
        });
        bench.commit_with("three", "two", |root| {
            fs::create_dir(root.join("dir2")).unwrap();
            set(root, "dir2", 0o755);
            set(root, "dir4", 0o2750);
        });
        bench.look_at("three", |root| {
            let expected = [
                ("dir1", 0o1777),
                ("dir2", 0o755),
                ("dir3", 0o711),
                ("dir4", 0o2750),
                ("dir5", 0o700),
            ];
            for (folder, expected) in expected {
                assert_eq!(mode(root, folder), expected, "{folder}");
            }
        });
    });
}

#[test]
fn a_snapshot_in_the_middle_of_a_chain_cannot_be_removed() {
    on_both(|bench, base| {
        bench.commit_with("bottom", base, |root| write(root, "a", "a"));
        bench.commit_with("middle", "bottom", |root| write(root, "b", "b"));
        bench.prepare("top", "middle");
        for key in ["middle", "bottom"] {
            assert_eq!(code(bench.remove(key)), Code::FailedPrecondition, "{key}");
        }
        for key in ["top", "middle", "bottom"] {
            bench.remove(key).unwrap();
        }
    });
}

#[test]
fn what_a_child_deleted_stays_deleted_in_grand_children() {
    on_both(|bench, base| {
        bench.commit_with("one", base, |root| {
            write(root, "foo", "1");
            write(root, "dir/bar", "2");
            write(root, "kept", "3");
        });
        bench.commit_with("two", "one", |root| {
            fs::remove_file(root.join("foo")).unwrap();
            fs::remove_file(root.join("dir/bar")).unwrap();
        });
        bench.commit_with("three", "two", |root| write(root, "new", "4"));
        bench.look_at("three", |root| {
            assert!(!root.join("foo").exists() && !root.join("dir/bar").exists());
            assert!(root.join("dir").is_dir());
            assert_eq!(read(root, "kept") + &read(root, "new"), "34");
        });
    });
}

#[test]
fn files_of_lower_layers_can_be_moved_and_linked() {
    on_both(|bench, base| {
        bench.commit_with("one", base, |root| {
            write(root, "dir1/f1", "one");
            write(root, "dir2/f2", "two");
        });
        bench.commit_with("two", "one", |root| {
            fs::create_dir(root.join("dir3")).unwrap();
            fs::rename(root.join("dir1/f1"), root.join("dir3/f1")).unwrap();
            fs::hard_link(root.join("dir2/f2"), root.join("dir3/f2")).unwrap();
            fs::remove_file(root.join("dir2/f2")).unwrap();
        });
        bench.look_at("two", |root| {
            assert_eq!(read(root, "dir3/f1") + &read(root, "dir3/f2"), "onetwo");
            assert!(!root.join("dir1/f1").exists() && !root.join("dir2/f2").exists());
        });
    });
}

#[test]
fn a_view_refuses_writes() {
    on_both(|bench, base| {
        bench.commit_with("one", base, |root| write(root, "foo", "1"));
        bench.look_at("one", |root| {
            let error = fs::write(root.join("foo"), "2").unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::ReadOnlyFilesystem);
            assert!(fs::write(root.join("new"), "2").is_err());
            assert_eq!(read(root, "foo"), "1");
        });
    });
}

#[test]
fn the_root_has_the_permissions_of_a_root() {
    on_linux(|bench, base| {
        let mounted = bench.mount(&bench.prepare("a", base));
        let mode = fs::metadata(mounted.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
    });
}

#[test]
fn files_and_folders_of_lower_layers_can_be_renamed() {
    on_both(|bench, base| {
        bench.commit_with("one", base, |root| {
            write(root, "dir1/f1", "one");
            write(root, "dir1/sub/f2", "two");
            write(root, "somefiles/f3", "three");
        });
        bench.commit_with("two", "one", |root| {
            write(root, "new", "over");
            fs::rename(root.join("new"), root.join("dir1/f1")).unwrap();
            fs::rename(root.join("dir1"), root.join("moved")).unwrap();
            fs::rename(root.join("moved/sub"), root.join("sub")).unwrap();
        });
        bench.look_at("two", |root| {
            assert_eq!(read(root, "moved/f1"), "over");
            assert_eq!(read(root, "sub/f2"), "two");
            assert!(!root.join("dir1").exists() && !root.join("moved/sub").exists());
        });
    });
}

#[test]
fn links_are_kept() {
    on_linux(|bench, base| {
        bench.commit_with("one", base, |root| {
            write(root, "target", "t");
            symlink("target", root.join("link")).unwrap();
            symlink("/nowhere", root.join("dangling")).unwrap();
        });
        bench.commit_with("two", "one", |root| {
            fs::remove_file(root.join("link")).unwrap();
            symlink("dangling", root.join("link")).unwrap();
        });
        bench.look_at("two", |root| {
            assert_eq!(
                fs::read_link(root.join("link")).unwrap(),
                Path::new("dangling")
            );
            assert_eq!(
                fs::read_link(root.join("dangling")).unwrap(),
                Path::new("/nowhere")
            );
        });
    });
}

#[test]
fn a_stack_of_128_layers_is_what_was_written() {
    on_both(|bench, base| {
        const LAYERS: usize = 128;
        // A plain folder to which the same is done.
        let flat = tempfile::tempdir().unwrap();
        if !base.is_empty() {
            bench.look_at(base, |root| {
                let copied = std::process::Command::new("cp")
                    .args(["-r", "--no-preserve=mode", "--"])
                    .arg(format!("{}/.", root.display()))
                    .arg(flat.path())
                    .status();
                assert!(copied.unwrap().success());
            });
        }
        let names = |root: &Path| -> Vec<_> {
            let without_modes = |(path, what): (std::path::PathBuf, String)| {
                let mut words = what.splitn(3, ' ');
                let kind = words.next().unwrap_or_default().to_owned();
                (path, kind, words.nth(1).unwrap_or_default().to_owned())
            };
            tree_of(root).into_iter().map(without_modes).collect()
        };
        let mut parent = base.to_owned();
        for layer in 1..=LAYERS {
            let name = format!("layer-{layer}");
            let change = |root: &Path| {
                write(root, "bottom", &format!("bottom at {layer}"));
                write(root, &format!("layer/{layer}"), &layer.to_string());
                let again = root.join("again");
                if again.exists() {
                    fs::remove_dir_all(&again).unwrap();
                }
                write(root, &format!("again/{layer}"), "new");
            };
            bench.commit_with(&name, &parent, |root| {
                if layer % 16 == 1 {
                    assert_eq!(names(root), names(flat.path()), "before layer {layer}");
                }
                change(root);
            });
            change(flat.path());
            parent = name;
        }
        bench.look_at(&parent, |root| assert_eq!(names(root), names(flat.path())));
    });
}

#[test]
fn programs_may_set_the_user_id_where_only_the_owner_of_the_store_gets_at_them() {
    on_both(|bench, base| {
        let mounts = bench.prepare("a", base);
        let source = Path::new(&mounts[0].source);
        let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let line = table.lines().find(|line| line.contains(&mounts[0].source));
        let options = line.unwrap().split(' ').nth(5).unwrap();
        assert!(options.contains("nodev"), "{options}");
        assert_eq!(options.contains("nosuid"), !base.is_empty(), "{options}");
        let folder = source.ancestors().nth(2).unwrap();
        let mode = fs::metadata(folder).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{}", folder.display());
    });
}
