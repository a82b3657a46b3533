//! Verifying, telling what takes space, and giving it back.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use transom_layer::{DiffId, Names};
use transom_sealed::{Damage, ImageLayer, Usage};

use crate::support::{
    Home, Layer, WINDOWS, add_image, all_names, blob_of, chain, digest, gzip, request, text,
};

fn layer(name: &str) -> Vec<u8> {
    Layer::new()
        .dir("Files")
        .file(&format!("Files/{name}"), &[b'x'; 2000])
        .tar()
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

fn damages(home: &Home) -> Vec<Damage> {
    let mut damages = Vec::new();
    for layer in home.store.layers().unwrap() {
        damages.extend(home.store.verify_layer(&layer, &|_| {}).unwrap());
    }
    for image in home.store.images().unwrap() {
        damages.extend(home.store.verify_documents(&image).unwrap());
    }
    damages
}

#[test]
fn an_image_is_found_by_any_of_its_names_and_by_no_part_of_one() {
    let home = Home::new();
    let (a, b) = (layer("a"), layer("b"));
    let one = home.image("one", &[a.clone(), b]).record;
    home.image("two", &[a]);
    home.store.name_image(one.manifest, "other").unwrap();
    let images = home.store.images().unwrap();
    for name in ["one", "other"] {
        let found = home.store.image_named(name).unwrap().unwrap();
        assert_eq!(found.manifest, one.manifest);
        assert_eq!(found.names, ["one", "other"]);
        assert!(images.contains(&found), "{name}");
    }
    assert_eq!(home.store.image_named("oth").unwrap(), None);
}

#[test]
fn any_flipped_byte_is_found_and_named() {
    let tar = layer("a");
    let id = DiffId(digest(&tar));
    let blob = blob_of(&tar);
    for at in [0, 700, 1500, 3000] {
        let home = Home::new();
        home.image("image", std::slice::from_ref(&tar));
        assert_eq!(damages(&home), []);
        let tar_file = home.layer_file(id, "layer.tar");
        flip(&tar_file, at);
        let found = DiffId(digest(&fs::read(&tar_file).unwrap()));
        assert_eq!(damages(&home), [Damage::Tar { layer: id, found }]);
        flip(&tar_file, at);

        let index = home.layer_file(id, "index.erofs");
        let last = fs::metadata(&index).unwrap().len() as usize - 1;
        flip(&index, at.min(last));
        assert_eq!(damages(&home), [Damage::Index { layer: id }]);
        flip(&index, at.min(last));

        let blob_file = home.root().join("blobs").join(blob.0.hex());
        flip(&blob_file, 5);
        let found = transom_layer::BlobDigest(digest(&fs::read(&blob_file).unwrap()));
        assert_eq!(
            damages(&home),
            [Damage::Blob {
                layer: id,
                blob,
                found
            }]
        );
        flip(&blob_file, 5);
        assert_eq!(damages(&home), []);
    }
}

#[test]
fn missing_files_are_found_and_named() {
    let home = Home::new();
    let tar = layer("a");
    let id = DiffId(digest(&tar));
    home.image("image", std::slice::from_ref(&tar));
    fs::remove_file(home.root().join("blobs").join(blob_of(&tar).0.hex())).unwrap();
    fs::remove_file(home.layer_file(id, "index.erofs")).unwrap();
    fs::remove_file(home.layer_file(id, "layer.tar")).unwrap();
    let texts: Vec<String> = damages(&home).iter().map(Damage::to_string).collect();
    assert_eq!(texts.len(), 3);
    for (text, what) in texts.iter().zip(["its index", "its tar", "a kept blob"]) {
        assert!(
            text.contains(what) && text.contains(&id.to_string()),
            "{text}"
        );
    }
}

#[test]
fn a_document_that_has_changed_or_gone_is_found() {
    let home = Home::new();
    let image = home.image("image", &[layer("a")]).record;
    assert_eq!(
        home.store.document(image.config).unwrap().unwrap(),
        b"config of image"
    );
    let catalog = rusqlite::Connection::open(home.root().join("transom.db")).unwrap();
    let change = "UPDATE documents SET bytes = x'00' WHERE digest = ?1";
    catalog.execute(change, [image.config.to_string()]).unwrap();
    let damage = |document| Damage::Document {
        image: image.manifest,
        document,
    };
    assert_eq!(damages(&home), [damage(image.config)]);
    catalog.pragma_update(None, "foreign_keys", false).unwrap();
    let delete = "DELETE FROM documents WHERE digest = ?1";
    catalog
        .execute(delete, [image.manifest.to_string()])
        .unwrap();
    assert_eq!(
        damages(&home),
        [damage(image.manifest), damage(image.config)]
    );
}

#[test]
fn an_index_that_another_tar_would_have_is_found() {
    let home = Home::new();
    let (id, other) = (home.import(&layer("a")), home.import(&layer("b")));
    fs::copy(
        home.layer_file(other, "index.erofs"),
        home.layer_file(id, "index.erofs"),
    )
    .unwrap();
    let digest = |id| home.store.layer(id).unwrap().index_digest.to_string();
    let catalog = rusqlite::Connection::open(home.root().join("transom.db")).unwrap();
    let change = "UPDATE layers SET index_digest = ?1 WHERE diff_id = ?2";
    catalog
        .execute(change, [digest(other), id.to_string()])
        .unwrap();
    let found = damages(&home);
    assert!(matches!(found[..], [Damage::IndexOfAnother { layer, .. }] if layer == id));
}

/// What a file or folder takes, as `du` counts it.
#[cfg(target_os = "linux")]
pub(crate) fn size_on_disk(path: &Path) -> u64 {
    let mut du = std::process::Command::new("du");
    let output = du.args(["-s", "--block-size=1"]).arg(path).output();
    let output = String::from_utf8(output.unwrap().stdout).unwrap();
    output.split('\t').next().unwrap().parse().unwrap()
}

/// What all files in a folder have.
#[cfg(not(target_os = "linux"))]
pub(crate) fn size_on_disk(path: &Path) -> u64 {
    if path.is_file() {
        return fs::metadata(path).unwrap().len();
    }
    let files = crate::support::all_files(path);
    let sizes = files.iter().map(|file| fs::metadata(file).unwrap().len());
    sizes.sum()
}

pub(crate) fn usage_matches_the_disk(home: &Home) -> Usage {
    let usage = home.store.usage().unwrap();
    assert_eq!(usage.total(), size_on_disk(&home.root()), "{usage:?}");
    let files = |folder: &str, ending: &str| -> u64 {
        let files = crate::support::all_files(&home.root().join(folder)).into_iter();
        let files = files.filter(|file| file.to_string_lossy().ends_with(ending));
        files.map(|file| size_on_disk(&file)).sum()
    };
    assert_eq!(usage.tars, files("layers", "layer.tar"));
    assert_eq!(usage.indexes, files("layers", "index.erofs"));
    assert_eq!(usage.blobs, files("blobs", ""));
    assert_eq!(usage.chains, files("chains", ""));
    usage
}

#[test]
fn usage_adds_up_with_what_is_on_disk() {
    let home = Home::new();
    let (base, a, b) = (layer("base"), layer("a"), layer("b"));
    let size = base.len() as u64;
    assert_eq!(usage_matches_the_disk(&home).tars, 0);
    home.image("one", &[base.clone(), a]);
    home.image("two", &[base.clone(), b]);
    home.import(&layer("unnamed"));
    let usage = usage_matches_the_disk(&home);
    let taken = size_on_disk(&home.layer_file(DiffId(digest(&base)), "layer.tar"));
    assert_eq!(
        (usage.tars, usage.shared, usage.logical),
        (4 * taken, taken, 4 * size)
    );
    let images: Vec<(u64, u64)> = usage.images.iter().map(|i| (i.size, i.unique)).collect();
    assert_eq!(images, [(2 * size, size); 2]);
    assert!(usage.reclaimable > size && usage.reclaimable < 2 * taken + 16384);
    let promised = usage.reclaimable;
    assert_eq!(home.store.collect_garbage(false).unwrap().bytes, promised);
    assert_eq!(usage_matches_the_disk(&home).reclaimable, 0);
}

#[test]
fn removing_an_image_gives_back_what_no_other_needs() {
    let home = Home::new();
    let (base, a, b) = (layer("base"), layer("a"), layer("b"));
    let one = home.image("one", &[base.clone(), a.clone()]).record;
    let two = home.image("two", &[base.clone(), b.clone()]).record;
    home.store.name_image(one.manifest, "one:again").unwrap();
    let unnamed = home.import(&layer("unnamed"));
    let without_catalog = |usage: &Usage| usage.total() - usage.catalog - usage.notes;
    let before = without_catalog(&usage_matches_the_disk(&home));

    let removed = home.store.remove_image(&one).unwrap();

    home.store.empty_trash().unwrap();
    assert_eq!(removed.layers, [DiffId(digest(&a))]);
    assert_eq!(removed.images, [one.manifest]);
    let after = usage_matches_the_disk(&home);
    assert_eq!(before - without_catalog(&after), removed.bytes);
    let names: Vec<String> = home
        .store
        .images()
        .unwrap()
        .into_iter()
        .flat_map(|image| image.names)
        .collect();
    assert_eq!(names, ["two"]);
    assert!(home.store.document(one.config).unwrap().is_none());
    assert!(home.store.document(two.config).unwrap().is_some());
    assert!(
        home.store.layer(unnamed).is_ok(),
        "a removal takes its own layers only"
    );
    home.assert_tidy();
    // What is left is whole.
    let tree = home
        .store
        .open_chain(&two.diff_ids(), two.stacking())
        .unwrap();
    assert_eq!(text(&tree, "Files/base").len(), 2000);
    drop(tree);

    home.store.remove_image(&two).unwrap();

    home.store.empty_trash().unwrap();
    home.store.collect_garbage(false).unwrap();
    assert_eq!(home.store.layers().unwrap(), []);
    for folder in ["layers", "blobs", "chains", "trash", "staging"] {
        assert_eq!(all_names(&home.root().join(folder)), [""; 0], "{folder}");
    }
    // Removing what is gone does no harm.
    assert_eq!(home.store.remove_image(&one).unwrap().layers, []);
}

#[test]
fn removing_an_image_without_layers_removes_no_layer() {
    let home = Home::new();
    let empty = home.image("empty", &[]).record;
    let id = home.import(&layer("unnamed"));
    assert_eq!(home.store.remove_image(&empty).unwrap().layers, []);
    assert!(home.store.layer(id).is_ok());
}

#[test]
fn garbage_collection_spares_what_a_session_holds() {
    let home = Home::new();
    let tar = layer("a");
    let other = home.open_again();
    let session = home.store.session().unwrap();
    let mut wanted = request("layer", Names::Windows);
    wanted.keep_blob = true;
    let imported = session
        .import_layer(&gzip(&tar)[..], &wanted, &|_| {})
        .unwrap();
    for blobs in [false, true] {
        let removed = other.collect_garbage(blobs).unwrap();
        assert_eq!((removed.layers.len(), removed.bytes), (0, 0));
    }
    assert_eq!(other.usage().unwrap().reclaimable, 0);
    let layers = vec![ImageLayer {
        diff_id: imported.diff_id,
        blob: imported.blob,
    }];
    add_image(&session, "image", layers, Names::Windows, false).unwrap();
    drop(session);
    other.collect_garbage(false).unwrap();
    assert!(home.store.kept_blob(imported.blob).unwrap().is_some());
    home.assert_tidy();
    // Without a name and a session nothing holds it.
    let image = home.store.images().unwrap().remove(0);
    let catalog = rusqlite::Connection::open(home.root().join("transom.db")).unwrap();
    catalog.execute("DELETE FROM names", []).unwrap();
    // The next transaction writes it anew, as if nobody had changed the catalog by hand.
    fs::remove_file(home.root().join("notes.log")).unwrap();
    other.collect_garbage(false).unwrap();
    assert!(
        home.store.layer(imported.diff_id).is_ok(),
        "an image without a name is an image"
    );
    home.store.remove_image(&image).unwrap();
    home.store.empty_trash().unwrap();
    assert!(home.store.layer(imported.diff_id).is_err());
    home.assert_tidy();
}

#[test]
fn an_image_that_got_another_name_in_the_meantime_is_not_removed_with_the_one_it_had() {
    let home = Home::new();
    home.image("one", &[layer("a")]);
    let looked_up = home.store.images().unwrap().remove(0);
    home.store.name_image(looked_up.manifest, "two").unwrap();
    let removed = home.store.remove_name(&looked_up, "one").unwrap();
    assert_eq!((removed.names.len(), removed.images.len()), (1, 0));
    let removed = home.store.remove_name(&looked_up, "two").unwrap();
    assert_eq!((removed.names.len(), removed.images.len()), (1, 1));
    assert_eq!(home.store.layers().unwrap(), []);
}

#[test]
fn a_known_blob_is_held_by_the_session_that_asked() {
    let home = Home::new();
    let tar = layer("a");
    let imported = home
        .import_as(&gzip(&tar), &request("layer", Names::Windows))
        .unwrap();
    let session = home.store.session().unwrap();
    let known = session.known_blob(imported.blob).unwrap().unwrap();
    assert_eq!(known.diff_id, imported.diff_id);
    assert!(session.known_blob(blob_of(b"other")).unwrap().is_none());
    assert_eq!(home.store.collect_garbage(false).unwrap().layers, []);
    drop(session);
    assert_eq!(home.store.layers().unwrap(), []);
    home.assert_tidy();
}

#[test]
fn a_session_takes_its_own_layers_that_nothing_needs_with_it() {
    let home = Home::new();
    let (named, unnamed) = (layer("named"), home.import(&layer("unnamed")));
    home.image("image", std::slice::from_ref(&named));
    let session = home.store.session().unwrap();
    let plain = request("layer", Names::Windows);
    session.import_layer(&named[..], &plain, &|_| {}).unwrap();
    let other = home.store.session().unwrap();
    let shared = layer("shared");
    for session in [&session, &other] {
        session.import_layer(&shared[..], &plain, &|_| {}).unwrap();
    }
    let own = session
        .import_layer(&layer("own")[..], &plain, &|_| {})
        .unwrap()
        .diff_id;
    drop(session);
    let left: BTreeSet<DiffId> = home
        .store
        .layers()
        .unwrap()
        .iter()
        .map(|layer| layer.diff_id)
        .collect();
    let expected = [DiffId(digest(&named)), DiffId(digest(&shared)), unnamed];
    assert_eq!(left, expected.into_iter().collect());
    assert!(!left.contains(&own));
    drop(other);
    home.assert_tidy();
}

#[test]
fn kept_blobs_can_be_given_back_alone() {
    let home = Home::new();
    let tar = layer("a");
    home.image("image", std::slice::from_ref(&tar));
    let blob = blob_of(&tar);
    let size = size_on_disk(&home.root().join("blobs").join(blob.0.hex()));
    assert_eq!(home.store.collect_garbage(false).unwrap().bytes, 0);
    assert_eq!(home.store.collect_garbage(true).unwrap().bytes, size);
    assert!(home.store.kept_blob(blob).unwrap().is_none());
    assert_eq!(home.store.images().unwrap().len(), 1);
    assert_eq!(usage_matches_the_disk(&home).blobs, 0);
    home.assert_tidy();
}

#[test]
fn merged_indexes_go_with_their_image() {
    let home = Home::new();
    let layers = [layer("a"), layer("b")];
    let image = home.image("image", &layers).record;
    home.store.open_chain(&image.diff_ids(), WINDOWS).unwrap();
    let mut reversed = image.diff_ids();
    reversed.reverse();
    home.store.open_chain(&reversed, WINDOWS).unwrap();
    assert_eq!(all_names(&home.root().join("chains")).len(), 2);
    home.store.collect_garbage(false).unwrap();
    assert_eq!(all_names(&home.root().join("chains")).len(), 1);
    home.store.remove_image(&image).unwrap();
    home.store.empty_trash().unwrap();
    assert_eq!(all_names(&home.root().join("chains")), [""; 0]);
}

#[test]
fn names_move_from_image_to_image() {
    let home = Home::new();
    let one = home.image("one", &[layer("a")]).record;
    let two = home.image("two", &[layer("b")]).record;
    home.store.name_image(two.manifest, "one").unwrap();
    let names = |manifest| {
        let images = home.store.images().unwrap();
        images
            .into_iter()
            .find(|image| image.manifest == manifest)
            .unwrap()
            .names
    };
    assert_eq!(names(one.manifest), [""; 0]);
    assert_eq!(names(two.manifest), ["one", "two"]);
    let error = home
        .store
        .name_image(blob_of(b"none"), "three")
        .unwrap_err();
    assert!(chain(&error).contains("name an image"), "{error}");
    // The same image again is one image, with one name more.
    home.image("one", &[layer("a")]);
    assert_eq!(home.store.images().unwrap().len(), 2);
    assert_eq!(names(one.manifest), ["one"]);
}

#[test]
fn an_image_of_layers_that_are_not_there_is_refused() {
    let home = Home::new();
    let session = home.store.session().unwrap();
    let missing = ImageLayer {
        diff_id: DiffId(digest(b"none")),
        blob: blob_of(b"none"),
    };
    let error = add_image(&session, "x", vec![missing], Names::Windows, false).unwrap_err();
    let text = chain(&error);
    assert!(text.contains(&digest(b"none").to_string()), "{text}");
    assert_eq!(home.store.images().unwrap(), []);
}

#[test]
fn a_store_of_a_later_version_is_not_touched() {
    let home = Home::new();
    let catalog = rusqlite::Connection::open(home.root().join("transom.db")).unwrap();
    catalog.pragma_update(None, "user_version", 99).unwrap();
    // A later version has notes of its own.
    fs::remove_file(home.root().join("notes.log")).unwrap();
    let error = transom_sealed::Store::open(&home.root()).unwrap_err();
    assert!(chain(&error).contains("schema version 99"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn usages_of_snapshots_add_up_to_what_is_on_disk() {
    use std::os::unix::fs::MetadataExt;

    let home = Home::on_disk();
    let store = &home.store;
    let session = store.session().unwrap();
    let mut keys = Vec::new();
    for name in ["a", "b", "c"] {
        let parent: Option<&String> = keys.last();
        let (active, committed) = (format!("active {name}"), format!("committed {name}"));
        let new = transom_sealed::NewSnapshot {
            key: &active,
            parent: parent.map(String::as_str),
            view: false,
            labels: [].into(),
        };
        store.prepare_snapshot(&new).unwrap();
        let layer = request(name, Names::Windows);
        let tar = self::layer(name);
        let imported = session.import_layer(&tar[..], &layer, &|_| {}).unwrap();
        store
            .apply_to_snapshot(&session, &active, imported.diff_id)
            .unwrap();
        let commit = transom_sealed::Commit {
            name: &committed,
            parent: None,
            labels: &[].into(),
        };
        store.commit_snapshot(&active, &commit).unwrap();
        keys.push(committed);
    }
    drop(session);
    let container = transom_sealed::NewSnapshot {
        key: "container",
        parent: keys.last().map(String::as_str),
        view: false,
        labels: [].into(),
    };
    store.prepare_snapshot(&container).unwrap();
    let is_mounted = transom_mount::can_mount().is_ok();
    if is_mounted {
        let at = store.mount_snapshot("container", None).unwrap();
        fs::write(at.join("written"), vec![1; 300_000]).unwrap();
    }
    keys.push("container".to_owned());
    let usages = keys.iter().map(|key| store.snapshot_usage(key).unwrap());
    let sum: u64 = usages.map(|usage| usage.bytes).sum();
    let usage = store.usage().unwrap();
    // Each counts the folders of its layers, too, which `usage` has with what is no layer.
    let folders = store.layers().unwrap().into_iter().map(|layer| {
        let folder = home.layer_file(layer.diff_id, "");
        fs::metadata(folder).unwrap().blocks() * 512
    });
    let folders: u64 = folders.sum();
    assert_eq!(sum, usage.tars + usage.indexes + usage.writable + folders);
    let overhead = usage.catalog + usage.notes + usage.chains + usage.other - folders;
    assert_eq!(usage.total(), sum + overhead, "{usage:?}");
    if is_mounted {
        assert!(usage.writable >= 300_000, "{usage:?}");
        store.remove_snapshot("container").unwrap();
    }
}
