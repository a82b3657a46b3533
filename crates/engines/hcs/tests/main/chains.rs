//! layerchain.json, layerId, and what moves or tears them.

use transom_driver::{Driver, ErrorKind};

use crate::support::{Site, diff, expect_same, id, make_stack, top};

#[test]
fn a_chain_is_what_docker_writes() {
    let site = Site::new();
    let (bottom, middle) = make_stack(&site.driver());
    let read = |id| std::fs::read_to_string(site.layer(id).join("layerchain.json"));
    assert_eq!(read(&bottom).expect("is there"), "null");
    let expected = serde_json::to_string(&[site.layer(&bottom)]).expect("is plain");
    assert_eq!(read(&middle).expect("is there"), expected);
}

#[test]
fn a_store_can_be_moved() {
    let site = Site::new();
    let (_, middle) = make_stack(&site.driver());
    let chain = site.layer(&middle).join("layerchain.json");
    std::fs::write(
        &chain,
        r#"["C:\\ProgramData\\docker\\windowsfilter\\base"]"#,
    )
    .expect("writes");
    expect_same(&diff(&site.driver(), &middle), &top());
    site.expect_no_complaints();
}

#[test]
fn a_torn_chain_is_reported_with_the_way_to_repair_it() {
    for torn in [&[0_u8; 64][..], b"[\"C:\\\\x", b""] {
        let site = Site::new();
        let driver = site.driver();
        let (_, middle) = make_stack(&driver);
        let leaf = id("leaf");
        driver
            .create_writable(&leaf, Some(&middle), [("size", "")].into_iter().take(0))
            .expect("is new");
        std::fs::write(site.layer(&middle).join("layerchain.json"), torn).expect("writes");
        let error = driver.changes(&middle).expect_err("is damaged");
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        let mut text = String::new();
        let mut next: Option<&dyn std::error::Error> = Some(&error);
        while let Some(error) = next {
            text.push_str(&error.to_string());
            next = error.source();
        }
        assert!(text.contains("layerchain.json is damaged"), "{text}");
        let parents = serde_json::to_string(&[site.layer(&id("base"))]).expect("is plain");
        assert!(text.contains(&parents), "{text}");
        std::fs::write(site.layer(&middle).join("layerchain.json"), parents).expect("writes");
        expect_same(&diff(&driver, &middle), &top());
    }
}

#[test]
fn a_layer_may_be_kept_under_another_id() {
    let site = Site::new();
    let driver = site.driver();
    let (bottom, _) = make_stack(&driver);
    let alias = site.home().join("alias");
    std::fs::create_dir(&alias).expect("is new");
    std::fs::write(alias.join("layerId"), bottom.as_str()).expect("writes");
    let found = driver.layer_path(&id("alias")).expect("is there");
    assert_eq!(found, site.layer(&bottom));
}

#[test]
fn another_process_waits_for_the_store() {
    let site = Site::new();
    let driver: Driver<_> = site.driver();
    let waiting = std::thread::scope(|scope| {
        let other = scope.spawn(|| site.run(&["exists", "base"]));
        std::thread::sleep(std::time::Duration::from_millis(200));
        let is_waiting = !other.is_finished();
        drop(driver);
        let output = other.join().expect("runs");
        assert!(output.status.success(), "{output:?}");
        is_waiting
    });
    assert!(waiting);
}
