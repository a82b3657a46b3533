//! Random trees for property tests.

use proptest::prelude::*;
use transom_erofs::{DeviceNumber, SpecialKind, Timestamp};

use crate::tree::{Meta, Piece, Tree, Xattrs, noise};

/// A node and what is below it.
#[derive(Debug, Clone)]
pub(crate) enum Plan {
    Directory(Meta, Vec<(Vec<u8>, Plan)>),
    File(Meta, Vec<Piece>, u64),
    Symlink(Meta, Vec<u8>),
    Special(Meta, SpecialKind),
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![4 => b'a'..=b'e', 1 => any::<u8>(), 1 => Just(b'.')];
    let length = prop_oneof![8 => 1usize..12, 1 => 200usize..=255];
    length
        .prop_flat_map(move |length| prop::collection::vec(byte.clone(), length))
        .prop_map(|mut name| {
            name.iter_mut()
                .filter(|byte| matches!(**byte, 0 | b'/'))
                .for_each(|byte| *byte = b'_');
            name
        })
        .prop_filter("no dots", |name| name != b"." && name != b"..")
}

/// Attributes from small sets, so that some are shared, and some of any size.
fn xattrs() -> impl Strategy<Value = Xattrs> {
    let prefix = prop::sample::select(vec!["user.", "trusted.", "security."]);
    let rest = prop::sample::select(vec![
        "a",
        "b",
        "MSWINDOWS.fileattr",
        "LIBARCHIVE.creationtime",
    ]);
    let name = (prefix, rest).prop_map(|(prefix, rest)| format!("{prefix}{rest}").into_bytes());
    let value = prop_oneof![
        4 => prop::sample::select(vec![b"".to_vec(), b"32".to_vec(), vec![b'A'; 120]]),
        2 => prop::collection::vec(any::<u8>(), 0..40),
        1 => (400usize..3000).prop_map(|length| noise(length, 5)),
    ];
    prop::collection::btree_map(name, value, 0..6)
}

fn meta() -> impl Strategy<Value = Meta> {
    let mtime = (-20_000_000_000i64..200_000_000_000, 0u32..1_000_000_000);
    (0u16..=0o7777, 0u32..100_000, 0u32..100_000, mtime, xattrs()).prop_map(
        |(mode, uid, gid, (seconds, nanoseconds), xattrs)| Meta {
            mode,
            uid,
            gid,
            mtime: Timestamp {
                seconds,
                nanoseconds,
            },
            xattrs,
        },
    )
}

fn piece() -> impl Strategy<Value = Piece> {
    let source = prop_oneof![
        3 => (0usize..2, 0u64..64).prop_map(Ok),
        1 => any::<u8>().prop_map(Err),
    ];
    let length = prop_oneof![1u64..3000, (1u64..7).prop_map(|blocks| blocks * 512)];
    (0u64..9, length, source).prop_map(|(gap_blocks, length, source)| Piece {
        gap_blocks,
        length,
        source,
    })
}

fn leaf() -> impl Strategy<Value = Plan> {
    let pieces = prop::collection::vec(piece(), 0..5);
    let target = prop::collection::vec(1u8..=255, 1..1500);
    let number = (0u32..4096, 0u32..1_048_576);
    let device = number.prop_map(|(major, minor)| DeviceNumber { major, minor });
    let special = prop_oneof![
        device.clone().prop_map(SpecialKind::CharDevice),
        device.prop_map(SpecialKind::BlockDevice),
        Just(SpecialKind::Fifo),
        Just(SpecialKind::Socket),
    ];
    prop_oneof![
        6 => (meta(), pieces, prop_oneof![Just(0), 1u64..5000])
            .prop_map(|(meta, pieces, tail)| Plan::File(meta, pieces, tail)),
        1 => (meta(), target).prop_map(|(meta, target)| Plan::Symlink(meta, target)),
        1 => (meta(), special).prop_map(|(meta, kind)| Plan::Special(meta, kind)),
    ]
}

/// Trees of up to some dozens of nodes, and pairs of numbers that choose hard links.
pub(crate) fn plan() -> impl Strategy<Value = (Plan, Vec<(usize, usize)>)> {
    let node = leaf().prop_recursive(4, 60, 12, |inner| {
        (meta(), prop::collection::vec((name(), inner), 0..12))
            .prop_map(|(meta, children)| Plan::Directory(meta, children))
    });
    let root = (meta(), prop::collection::vec((name(), node), 0..12))
        .prop_map(|(meta, children)| Plan::Directory(meta, children));
    (root, prop::collection::vec(any::<(usize, usize)>(), 0..5))
}

/// Builds a plan.
pub(crate) fn build((plan, links): (Plan, Vec<(usize, usize)>)) -> Tree {
    let devices = vec![noise(1 << 16, 1), noise(1 << 16, 2)];
    let Plan::Directory(meta, children) = plan else {
        unreachable!("the root is a directory")
    };
    let mut tree = Tree::new(meta, devices);
    let mut pending = children;
    while let Some((path, plan)) = pending.pop() {
        if tree.expected.contains_key(&path) {
            continue;
        }
        match plan {
            Plan::Directory(meta, children) => {
                tree.directory(&path, meta);
                let below = |name: Vec<u8>| [&path[..], b"/", &name].concat();
                pending.extend(children.into_iter().map(|(name, plan)| (below(name), plan)));
            }
            Plan::File(meta, pieces, tail) => tree.pieces(&path, meta, &pieces, tail),
            Plan::Symlink(meta, target) => tree.symlink(&path, meta, &target),
            Plan::Special(meta, kind) => tree.special(&path, meta, kind),
        }
    }
    use transom_erofs::FileKind::Directory;
    let paths = |directories: bool| -> Vec<_> {
        let entries = tree.expected.iter();
        let chosen = entries.filter(|(_, expected)| (expected.kind == Directory) == directories);
        chosen.map(|(path, _)| path.clone()).collect()
    };
    let (directories, others) = (paths(true), paths(false));
    for (number, (from, to)) in links.into_iter().enumerate() {
        if let Some(to) = others.get(to % others.len().max(1)) {
            let mut path = directories[from % directories.len()].clone();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(format!("hard link {number}").as_bytes());
            tree.hard_link(&path, to);
        }
    }
    tree
}
