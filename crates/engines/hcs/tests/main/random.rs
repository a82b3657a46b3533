//! Random layers come out of the service as they went in.

use std::collections::BTreeMap;

use transom_driver::Id;

use crate::support::{Site, Tar, base, diff, expect_same, id};

/// How many layers to try; CI sets it.
const CASES: &str = "TRANSOM_CASES";
const CASES_HERE: u64 = 12;

/// A small generator of its own: a case is its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn data(&mut self) -> Vec<u8> {
        let length = match self.below(4) {
            0 => 0,
            1 => self.below(600),
            2 => 512 * self.below(5),
            _ => self.below(9),
        };
        (0..length).map(|at| (at + length) as u8).collect()
    }
}

/// What a name in a folder is.
enum Thing {
    Folder(BTreeMap<String, Thing>),
    File(Vec<u8>, Vec<(String, Vec<u8>)>),
    Junction(String),
}

/// Names that sort differently by bytes, by case and by whole paths.
const NAMES: [&str; 8] = ["A", "a b", "C.txt", "b", "b.txt", "ü", "_x", "Z0"];

fn tree(random: &mut Random, depth: u64) -> BTreeMap<String, Thing> {
    let mut things = BTreeMap::new();
    for name in NAMES {
        let thing = match random.below(if depth == 0 { 5 } else { 8 }) {
            0 | 1 => continue,
            2 | 3 => {
                let streams =
                    (0..random.below(3)).map(|number| (format!("s{number}"), random.data()));
                let streams = streams.collect();
                Thing::File(random.data(), streams)
            }
            4 => Thing::Junction(format!("C:\\{}", random.below(100))),
            _ => Thing::Folder(tree(random, depth - 1)),
        };
        things.insert(name.to_owned(), thing);
    }
    things
}

/// Writes a folder's content as an export orders it; `below` is what the parent has in it.
fn write(
    mut tar: Tar,
    folder: &str,
    things: &BTreeMap<String, Thing>,
    below: &BTreeMap<String, Thing>,
    random: &mut Random,
    files: &mut Vec<String>,
) -> Tar {
    for name in below.keys().filter(|name| !things.contains_key(*name)) {
        if random.below(2) == 0 {
            tar = tar.whiteout(&format!("{folder}/{name}"));
        }
    }
    for (name, thing) in things {
        let path = format!("{folder}/{name}");
        tar = match thing {
            Thing::Junction(target) => tar.junction(&path, target),
            Thing::File(..) if random.below(6) == 0 && !files.is_empty() => {
                let target = random.below(files.len() as u64);
                let target = files[usize::try_from(target).expect("is small")].clone();
                tar.link(&path, &target)
            }
            Thing::File(data, streams) => {
                files.push(path.clone());
                let file = tar.file(&path, data);
                streams.iter().fold(file, |tar, (stream, data)| {
                    tar.stream(&format!("{path}:{stream}"), data)
                })
            }
            Thing::Folder(inner) => {
                let nothing = BTreeMap::new();
                let below = match below.get(name) {
                    Some(Thing::Folder(below)) => below,
                    _ => &nothing,
                };
                write(tar.folder(&path), &path, inner, below, random, files)
            }
        };
    }
    tar
}

fn finish(tar: Tar) -> Vec<u8> {
    let tar = tar.root("Hives").hive("Hives/System_Delta");
    tar.finish()
}

#[test]
fn random_layers_come_out_as_they_went_in() {
    let cases = std::env::var(CASES)
        .ok()
        .and_then(|cases| cases.parse().ok());
    for case in 0..cases.unwrap_or(CASES_HERE) {
        println!("case {case}");
        let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ (case << 32));
        let site = Site::new();
        let driver = site.driver();
        let (bottom, first, second) = (id("base"), id("first"), id("second"));
        driver.create(&bottom, None).expect("is new");
        driver
            .apply_diff(&bottom, None, &mut &base()[..])
            .expect("is valid");
        let below = tree(&mut random, 2);
        let nothing = BTreeMap::new();
        let tar = Tar::new().root("Files");
        let tar = write(tar, "Files", &below, &nothing, &mut random, &mut Vec::new());
        let fill = |layer: &Id, parent: &Id, tar: &[u8]| {
            driver.create(layer, Some(parent)).expect("is new");
            driver
                .apply_diff(layer, Some(parent), &mut &*tar)
                .expect("is valid");
            expect_same(&diff(&driver, layer), tar);
        };
        fill(&first, &bottom, &finish(tar));
        let above = tree(&mut random, 2);
        let tar = Tar::new().root("Files");
        let tar = write(tar, "Files", &above, &below, &mut random, &mut Vec::new());
        fill(&second, &first, &finish(tar));
        site.expect_no_complaints();
    }
}
