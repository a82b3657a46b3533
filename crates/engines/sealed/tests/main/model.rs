//! Random stacks of small layers, compared with a model of plain maps.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use transom_layer::{DiffId, Names, Whiteouts};
use transom_layertar::{EntryKind, Header, Shape};
use transom_ntmeta::filetime::UnixTime;
use transom_sealed::{Kind, Stacking};

use crate::support::{Home, Layer, read, with_attributes};

/// One entry of a layer; the number is the content of a file and the time of a folder.
#[derive(Debug, Clone)]
enum Op {
    Dir(String, u8),
    File(String, u8),
    Stream(String, &'static str, u8),
    Link(String, String),
    Whiteout(String),
    Opaque(String),
}

/// Path, what it is, content or time.
type Listing = Vec<(String, &'static str, String)>;

#[derive(Debug, Clone)]
enum What {
    /// The time is 0 if no entry describes it.
    Dir(Option<u8>),
    File(u8),
    /// A file that only a lower layer has, by its key.
    Link(String),
}

#[derive(Debug, Clone)]
struct Item {
    name: String,
    what: What,
    streams: BTreeMap<String, (String, u8)>,
}

/// A layer: only operations that an importer accepts are taken.
#[derive(Debug, Default)]
struct ModelLayer {
    ops: Vec<Op>,
    items: BTreeMap<String, Item>,
    linked: BTreeSet<String>,
    whiteouts: BTreeSet<String>,
    opaques: BTreeSet<String>,
}

fn key(path: &str, names: Names) -> String {
    match names {
        Names::Windows => path.to_ascii_uppercase(),
        Names::Posix => path.to_owned(),
    }
}

fn parent(key: &str) -> &str {
    key.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn last(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

fn is_below(key: &str, folder: &str) -> bool {
    folder.is_empty()
        || key
            .strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with('/'))
}

impl ModelLayer {
    /// Makes the folders down to `folder`, unless something else is in the way.
    fn folders(&mut self, folder: &str, names: Names) -> bool {
        let mut prefixes: Vec<&str> = folder
            .match_indices('/')
            .map(|(at, _)| &folder[..at])
            .collect();
        if !folder.is_empty() {
            prefixes.push(folder);
        }
        let is_other = |prefix: &&str| {
            let item = self.items.get(&key(prefix, names));
            item.is_some_and(|item| !matches!(item.what, What::Dir(_)))
        };
        if prefixes.iter().any(is_other) {
            return false;
        }
        for prefix in prefixes {
            self.items
                .entry(key(prefix, names))
                .or_insert_with(|| Item {
                    name: last(prefix).to_owned(),
                    what: What::Dir(None),
                    streams: BTreeMap::new(),
                });
        }
        true
    }

    fn add(&mut self, op: &Op, names: Names) {
        let before = self.items.clone();
        let accepted = match op {
            Op::Dir(path, time) => {
                self.folders(parent(path), names) && self.add_dir(path, *time, names)
            }
            Op::File(path, content) => {
                self.folders(parent(path), names) && self.put(path, What::File(*content), names)
            }
            Op::Stream(path, stream, content) => {
                let (stream_key, linked) = (key(stream, names), &self.linked);
                let path = key(path, names);
                match self.items.get_mut(&path) {
                    Some(item)
                        if names == Names::Windows
                            && !linked.contains(&path)
                            && !item.streams.contains_key(&stream_key) =>
                    {
                        item.streams
                            .insert(stream_key, ((*stream).to_owned(), *content));
                        true
                    }
                    _ => false,
                }
            }
            Op::Link(path, target) => self.add_link(path, target, names),
            Op::Whiteout(path) => {
                let accepted = self.folders(parent(path), names);
                if accepted {
                    self.whiteouts.insert(key(path, names));
                }
                accepted
            }
            Op::Opaque(folder) => {
                let accepted = self.folders(folder, names);
                if accepted {
                    self.opaques.insert(key(folder, names));
                }
                accepted
            }
        };
        match accepted {
            true => self.ops.push(op.clone()),
            false => self.items = before,
        }
    }

    fn add_dir(&mut self, path: &str, time: u8, names: Names) -> bool {
        match self.items.get_mut(&key(path, names)) {
            Some(Item {
                what: What::Dir(known),
                ..
            }) if known.is_none() || names == Names::Posix => {
                *known = Some(time);
                true
            }
            Some(_) => false,
            None => self.put(path, What::Dir(Some(time)), names),
        }
    }

    fn put(&mut self, path: &str, what: What, names: Names) -> bool {
        let key = key(path, names);
        if self.items.contains_key(&key) {
            return false;
        }
        let name = last(path).to_owned();
        self.items.insert(
            key,
            Item {
                name,
                what,
                streams: BTreeMap::new(),
            },
        );
        true
    }

    fn add_link(&mut self, path: &str, target: &str, names: Names) -> bool {
        let (own, target) = (key(path, names), key(target, names));
        if own == target || self.items.contains_key(&own) {
            return false;
        }
        let Some(found) = self.items.get(&target).cloned() else {
            let accepted = self.folders(parent(path), names)
                // The folders of the link's own path may be what it names.
                && !self.items.contains_key(&target)
                && self.put(path, What::Link(target), names);
            if accepted {
                self.linked.insert(own);
            }
            return accepted;
        };
        if matches!(found.what, What::Dir(_)) || !self.folders(parent(path), names) {
            return false;
        }
        self.linked.extend([own.clone(), target]);
        let name = last(path).to_owned();
        self.items.insert(own, Item { name, ..found });
        true
    }

    fn tar(&self, names: Names) -> Vec<u8> {
        let mut layer = Layer::new();
        let time = |seconds: &u8| UnixTime {
            seconds: i64::from(*seconds),
            nanos: 0,
        };
        for op in &self.ops {
            layer = match (op, names) {
                (Op::Dir(path, seconds), Names::Windows) => {
                    let mut metadata = with_attributes(0x10);
                    metadata.last_write = time(seconds);
                    layer.entry(path, &Shape::Directory, &metadata, b"")
                }
                (Op::Dir(path, seconds), Names::Posix) => {
                    let mut header = Header::new(EntryKind::Directory, path.as_bytes());
                    header.mtime = time(seconds);
                    layer.header(&header, b"")
                }
                (Op::File(path, content), _) => layer.file(path, content.to_string().as_bytes()),
                (Op::Stream(path, stream, content), _) => {
                    layer.stream(&format!("{path}:{stream}"), content.to_string().as_bytes())
                }
                (Op::Link(path, target), _) => layer.link(path, target),
                (Op::Whiteout(path), _) => layer.whiteout(path),
                (Op::Opaque(folder), _) => layer.opaque(folder),
            };
        }
        layer.tar()
    }
}

/// The stack so far, by key.
#[derive(Debug, Default)]
struct Model(BTreeMap<String, Item>);

impl Model {
    fn remove(&mut self, at: &str) {
        self.0.retain(|key, _| key != at && !is_below(key, at));
    }

    /// Puts a layer on top; `None` if that is refused.
    fn add(&mut self, layer: &ModelLayer, stacking: Stacking, is_base: bool) -> Option<()> {
        let rule = stacking.whiteouts.unwrap();
        let has_whiteouts = !layer.whiteouts.is_empty() || !layer.opaques.is_empty();
        if is_base && has_whiteouts && stacking.names == Names::Windows {
            return None;
        }
        let mut items = layer.items.clone();
        for item in items.values_mut() {
            if let What::Link(target) = &item.what {
                let found = self.0.get(target)?;
                if matches!(found.what, What::Dir(_)) {
                    return None;
                }
                (item.what, item.streams) = (found.what.clone(), found.streams.clone());
            }
        }
        if rule == Whiteouts::Oci {
            for folder in &layer.opaques {
                self.0.retain(|key, _| !is_below(key, folder));
            }
            layer.whiteouts.iter().for_each(|path| self.remove(path));
        }
        for (key, item) in &items {
            let lower = self
                .0
                .get_mut(key)
                .filter(|lower| matches!(lower.what, What::Dir(_)));
            match (&item.what, lower) {
                (What::Dir(None), Some(lower)) => lower.streams.extend(item.streams.clone()),
                (What::Dir(_), Some(lower)) => *lower = item.clone(),
                _ => {
                    self.remove(key);
                    self.0.insert(key.clone(), item.clone());
                }
            }
        }
        if rule == Whiteouts::Hcs {
            for path in &layer.whiteouts {
                let is_folder = self
                    .0
                    .get(path)
                    .is_some_and(|i| matches!(i.what, What::Dir(_)));
                let fills = |(key, item): (&String, &Item)| {
                    is_below(key, path)
                        && (!matches!(item.what, What::Dir(None)) || !item.streams.is_empty())
                };
                if is_folder && items.iter().any(fills) {
                    return None;
                }
                self.remove(path);
            }
        }
        Some(())
    }

    fn listing(&self) -> Listing {
        let mut listing = Listing::new();
        for (key, item) in &self.0 {
            // The case of each folder is its own.
            let ends = key.match_indices('/').map(|(at, _)| at).chain([key.len()]);
            let names: Vec<&str> = ends.map(|end| self.0[&key[..end]].name.as_str()).collect();
            let path = names.join("/");
            listing.push(match &item.what {
                What::Dir(time) => (path.clone(), "dir", time.unwrap_or(0).to_string()),
                What::File(content) => (path.clone(), "file", content.to_string()),
                What::Link(_) => unreachable!("resolved when it was added"),
            });
            for (name, content) in item.streams.values() {
                listing.push((format!("{path}:{name}"), "file", content.to_string()));
            }
        }
        listing.sort();
        listing
    }
}

fn found(home: &Home, layers: &[DiffId], stacking: Stacking) -> Option<Listing> {
    let tree = home.store.open_chain(layers, stacking).ok()?;
    let mut listing = Listing::new();
    for path in crate::support::paths(&tree) {
        let metadata = crate::support::metadata(&tree, &path);
        let (what, content) = match metadata.kind {
            Kind::Directory => ("dir", metadata.modified.seconds.to_string()),
            Kind::File => ("file", String::from_utf8(read(&tree, &path)).unwrap()),
            other => panic!("{path} is {other:?}"),
        };
        listing.push((path, what, content));
    }
    listing.sort();
    Some(listing)
}

fn some_path() -> impl Strategy<Value = String> {
    let name = prop::sample::select(&["a", "A", "b", "c"][..]);
    prop::collection::vec(name, 1..4).prop_map(|names| names.join("/"))
}

fn some_op() -> impl Strategy<Value = Op> {
    let stream = prop::sample::select(&["s", "S", "t"][..]);
    prop_oneof![
        3 => (some_path(), 1u8..200).prop_map(|(path, n)| Op::Dir(path, n)),
        4 => (some_path(), 1u8..200).prop_map(|(path, n)| Op::File(path, n)),
        2 => (some_path(), stream, 1u8..200).prop_map(|(path, s, n)| Op::Stream(path, s, n)),
        1 => (some_path(), some_path()).prop_map(|(path, target)| Op::Link(path, target)),
        2 => some_path().prop_map(Op::Whiteout),
        1 => some_path().prop_map(Op::Opaque),
    ]
}

#[test]
fn any_stack_is_what_plain_maps_say() {
    let home = Home::new();
    let layers = prop::collection::vec(prop::collection::vec(some_op(), 0..10), 1..4);
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 150,
        ..ProptestConfig::default()
    });
    let mut stacked = std::cell::Cell::new(0);
    let result = runner.run(&layers, |layers| {
        for names in [Names::Windows, Names::Posix] {
            let layers: Vec<ModelLayer> = layers
                .iter()
                .enumerate()
                .map(|(number, ops)| {
                    let mut layer = ModelLayer::default();
                    // The base of a Windows stack has no whiteouts; that is a test of its own.
                    let is_base = number == 0 && names == Names::Windows;
                    let allowed =
                        |op: &&Op| !(is_base && matches!(op, Op::Whiteout(_) | Op::Opaque(_)));
                    ops.iter()
                        .filter(allowed)
                        .for_each(|op| layer.add(op, names));
                    // A layer is of one kind of names: this one makes the two kinds differ.
                    layer.add(&Op::File(format!("of {names}"), 0), names);
                    layer
                })
                .collect();
            let ids: Vec<DiffId> = layers
                .iter()
                .map(|layer| match names {
                    Names::Windows => home.import(&layer.tar(names)),
                    Names::Posix => home.import_posix(&layer.tar(names)),
                })
                .collect();
            for whiteouts in [Whiteouts::Hcs, Whiteouts::Oci] {
                let stacking = Stacking {
                    names,
                    whiteouts: Some(whiteouts),
                };
                let mut model = Model::default();
                let expected = layers
                    .iter()
                    .enumerate()
                    .try_for_each(|(number, layer)| model.add(layer, stacking, number == 0))
                    .map(|()| model.listing());
                stacked.set(stacked.get() + usize::from(expected.is_some()));
                let found = found(&home, &ids, stacking);
                prop_assert_eq!(found, expected, "{:?} {:?}", stacking, layers);
            }
        }
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    assert!(
        *stacked.get_mut() > 200,
        "most stacks are to be fine: {}",
        stacked.get()
    );
}
