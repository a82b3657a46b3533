//! Workers that outlive whoever started them.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Site, base, diff, id, make_stack, names_below, top};

/// How long to wait for a process to come to a place.
const LIMIT: Duration = Duration::from_secs(60);

/// Lets ImportLayer hang in the worker of an import into the layer `x`, and kills whoever started the worker. Returns
/// another name of the file that the worker has locked.
fn orphan(site: &Site) -> PathBuf {
    let control = site.path("machine").join("control");
    fs::write(&control, r#"{"call": "ImportLayer", "action": "hang"}"#).expect("writes");
    let tar = site.write("top.tar", &top());
    let mut command = site.command(&["apply", "x", "base", &tar]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut starter = command.spawn().expect("the example was built");
    let start = Instant::now();
    // The rule is taken away when the call has come to it.
    while !fs::read_to_string(&control).is_ok_and(|rules| rules.is_empty()) {
        assert!(start.elapsed() < LIMIT, "it does not come to the call");
        thread::sleep(Duration::from_millis(5));
    }
    let entries = fs::read_dir(staging(site)).expect("is there").flatten();
    let mut locks = entries.map(|entry| entry.path().join("alive"));
    let lock = locks.find(|path| path.exists()).expect("a worker works");
    let alive = site.path("alive");
    fs::hard_link(lock, &alive).expect("can have two names");
    assert_eq!(starter.try_wait().expect("is ours"), None, "it waits");
    starter.kill().expect("is there");
    starter.wait().expect("ends");
    alive
}

fn staging(site: &Site) -> PathBuf {
    site.home().join(".transom/staging")
}

#[test]
fn whoever_opens_the_store_waits_for_a_worker_whose_starter_was_killed() {
    let site = Site::new();
    let layer = id("x");
    {
        let driver = site.driver();
        make_stack(&driver);
        driver.create(&layer, Some(&id("base"))).expect("is new");
    }
    let alive = orphan(&site);
    let driver = site.driver();
    let alive = File::open(alive).expect("is there");
    alive.try_lock().expect("no worker is left");
    assert_eq!(names_below(&staging(&site)), Vec::<String>::new());
    driver
        .apply_diff(&layer, Some(&id("base")), &mut &top()[..])
        .expect("it is empty, and nobody disturbs");
    assert!(diff(&driver, &layer) == top(), "it is what was imported");
    site.expect_no_complaints();
}

/// Runs a worker that imports a tar into the layer `x`, from a sender that says what is in its folder.
fn import_by_hand(site: &Site, workplace: &Path, tar: &[u8]) -> std::process::Output {
    let mut command = site.worker_command();
    command
        .arg("import")
        .args([&site.home(), &site.layer(&id("x")), &staging(site)])
        .arg(workplace)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut worker = command.spawn().expect("the example was built");
    let mut stdin = worker.stdin.take().expect("is piped");
    // One that does not begin does not read.
    let _ = stdin.write_all(tar);
    drop(stdin);
    worker.wait_with_output().expect("ends")
}

#[test]
fn a_tar_whose_sender_dies_between_two_entries_fills_nothing() {
    let site = Site::new();
    site.driver().create(&id("x"), None).expect("is new");
    let workplace = staging(&site).join("worker-1");
    fs::create_dir(&workplace).expect("is new");
    fs::write(workplace.join("alive"), b"welcome").expect("writes");
    let is_filled = || transom_hcs::is_filled(&site.layer(&id("x"))).expect("can be looked into");

    let tar = base();
    // All entries, without the mark of the end: what is taken for a whole tar elsewhere.
    let cut = &tar[..tar.len() - 1024];
    let ended = import_by_hand(&site, &workplace, cut);
    let report = fs::read_to_string(workplace.join("result.json")).expect("there is a result");
    assert!(report.contains("before the tar did"), "{report} {ended:?}");
    assert!(!is_filled());

    fs::write(workplace.join("whole"), b"").expect("writes");
    import_by_hand(&site, &workplace, cut);
    let report = fs::read_to_string(workplace.join("result.json")).expect("there is a result");
    assert!(report.contains("done"), "{report}");
    assert!(is_filled());
}

#[test]
fn a_worker_that_comes_after_the_store_was_opened_again_touches_nothing() {
    let site = Site::new();
    site.driver().create(&id("x"), None).expect("is new");
    let workplace = staging(&site).join("worker-1");
    fs::create_dir(&workplace).expect("is new");
    fs::write(workplace.join("alive"), b"").expect("writes");
    let before = names_below(&site.layer(&id("x")));
    for _ in 0..2 {
        let ended = import_by_hand(&site, &workplace, &base());
        assert_eq!(ended.status.code(), Some(4), "{ended:?}");
        assert!(!workplace.join("result.json").exists());
        assert_eq!(names_below(&site.layer(&id("x"))), before);
        // The next one finds no folder at all.
        let _ = site.driver();
        assert!(!workplace.exists());
    }
}
