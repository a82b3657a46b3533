//! The program is killed at any moment, again and again, while others of its kind work on the same root.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use transom_crash::root::recovered;
use transom_sealed::Store;

use crate::scenario::{CREATE, Home, IMAGE, LOAD, program};

/// How often something is killed: a night's run asks for thousands.
const KILLS: &str = "TRANSOM_KILLS";
const KILLS_HERE: u32 = 500;

/// What is done over and over; each worker begins elsewhere.
const ROUND: &[&[&str]] = &[
    LOAD,
    CREATE,
    &["mkdir", "layer:/new"],
    &["commit", "layer", "-t", "mine:1"],
    &["tag", IMAGE, "other:2"],
    &["rm", "layer:/Windows/System32/ntdll.dll"],
    &["commit", "layer", "-t", KEPT],
    &["verify", "-q"],
    &["rm", "mine:1"],
    &["gc"],
    &["rm", "layer"],
    &["rm", IMAGE, "other:2"],
];
/// Stands for a name that is given once and never taken away.
const KEPT: &str = "kept";

/// Workers at the same time: more than there are cores.
const WORKERS: usize = 3;

#[test]
fn whatever_is_killed_the_store_is_whole_and_nothing_leaks() {
    let kills = std::env::var(KILLS).map_or(KILLS_HERE, |kills| kills.parse().unwrap());
    let home = Home::new();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut workers: Vec<Worker> = (0..WORKERS).map(Worker::new).collect();
    let (mut killed, mut ended) = (0, 0);
    while killed < kills {
        let victim = random.below(WORKERS as u64) as usize;
        // Long enough that any moment of an operation can be the last, most operations take a tenth of that.
        let until = Instant::now() + Duration::from_micros(random.below(60_000));
        while Instant::now() < until {
            for worker in &mut workers {
                ended += u32::from(worker.go_on(&home));
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        killed += u32::from(workers[victim].kill());
        // Now and then all are killed, and the root is looked at when nobody uses it.
        if killed.is_multiple_of(25) {
            for worker in &mut workers {
                killed += u32::from(worker.kill());
            }
            whole(&home.root(), &workers)
                .unwrap_or_else(|error| panic!("after {killed} kills: {error:#}"));
        }
    }
    workers.iter_mut().for_each(|worker| _ = worker.kill());
    whole(&home.root(), &workers).unwrap();
    home.run(&["gc"]);
    // Nothing stays when all is removed, images without names among it.
    let store = Store::open(&home.root()).unwrap();
    if store.named_layer("layer").is_ok() {
        store.remove_named("layer").unwrap();
    }
    for image in store.images().unwrap() {
        store.remove_image(&image).unwrap();
    }
    drop(store);
    home.run(&["gc", "--compressed"]);
    let contents = recovered(&home.root()).unwrap();
    let left: Vec<_> = contents
        .files
        .keys()
        .filter(|path| path.iter().count() > 1)
        .collect();
    assert!(left.is_empty(), "{left:#?}");
    let chains: Vec<_> = fs::read_dir(home.root().join("chains")).unwrap().collect();
    assert!(chains.is_empty(), "{chains:?}");
    assert!(
        ended > kills / 4,
        "only {ended} operations came to their end"
    );
    let kept: usize = workers.iter().map(|worker| worker.kept.len()).sum();
    assert!(kept > 0, "nothing was committed");
    println!(
        "counted: {killed} kills, {ended} operations came to their end between them, {kept} commits kept"
    );
}

/// Nothing is left over or damaged, and all that was said to be done is there.
fn whole(root: &Path, workers: &[Worker]) -> Result<()> {
    let contents = recovered(root).context("the store is not whole")?;
    for name in workers.iter().flat_map(|worker| &worker.kept) {
        let row = format!("names name={name} ");
        ensure!(
            contents.rows.iter().any(|found| found.starts_with(&row)),
            "{name} is lost"
        );
    }
    Ok(())
}

/// One process after the other.
struct Worker {
    number: usize,
    next: usize,
    running: Option<Child>,
    /// Names of images whose commit was said to be done.
    kept: Vec<String>,
}

impl Worker {
    fn new(number: usize) -> Self {
        Self {
            number,
            next: number * 4,
            running: None,
            kept: Vec::new(),
        }
    }

    /// The name that the operation at hand gives if it gives one for ever.
    fn name(&self) -> Option<String> {
        let gives = ROUND[self.next % ROUND.len()].contains(&KEPT);
        gives.then(|| format!("kept:{}-{}", self.number, self.next))
    }

    /// Starts the next operation if none is running; says whether one has ended.
    fn go_on(&mut self, home: &Home) -> bool {
        if let Some(child) = &mut self.running {
            let Some(status) = child.try_wait().unwrap() else {
                return false;
            };
            // What others have removed in the meantime cannot be worked on; a panic or a signal is something else.
            assert!(
                matches!(status.code(), Some(0 | 1)),
                "{:?}: {status}",
                ROUND[self.next % ROUND.len()]
            );
            self.running = None;
            self.kept.extend(self.name().filter(|_| status.success()));
            self.next += 1;
            return true;
        }
        let mut words = home.arguments(ROUND[self.next % ROUND.len()]);
        if let (Some(name), Some(word)) = (self.name(), words.last_mut()) {
            *word = name;
        }
        let mut command = Command::new(program());
        let quiet = command
            .args(words)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.running = Some(quiet.spawn().unwrap());
        false
    }

    /// Says whether there was something to kill.
    fn kill(&mut self) -> bool {
        let Some(mut child) = self.running.take() else {
            return false;
        };
        // It may have ended by itself just now.
        let _ = child.kill();
        let was_killed = child.wait().unwrap().code().is_none();
        self.next += 1;
        was_killed
    }
}

/// The same numbers in each run (xorshift, Marsaglia 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}
