//! What differs between two trees, and what a layer changes.

use transom_layer::Names;
use transom_layertar::{EntryKind, Header, Shape};
use transom_sealed::diff::{Change, Difference, changes, compare};
use transom_sealed::{Kind, Tree};

use crate::support::{Home, Layer, TIME, WINDOWS, with_attributes};

/// Path, change, what of the metadata.
type Lines = Vec<(String, Change, Vec<&'static str>)>;

fn collect(run: impl FnOnce(&mut dyn FnMut(Difference) -> std::io::Result<()>)) -> Lines {
    let mut lines = Lines::new();
    run(&mut |difference| {
        let path = String::from_utf8(difference.path).unwrap();
        lines.push((path, difference.change, difference.what));
        Ok(())
    });
    lines
}

fn compared(first: &Tree, second: &Tree) -> Lines {
    collect(|report| compare(first, second, report).unwrap())
}

fn changed(layer: &Tree, lower: Option<&Tree>) -> Lines {
    collect(|report| changes(layer, lower, report).unwrap())
}

fn line(path: &str, change: Change) -> (String, Change, Vec<&'static str>) {
    (path.to_owned(), change, Vec::new())
}

fn before() -> Layer {
    Layer::new()
        .dir("Files")
        .file("Files/a", b"same")
        .file("Files/b", b"before")
        .stream("Files/b:s", b"stream")
        .file("Files/c", b"case")
        .dir("Files/gone")
        .file("Files/gone/x", b"")
        .symlink("Files/link", "there")
        .dir("Files/turns")
        .file("Files/turns/y", b"")
}

#[test]
fn equal_trees_have_no_differences() {
    let home = Home::new();
    let tree = home.tree(&before().tar());
    assert_eq!(compared(&tree, &tree), []);
    // The same content from another tar, at other places.
    let other = home.tree(&Layer::new().dir("Hives").raw(&before().bytes()).tar());
    assert_eq!(compared(&tree, &other), [line("Hives", Change::Added)]);
    assert_eq!(compared(&other, &tree), [line("Hives", Change::Deleted)]);
}

#[test]
fn every_kind_of_change_is_told() {
    let home = Home::new();
    let first = home.tree(&before().tar());
    let after = Layer::new()
        .dir("Files")
        .file("Files/a", b"same")
        .file("Files/b", b"after!")
        .stream("Files/b:t", b"stream")
        .file("Files/C", b"case")
        .dir("Files/new")
        .file("Files/new/z", b"")
        .symlink("Files/link", "elsewhere")
        .file("Files/turns", b"");
    let second = home.tree(&after.tar());
    assert_eq!(
        compared(&first, &second),
        [
            line("Files/b", Change::Modified),
            line("Files/b:s", Change::Deleted),
            line("Files/b:t", Change::Added),
            (
                "Files/C".to_owned(),
                Change::Metadata,
                vec!["case of the name"]
            ),
            line("Files/gone", Change::Deleted),
            line("Files/gone/x", Change::Deleted),
            line("Files/link", Change::Modified),
            line("Files/new", Change::Added),
            line("Files/new/z", Change::Added),
            (
                "Files/turns".to_owned(),
                Change::Modified,
                vec!["attributes"]
            ),
            line("Files/turns/y", Change::Deleted),
        ]
    );
}

#[test]
fn every_difference_of_metadata_is_named() {
    let home = Home::new();
    let tree = |metadata: &transom_layertar::WindowsMetadata| {
        home.tree(
            &Layer::new()
                .entry("f", &Shape::File { size: 0 }, metadata, b"")
                .tar(),
        )
    };
    let plain = with_attributes(0x20);
    let first = tree(&plain);
    let later = transom_ntmeta::filetime::UnixTime {
        seconds: TIME.seconds + 1,
        nanos: 0,
    };
    let mut cases = Vec::new();
    let mut case = |what, change: &dyn Fn(&mut transom_layertar::WindowsMetadata)| {
        let mut metadata = plain.clone();
        change(&mut metadata);
        cases.push((metadata, what));
    };
    case("attributes", &|m| m.attributes = Some(0x21));
    case("security descriptor", &|m| m.security = Some(vec![1]));
    case("creation time", &|m| m.creation = Some(later));
    case("last write", &|m| m.last_write = later);
    case("change time", &|m| m.change = Some(later));
    case("extended attributes", &|m| {
        m.eas = vec![(b"E".to_vec(), b"v".to_vec())]
    });
    for (metadata, what) in cases {
        let lines = compared(&first, &tree(&metadata));
        assert_eq!((lines[0].0.as_str(), lines[0].1), ("f", Change::Metadata));
        assert_eq!(lines[0].2, [what]);
    }
    // Reading changes the last access, so it tells nothing.
    let mut metadata = plain.clone();
    metadata.last_access = Some(later);
    assert_eq!(compared(&first, &tree(&metadata)), []);
    let without = Layer::new()
        .entry("f", &Shape::FileWithoutData, &plain, b"")
        .tar();
    let lines = compared(&first, &home.tree(&without));
    assert_eq!(lines[0].2, ["presence of a data stream"]);
}

#[test]
fn owners_of_linux_files_are_compared() {
    let home = Home::new();
    let tree = |uid, major| {
        let mut header = Header::new(EntryKind::CharDevice, b"dev");
        (header.uid, header.dev_major) = (uid, major);
        home.posix_tree(&Layer::new().header(&header, b"").tar())
    };
    let lines = compared(&tree(0, 1), &tree(1, 2));
    assert_eq!(lines[0].2, ["mode or owner", "device number"]);
}

#[test]
fn large_files_are_compared_to_their_ends() {
    let home = Home::new();
    let mut data = vec![5; 1_000_000];
    let first = home.tree(&Layer::new().file("f", &data).tar());
    data[999_999] = 6;
    let second = home.tree(&Layer::new().file("f", &data).tar());
    assert_eq!(compared(&first, &second), [line("f", Change::Modified)]);
}

#[test]
fn a_report_that_fails_ends_the_comparison() {
    let home = Home::new();
    let (first, second) = (home.tree(&before().tar()), home.tree(&Layer::new().tar()));
    let mut calls = 0;
    let error = compare(&first, &second, &mut |_| {
        calls += 1;
        Err(std::io::ErrorKind::BrokenPipe.into())
    });
    assert!(matches!(
        error,
        Err(transom_sealed::diff::DiffError::Output(_))
    ));
    assert_eq!(calls, 1);
}

#[test]
fn a_layer_tells_what_it_changes_in_the_stack_below() {
    let home = Home::new();
    let below = home.stack(
        WINDOWS,
        &[before(), Layer::new().file("Files/deep/er/d", b"")],
    );
    let layer = Layer::new()
        .dir("files")
        .file("files/A", b"new")
        .stream("files/A:s", b"")
        .whiteout("files/c")
        .file("files/deep/ER/e", b"")
        .file("files/deep/er/D", b"")
        .dir("files/n")
        .file("files/n/m", b"")
        .opaque("files/gone");
    let layer = home.tree(&layer.tar());
    let expected = [
        line("files", Change::Modified),
        line("files/c", Change::Deleted),
        line("files/A", Change::Modified),
        line("files/A:s", Change::Added),
        line("files/deep/ER/D", Change::Modified),
        line("files/deep/ER/e", Change::Added),
        line("files/gone/*", Change::Deleted),
        line("files/n", Change::Added),
        line("files/n/m", Change::Added),
    ];
    assert_eq!(changed(&layer, Some(&below)), expected);
    let base = changed(&layer, None);
    let added = base
        .iter()
        .filter(|(_, change, _)| *change == Change::Added);
    assert_eq!(added.count(), 7);
    let kinds = |node: Difference| {
        assert!(matches!(node.kind, Kind::File | Kind::Directory));
        Ok(())
    };
    changes(&layer, None, &mut { kinds }).unwrap();
}

#[test]
fn in_a_linux_image_case_makes_another_file() {
    let home = Home::new();
    let layer = |name| Layer::new().plain(EntryKind::File, name, b"");
    let (first, second) = (
        home.posix_tree(&layer("a").tar()),
        home.posix_tree(&layer("A").tar()),
    );
    assert_eq!(first.names(), Names::Posix);
    let lines = compared(&first, &second);
    assert_eq!(
        lines,
        [line("A", Change::Added), line("a", Change::Deleted)]
    );
    assert_eq!(changed(&second, Some(&first)), [line("A", Change::Added)]);
}
