//! Runs every target over its committed seeds and over damaged copies of them.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use transom_fuzz::TARGETS;

/// Time for each target: enough for thousands of damaged seeds, short enough for each change.
const TIME: Duration = Duration::from_secs(1);

#[test]
#[expect(clippy::print_stdout, reason = "a test says how much it tried")]
fn every_target_takes_its_seeds_and_damaged_copies_of_them() {
    for (name, target) in TARGETS {
        let seeds = seeds(name);
        assert!(!seeds.is_empty(), "{name} has no seeds");
        seeds.iter().for_each(|seed| target(seed));
        target(&[]);

        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let start = Instant::now();
        let mut runs = 0;
        while start.elapsed() < TIME {
            let mut bytes = seeds[random.below(seeds.len())].clone();
            for _ in 0..=random.below(4) {
                damage(&mut bytes, &mut random);
            }
            target(&bytes);
            runs += 1;
        }
        println!(
            "counted: fuzz target {name}: {} seeds, {runs} damaged copies",
            seeds.len()
        );
    }
}

#[test]
fn every_target_is_handed_to_the_fuzzer() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz_targets");
    let mut files: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            entry
                .unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    files.sort();
    assert_eq!(files, TARGETS.map(|(name, _)| name));
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("seeds")
        .join(target);
    let mut files: Vec<_> = fs::read_dir(folder)
        .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
        .unwrap_or_default();
    files.sort();
    files.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Changes a few bytes the way storage and attackers do.
fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    if bytes.is_empty() {
        bytes.push(random.below(256) as u8);
        return;
    }
    let at = random.below(bytes.len());
    match random.below(6) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff, b'0', b'9', b'/'][random.below(8)],
        2 => bytes.truncate(at),
        3 => bytes.insert(at, random.below(256) as u8),
        4 => drop(bytes.drain(at..(at + 1 + random.below(16)).min(bytes.len()))),
        _ => {
            let piece = bytes[at..(at + 1 + random.below(64)).min(bytes.len())].to_vec();
            let to = random.below(bytes.len());
            bytes.splice(to..to, piece);
        }
    }
}

/// Numbers that look random and are the same in each run (xorshift64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}
