//! What the store's other users may do with snapshots.

use transom_driver::Id;
use transom_layer::Names;
use transom_sealed::{NamedLayerFault, NewWritable};

use crate::mounted::can_mount;
use crate::support::Bench;

#[test]
fn what_is_written_to_a_snapshot_is_removed_by_removing_the_snapshot_alone() {
    if !can_mount() {
        return;
    }
    let bench = Bench::new();
    bench.prepare("mine", "");
    let layers = || bench.store.named_layers().unwrap();
    assert_eq!(layers().len(), 1);
    let refused = bench.store.remove_named(&layers()[0].id).unwrap_err();
    assert!(
        matches!(&refused.fault, NamedLayerFault::OfSnapshot { key } if key == "mine"),
        "{refused}"
    );
    bench.remove("mine").unwrap();
    assert!(layers().is_empty());
}

#[test]
fn nobody_else_takes_the_name_of_a_snapshots_layer() {
    let bench = Bench::new();
    let create = |name: &str| {
        bench.store.create_writable(NewWritable {
            id: &name.parse::<Id>().unwrap(),
            below: Vec::new(),
            names: Names::Posix,
            bound: None,
            config: None,
        })
    };
    let refused = create("snapshot-1").unwrap_err();
    assert!(
        matches!(refused.fault, NamedLayerFault::NameOfSnapshots),
        "{refused}"
    );
    create("snapshot-of-mine").unwrap();
}
