//! Every call of every method fails once, in every way: the method says so or succeeds, and afterwards all is well.

use std::path::PathBuf;

use crate::support::{Site, base, diff, id, make_stack, top};

/// Ways in which one call goes wrong.
const FAULTS: [(&str, u32); 6] = [
    ("fail", 0x8007_001f),
    ("die-after", 0),
    ("hang", 0),
    ("fail", 0x8007_0005),
    ("fail", 0x8007_0015),
    ("die", 0),
];

/// Wine takes its time with processes: it is shown the first ways only.
const FAULTS_HERE: usize = if cfg!(windows) { 1 } else { FAULTS.len() };

/// A method, and what is done before it.
struct Scenario {
    method: &'static [&'static str],
    is_mounted: bool,
    prepare: fn(&Site),
}

/// Makes a stack of two layers and a writable one, and what the scenario needs.
fn start(scenario: &Scenario) -> Site {
    let site = Site::new();
    {
        let driver = site.driver();
        let (_, middle) = make_stack(&driver);
        driver
            .create_writable(&id("box"), Some(&middle), [("size", "0")])
            .expect("is new");
        if scenario.is_mounted {
            driver.get(&id("box")).expect("mounts");
        }
    }
    (scenario.prepare)(&site);
    site.write("top.tar", &top());
    site.write("base.tar", &base());
    site
}

fn run(site: &Site, scenario: &Scenario) -> std::process::Output {
    let words: Vec<String> = scenario
        .method
        .iter()
        .map(|word| match word.strip_prefix('@') {
            Some(file) => site.path(file).to_string_lossy().into_owned(),
            None => (*word).to_owned(),
        })
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    site.run(&words)
}

/// Fails each call of a method in each way.
fn enumerate(scenario: &Scenario) {
    let site = start(scenario);
    site.clear_log();
    let output = run(&site, scenario);
    assert!(output.status.success(), "without a fault: {output:?}");
    let calls: Vec<String> = site
        .machine()
        .log()
        .iter()
        .filter_map(|line| line.split_once('('))
        .map(|(call, _)| call.to_owned())
        .collect();
    let mut count = 0;
    for (index, call) in calls.iter().enumerate() {
        let skip = calls
            .iter()
            .take(index)
            .filter(|other| *other == call)
            .count();
        for (action, code) in FAULTS.into_iter().take(FAULTS_HERE) {
            let name = format!(
                "{:?}: {call} number {skip}: {action} {code:#x}",
                scenario.method
            );
            check(scenario, call, skip, action, code, &name);
            count += 1;
        }
    }
    println!(
        "{:?}: {count} faults in {} calls",
        scenario.method,
        calls.len()
    );
}

fn check(scenario: &Scenario, call: &str, skip: usize, action: &str, code: u32, name: &str) {
    let site = start(scenario);
    let rule = serde_json::json!({ "call": call, "skip": skip, "action": action, "code": code });
    std::fs::write(site.path("machine").join("control"), format!("{rule}\n")).expect("writes");
    let first = run(&site, scenario);
    let said = String::from_utf8_lossy(&first.stderr).into_owned();
    let died = first
        .status
        .code()
        .is_none_or(|code| !matches!(code, 0 | 1));
    assert!(!said.contains("panicked"), "{name}: {said}");
    if died {
        assert!(action.starts_with("die"), "{name}: {first:?}");
    } else if !first.status.success() {
        assert!(said.contains("layer"), "{name} says what failed: {said:?}");
    }
    let is_get = scenario.method.first() == Some(&"get");
    if !died && !first.status.success() && !scenario.is_mounted {
        assert_eq!(site.active(), Vec::<PathBuf>::new(), "{name}: {said}");
    }
    // What went wrong once does not again.
    let _ = std::fs::remove_file(site.path("machine").join("control"));
    if !first.status.success() {
        let second = run(&site, scenario);
        assert!(second.status.success(), "{name}: {said}\nagain: {second:?}");
    }
    let driver = site.driver();
    if is_get || scenario.is_mounted {
        driver
            .put(&id("box"))
            .unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }
    assert_eq!(site.active(), Vec::<PathBuf>::new(), "{name}");
    assert!(
        diff(&driver, &id("top")) == top(),
        "{name}: what is committed stays"
    );
    let layers = ["x", "y", "box", "top", "base"];
    for layer in layers {
        driver
            .remove(&id(layer))
            .unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }
    driver
        .cleanup()
        .unwrap_or_else(|error| panic!("{name}: {error:?}"));
    let left: Vec<_> = std::fs::read_dir(site.home())
        .expect("is a folder")
        .flatten()
        .map(|entry| entry.file_name())
        .filter(|name| name != ".transom")
        .collect();
    assert!(left.is_empty(), "{name}: {left:?} is left");
    let staging = site.home().join(".transom/staging");
    assert_eq!(
        crate::support::names_below(&staging),
        Vec::<String>::new(),
        "{name}"
    );
    assert_eq!(site.machine().complaints(), Vec::<String>::new(), "{name}");
}

macro_rules! scenarios {
    ($($test:ident: $method:expr, mounted $is_mounted:expr, $prepare:expr;)*) => {
        $(#[test]
        fn $test() {
            enumerate(&Scenario { method: &$method, is_mounted: $is_mounted, prepare: $prepare });
        })*
    };
}

fn nothing(_: &Site) {}

fn empty_layer(site: &Site) {
    let driver = site.driver();
    driver.create(&id("x"), Some(&id("base"))).expect("is new");
}

fn empty_base(site: &Site) {
    site.driver().create(&id("y"), None).expect("is new");
}

/// Leaves a removed layer that could not be destroyed.
fn leftover(site: &Site) {
    let driver = site.driver();
    driver.create(&id("x"), Some(&id("base"))).expect("is new");
    std::fs::rename(site.layer(&id("x")), site.home().join("x-removing")).expect("is free");
}

scenarios! {
    calls_of_create_fail: ["create", "x", "top"], mounted false, nothing;
    calls_of_create_writable_fail: ["create-writable", "x", "top"], mounted false, nothing;
    calls_of_apply_diff_fail: ["apply", "x", "base", "@top.tar"], mounted false, empty_layer;
    calls_of_apply_diff_to_a_base_fail: ["apply-base", "y", "@base.tar"], mounted false, empty_base;
    calls_of_get_fail: ["get", "box"], mounted false, nothing;
    calls_of_put_fail: ["put", "box"], mounted true, nothing;
    calls_of_diff_fail: ["diff", "box", "@out.tar"], mounted false, nothing;
    calls_of_diff_of_a_mounted_layer_fail: ["diff", "box", "@out.tar"], mounted true, nothing;
    calls_of_changes_fail: ["changes", "box"], mounted false, nothing;
    calls_of_diff_size_fail: ["diff-size", "box"], mounted false, nothing;
    calls_of_exists_fail: ["exists", "box"], mounted false, nothing;
    calls_of_remove_fail: ["remove", "box"], mounted false, nothing;
    calls_of_cleanup_fail: ["cleanup"], mounted false, leftover;
}
