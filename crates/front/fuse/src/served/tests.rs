use transom_layer::View;
use transom_sample::shape::{Content, LayerTree, Node as Made, metadata};
use transom_sealed::{LayerRequest, Store};

use super::*;
use crate::nodes::ROOT;

/// Serves the volume of a layer with `Dir/a`, `Dir/b` (the same file) and `Dir/sub`.
fn served() -> (tempfile::TempDir, Served) {
    let mut layer = LayerTree::default();
    for (path, content) in [
        ("Files", Content::Folder),
        ("Files/Dir", Content::Folder),
        ("Files/Dir/a", Content::Bytes(b"data".to_vec())),
        ("Files/Dir/b", Content::HardLink("Files/Dir/a".into())),
        ("Files/Dir/sub", Content::Folder),
    ] {
        layer.add(path, Made::new(metadata(1, 0, None), content));
    }
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let request = LayerRequest {
        label: "test",
        blob: None,
        blob_size: None,
        diff_id: None,
        names: Some(Names::Windows),
        keep_blob: false,
    };
    let tar = layer.write(Vec::new()).unwrap();
    let session = store.session().unwrap();
    let id = session.import_layer(&tar[..], &request, &|_| {}).unwrap();
    session.keep_unused();
    let tree = store.open_layer(id.diff_id, Names::Windows).unwrap();
    let root = names::root_of(&tree, View::Volume).unwrap();
    let owner = Owner { uid: 1, gid: 2 };
    (dir, Served::new(Arc::new(tree), root, owner))
}

fn found(served: &Served, parent: u64, name: &str) -> u64 {
    let found = served.lookup(parent, name.as_bytes()).unwrap();
    found.unwrap().ino.0
}

#[test]
fn what_the_kernel_forgets_is_forgotten() {
    let (_dir, served) = served();
    let folder = found(&served, ROOT, "Dir");
    assert_eq!(found(&served, ROOT, "DIR"), folder);
    let file = found(&served, folder, "a");
    assert_eq!(found(&served, folder, "B"), file);
    assert_eq!(served.lookup(folder, b"none").unwrap(), None);
    assert_eq!(served.nodes.len(), 3);

    served.nodes.forget(file, 1);
    assert!(served.nodes.get(file).is_ok());
    served.nodes.forget(file, 1);
    assert!(served.nodes.get(file).is_err());
    served.nodes.forget(folder, 2);
    served.nodes.forget(ROOT, 1);
    assert_eq!(served.nodes.len(), 1);
    // Found again, it has the number that it had.
    assert_eq!(found(&served, ROOT, "Dir"), folder);
}

#[test]
fn a_listing_goes_on_where_it_was_left() {
    let (_dir, served) = served();
    let folder = found(&served, ROOT, "Dir");
    let handle = served.folders.open(served.nodes.get(folder).unwrap());
    let list = |offset: u64, room: usize| {
        let mut names = Vec::new();
        let listed = served.list(folder, handle, offset, |entry| {
            if names.len() == room {
                return Ok(true);
            }
            names.push(match entry {
                Entry::Dot { name, next, .. } => (name.to_vec(), next),
                Entry::Child { node, next } => (node.name().to_vec(), next),
            });
            Ok(false)
        });
        listed.unwrap();
        names
    };
    let all = list(0, 9);
    let names: Vec<&[u8]> = all.iter().map(|(name, _)| name.as_slice()).collect();
    assert_eq!(names, [b".".as_slice(), b"..", b"a", b"b", b"sub"]);
    // From the offset behind any entry the listing goes on with the next one.
    for (at, (_, next)) in all.iter().enumerate() {
        assert_eq!(
            list(*next, 2),
            all[at + 1..].iter().take(2).cloned().collect::<Vec<_>>()
        );
    }
    served.folders.close(handle);
    assert!(served.list(folder, handle, 0, |_| Ok(true)).is_err());
}
