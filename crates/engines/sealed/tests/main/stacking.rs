//! How layers act on each other.

use std::fs;

use transom_layer::{Names, Whiteouts};
use transom_layertar::EntryKind;
use transom_sealed::Stacking;

use crate::support::{
    Home, Layer, TIME, WINDOWS, all_names, chain, find, has, metadata, names, paths, read,
    stacking, text, with_attributes,
};

const HCS: Stacking = stacking(Names::Windows, Whiteouts::Hcs);
const OCI: Stacking = stacking(Names::Windows, Whiteouts::Oci);
const LINUX: Stacking = stacking(Names::Posix, Whiteouts::Oci);

fn base() -> Layer {
    Layer::new()
        .dir("Files")
        .file("Files/a", b"base a")
        .file("Files/b", b"base b")
        .dir("Files/Dir")
        .file("Files/Dir/x", b"base x")
        .file("Files/Dir/y", b"base y")
}

fn upper() -> Layer {
    Layer::new().dir("Files")
}

#[test]
fn the_upper_layers_file_hides_the_lower_ones() {
    let home = Home::new();
    let tree = home.stack(WINDOWS, &[base(), upper().file("Files/a", b"upper a")]);
    assert_eq!(text(&tree, "Files/a"), "upper a");
    assert_eq!(text(&tree, "Files/b"), "base b");
    assert_eq!(paths(&tree).len(), 6);
}

#[test]
fn metadata_tells_the_layer_an_entry_comes_from() {
    let home = Home::new();
    let layers = [
        base(),
        upper().file("Files/a", b"1"),
        upper().file("Files/b", b"2"),
    ];
    let tree = home.stack(WINDOWS, &layers);
    let layer = |at| metadata(&tree, at).layer;
    assert_eq!(
        [layer("Files/Dir/x"), layer("Files/a"), layer("Files/b")],
        [0, 1, 2]
    );
    assert_eq!(layer("Files"), 2);
    assert_eq!(tree.layers().count(), 3);
}

#[test]
fn a_whiteout_hides_files_and_whole_folders() {
    let home = Home::new();
    for rule in [HCS, OCI] {
        let top = upper().whiteout("Files/a").whiteout("Files/dir");
        let tree = home.stack(rule, &[base(), top]);
        assert_eq!(paths(&tree), ["Files", "Files/b"]);
    }
}

#[test]
fn a_whiteout_and_an_entry_of_one_name_are_decided_by_the_rule() {
    let home = Home::new();
    for whiteout_first in [true, false] {
        let top = match whiteout_first {
            true => upper().whiteout("Files/a").file("Files/a", b"new"),
            false => upper().file("Files/a", b"new").whiteout("Files/a"),
        };
        let tree = home.stack(HCS, &[base(), top.clone()]);
        assert!(!has(&tree, "Files/a"), "deletions come last on Windows");
        let tree = home.stack(OCI, &[base(), top.clone()]);
        assert_eq!(text(&tree, "Files/a"), "new");
        // Without a rule from the caller, the writer of the layer decides: this one is a Windows exporter.
        let tree = home.stack(WINDOWS, &[base(), top.clone()]);
        assert!(!has(&tree, "Files/a"));
        let foreign = top.plain(EntryKind::File, "Files/from-buildkit", b"");
        let tree = home.stack(WINDOWS, &[base(), foreign]);
        assert_eq!(text(&tree, "Files/a"), "new");
    }
}

#[test]
fn an_opaque_folder_hides_what_is_below_it_by_the_oci_rule_only() {
    let home = Home::new();
    let top = upper()
        .dir("Files/Dir")
        .file("Files/Dir/z", b"z")
        .opaque("Files/Dir");
    let tree = home.stack(OCI, &[base(), top.clone()]);
    assert_eq!(names(&tree, "Files/Dir"), ["z"]);
    let tree = home.stack(HCS, &[base(), top]);
    assert_eq!(names(&tree, "Files/Dir"), ["x", "y", "z"]);
    let all = Layer::new().opaque("").dir("Other");
    let tree = home.stack(OCI, &[base(), all]);
    assert_eq!(paths(&tree), ["Other"]);
}

#[test]
fn a_whiteout_of_a_folder_that_the_layer_fills_is_refused_by_the_hcs_rule() {
    let home = Home::new();
    let direct = upper()
        .dir("Files/Dir")
        .file("Files/Dir/z", b"")
        .whiteout("Files/Dir");
    let implied = upper()
        .file("Files/Dir/deep/er/z", b"")
        .whiteout("Files/Dir");
    let linked = upper().link("Files/Dir/z", "Files/a").whiteout("Files/Dir");
    let stream = upper().dir("Files/Dir/sub").whiteout("Files/Dir");
    for top in [direct.clone(), implied, linked, stream] {
        let text = home.stack_error(HCS, &[base(), top]);
        assert!(
            text.contains("Files/.wh.Dir") && text.contains("fills"),
            "{text}"
        );
    }
    let tree = home.stack(OCI, &[base(), direct]);
    assert_eq!(names(&tree, "Files/Dir"), ["z"]);
    // Touched by whiteouts only: that is no filling.
    let tree = home.stack(
        HCS,
        &[
            base(),
            upper().whiteout("Files/Dir/x").whiteout("Files/Dir"),
        ],
    );
    assert!(!has(&tree, "Files/Dir"));
}

#[test]
fn a_whiteout_in_the_base_is_refused_for_windows_only() {
    let home = Home::new();
    let text = home.stack_error(WINDOWS, &[base().whiteout("Files/c")]);
    assert!(
        text.contains("Files/.wh.c") && text.contains("base layer"),
        "{text}"
    );
    let linux = Layer::new()
        .plain(EntryKind::File, "a", b"a")
        .plain(EntryKind::File, ".wh.b", b"");
    let tree = home.stack(LINUX, &[linux]);
    assert_eq!(paths(&tree), ["a"]);
}

#[test]
fn a_whiteout_of_nothing_is_noted_and_refused_when_strict() {
    let home = Home::new();
    let layers = [base().tar(), upper().whiteout("Files/nothing").tar()];
    let added = home.image("lax", &layers);
    assert_eq!(added.notes.len(), 1);
    assert!(
        added.notes[0].contains("Files/.wh.nothing"),
        "{}",
        added.notes[0]
    );
    let error = home
        .try_image("strict", &layers, Names::Windows, true)
        .unwrap_err();
    let text = chain(&error);
    assert!(
        text.contains("Files/.wh.nothing") && text.contains("whiteout of nothing"),
        "{text}"
    );
    assert_eq!(home.store.images().unwrap().len(), 1);
    let fine = [base().tar(), upper().whiteout("Files/a").tar()];
    assert_eq!(home.image("fine", &fine).notes, [""; 0]);
}

#[test]
fn files_and_folders_replace_each_other() {
    let home = Home::new();
    let top = upper()
        .file("Files/Dir", b"a file now")
        .dir("Files/a")
        .file("Files/a/n", b"n");
    let tree = home.stack(WINDOWS, &[base(), top]);
    assert_eq!(
        paths(&tree),
        ["Files", "Files/Dir", "Files/a", "Files/a/n", "Files/b"]
    );
    assert_eq!(text(&tree, "Files/Dir"), "a file now");
    // Back again: nothing of the first folder shows through.
    let top = upper().file("Files/Dir", b"");
    let again = upper().dir("Files/Dir").file("Files/Dir/new", b"");
    let tree = home.stack(WINDOWS, &[base(), top, again]);
    assert_eq!(names(&tree, "Files/Dir"), ["new"]);
    let top = upper().junction("Files/Dir", r"C:\elsewhere");
    let tree = home.stack(WINDOWS, &[base(), top, upper().file("Files/Dir/in", b"")]);
    assert_eq!(names(&tree, "Files/Dir"), ["in"]);
}

#[test]
fn the_upper_layers_case_wins_and_children_stay() {
    let home = Home::new();
    let top = upper()
        .dir("Files/DIR")
        .file("files/DIR/X", b"upper x")
        .file("Files/A", b"A");
    let tree = home.stack(WINDOWS, &[base(), top]);
    assert_eq!(
        paths(&tree),
        [
            "Files",
            "Files/A",
            "Files/DIR",
            "Files/DIR/X",
            "Files/DIR/y",
            "Files/b"
        ]
    );
    assert_eq!(text(&tree, "Files/dir/x"), "upper x");
}

#[test]
fn a_folder_that_is_only_implied_keeps_the_lower_ones_name_and_metadata() {
    let home = Home::new();
    let mut special = with_attributes(0x12);
    special.security = Some(vec![1, 2, 3]);
    let base = Layer::new().dir("Files").entry(
        "Files/Dir",
        &transom_layertar::Shape::Directory,
        &special,
        b"",
    );
    let tree = home.stack(WINDOWS, &[base, Layer::new().file("files/dir/new", b"")]);
    assert_eq!(paths(&tree), ["Files", "Files/Dir", "Files/Dir/new"]);
    let found = metadata(&tree, "Files/Dir");
    assert_eq!(found.security, special.security);
    assert_eq!(found.layer, 0);
    assert!(!found.is_implied);
}

#[test]
fn the_root_keeps_what_the_layer_that_describes_it_says() {
    let home = Home::new();
    let mut header = transom_layertar::Header::new(EntryKind::Directory, b"./");
    (header.mode, header.uid, header.mtime) = (0o700, 7, TIME);
    let described = Layer::new()
        .header(&header, b"")
        .plain(EntryKind::File, "a", b"");
    let plain = Layer::new().plain(EntryKind::File, "b", b"");
    let tree = home.stack(LINUX, &[described.clone(), plain.clone()]);
    let root = tree.metadata(&tree.root().unwrap()).unwrap();
    assert_eq!((root.mode, root.uid, root.modified), (0o700, 7, TIME));
    let tree = home.stack(LINUX, &[plain, described]);
    let root = tree.metadata(&tree.root().unwrap()).unwrap();
    assert_eq!((root.mode, root.layer), (0o700, 1));
}

#[test]
fn streams_go_with_their_file() {
    let home = Home::new();
    let base = Layer::new()
        .dir("Files")
        .file("Files/a", b"a")
        .stream("Files/a:one", b"1")
        .dir("Files/d")
        .stream("Files/d:two", b"2")
        .file("Files/d/x", b"")
        .file("Files/gone", b"")
        .stream("Files/gone:three", b"3");
    let keeps = home.stack(WINDOWS, &[base.clone(), upper().file("Files/b", b"")]);
    assert_eq!(text(&keeps, "Files/a:one"), "1");
    let top = upper()
        .file("Files/A", b"new")
        .stream("Files/A:other", b"o")
        .dir("Files/D")
        .whiteout("Files/gone");
    let tree = home.stack(WINDOWS, &[base, top]);
    assert_eq!(
        paths(&tree),
        ["Files", "Files/A", "Files/A:other", "Files/D", "Files/D/x"]
    );
}

#[test]
fn hard_links_reach_into_lower_layers() {
    let home = Home::new();
    let base = Layer::new()
        .dir("Files")
        .file("Files/a", b"a")
        .stream("Files/a:s", b"stream")
        .link("Files/a2", "Files/a");
    let top = upper()
        .link("Files/b", "files/A")
        .link("Files/c", "Files/b")
        .link("Files/a", "Files/a2");
    let tree = home.stack(WINDOWS, &[base.clone(), top]);
    let ids: Vec<u64> = ["Files/a", "Files/a2", "Files/b", "Files/c"]
        .map(|at| find(&tree, at).id())
        .to_vec();
    assert_eq!(ids, [ids[0]; 4]);
    assert_eq!(text(&tree, "Files/c"), "a");
    for name in ["a", "a2", "b", "c"] {
        assert_eq!(text(&tree, &format!("Files/{name}:s")), "stream", "{name}");
    }
    assert_eq!(metadata(&tree, "Files/b").layer, 0);
    // One name replaced, the others stay.
    let tree = home.stack(WINDOWS, &[base, upper().file("Files/a", b"new")]);
    assert_eq!(
        (text(&tree, "Files/a"), text(&tree, "Files/a2")),
        ("new".into(), "a".into())
    );
    assert!(!has(&tree, "Files/a:s") && has(&tree, "Files/a2:s"));
}

#[test]
fn a_hard_link_means_the_lower_file_even_if_its_own_layer_hides_it() {
    let home = Home::new();
    let top = upper()
        .link("Files/kept", "Files/Dir/x")
        .whiteout("Files/Dir");
    for rule in [HCS, OCI] {
        let tree = home.stack(rule, &[base(), top.clone()]);
        assert_eq!(text(&tree, "Files/kept"), "base x");
        assert!(!has(&tree, "Files/Dir"));
    }
}

#[test]
fn a_hard_link_to_nothing_or_to_a_folder_is_refused() {
    let home = Home::new();
    let nothing = Layer::new().dir("Files").link("Files/l", "Files/nothing");
    for layers in [vec![nothing.clone()], vec![base(), nothing]] {
        let text = home.stack_error(WINDOWS, &layers);
        let names_both = text.contains("\"Files/l\"") && text.contains("\"Files/nothing\"");
        assert!(names_both, "{text}");
    }
    let text = home.stack_error(WINDOWS, &[base(), upper().link("Files/l", "Files/dir")]);
    assert!(text.contains("folder \"Files/dir\""), "{text}");
}

#[test]
fn a_stack_of_128_layers_is_read_like_one() {
    let home = Home::new();
    let mut layers = vec![base()];
    for number in 1..128 {
        let own = format!("Files/own{number}");
        layers.push(
            upper()
                .file("Files/a", own.as_bytes())
                .file(&own, own.as_bytes()),
        );
    }
    let tree = home.stack(WINDOWS, &layers);
    assert_eq!(text(&tree, "Files/a"), "Files/own127");
    for number in 1..128 {
        let own = format!("Files/own{number}");
        assert_eq!(text(&tree, &own), own);
        assert_eq!(metadata(&tree, &own).layer, number);
    }
}

#[test]
fn the_merged_index_is_used_and_made_again_when_it_is_gone_or_damaged() {
    let home = Home::new();
    let ids = [
        home.import(&base().tar()),
        home.import(&upper().file("Files/n", b"n").tar()),
    ];
    let open = || paths(&home.store.open_chain(&ids, WINDOWS).unwrap());
    let expected = open();
    let chains = home.root().join("chains");
    let files = all_names(&chains);
    assert_eq!(files.len(), 1);
    let file = chains.join(&files[0]);
    let whole = fs::read(&file).unwrap();
    // It is the file that is read: another one in its place shows.
    let other = home.store.open_chain(&ids[..1], WINDOWS).unwrap();
    let index = home.layer_file(ids[0], "index.erofs");
    fs::copy(index, &file).unwrap();
    assert_eq!(open(), paths(&other));
    for damaged in [None, Some(&b""[..]), Some(&whole[..1000]), Some(&[0; 4096])] {
        match damaged {
            Some(bytes) => fs::write(&file, bytes).unwrap(),
            None => fs::remove_file(&file).unwrap(),
        }
        assert_eq!(open(), expected);
        assert_eq!(fs::read(&file).unwrap(), whole, "equal layers, equal index");
    }
    home.assert_tidy();
}

#[cfg(unix)]
#[test]
fn an_open_stack_outlives_the_deletion_of_its_files() {
    let home = Home::new();
    let layers = [base().tar(), upper().file("Files/n", b"n").tar()];
    let image = home.image("image", &layers).record;
    let tree = home.store.open_chain(&image.diff_ids(), WINDOWS).unwrap();
    assert_eq!(read(&tree, "Files/a"), b"base a");
    home.store.remove_image(&image).unwrap();
    home.store.empty_trash().unwrap();
    // The tar that was opened before stays open; the other is named in the error.
    assert_eq!(read(&tree, "Files/b"), b"base b");
    let error = tree.open_data(&find(&tree, "Files/n")).unwrap_err();
    assert!(chain(&error).contains("layer.tar"), "{error}");
}

/// Windows refuses to rename a folder with an open file, or renames it and deletes the file later.
#[cfg(windows)]
#[test]
fn an_open_stack_is_removed_once_it_is_closed() {
    let home = Home::new();
    let layers = [base().tar(), upper().file("Files/n", b"n").tar()];
    let image = home.image("image", &layers).record;
    let tree = home.store.open_chain(&image.diff_ids(), WINDOWS).unwrap();
    assert_eq!(read(&tree, "Files/a"), b"base a");
    if let Err(error) = home.store.remove_image(&image) {
        let error = chain(&error);
        assert!(error.contains("somebody reads it"), "{error}");
        home.assert_tidy();
        assert_eq!(home.store.images().unwrap().len(), 1);
    }
    home.store.empty_trash().unwrap();
    assert_eq!(read(&tree, "Files/b"), b"base b");
    drop(tree);
    home.store.remove_image(&image).unwrap();
    home.store.collect_garbage(false).unwrap();
    assert_eq!(home.store.layers().unwrap(), []);
    home.assert_tidy();
}

#[test]
fn images_of_both_platforms_may_share_a_layer() {
    let home = Home::new();
    let mut header = transom_layertar::Header::new(EntryKind::File, b"Files/own");
    (header.mode, header.uid) = (0o600, 7);
    let layer = Layer::new()
        .header(&header, b"own")
        .plain(EntryKind::File, "Files/a", b"a");
    let top = Layer::new().plain(EntryKind::File, "Files/A", b"A");
    for windows_first in [true, false] {
        let home = if windows_first { &home } else { &Home::new() };
        let import = |tar: &[u8]| match windows_first {
            true => home.import(tar),
            false => home.import_posix(tar),
        };
        let ids = [import(&layer.clone().tar()), import(&top.clone().tar())];
        let tree = home.store.open_chain(&ids, LINUX).unwrap();
        assert_eq!(names(&tree, "Files"), ["A", "a", "own"]);
        let own = metadata(&tree, "Files/own");
        assert_eq!((own.mode, own.uid), (0o600, 7));
        let tree = home.store.open_chain(&ids, OCI).unwrap();
        assert_eq!(names(&tree, "Files"), ["A", "own"]);
        // One layer alone is a stack, too.
        let tree = home.store.open_chain(&ids[..1], LINUX).unwrap();
        assert_eq!(metadata(&tree, "Files/own").uid, 7);
    }
    // What only one of the platforms can have is refused on the other.
    let linux_only = Layer::new().plain(EntryKind::File, r"..\..\up", b"");
    let id = home.import_posix(&linux_only.tar());
    assert!(home.store.open_chain(&[id], LINUX).is_ok());
    let error = home.store.open_chain(&[id], OCI).unwrap_err();
    let text = chain(&error);
    assert!(
        text.contains(&id.to_string()) && text.contains("backslash"),
        "{text}"
    );
}
