//! What is written is durable before a layer counts as filled.

use std::cell::Cell;
use std::io;
use std::path::Path;
use std::sync::Arc;

use transom_driver::{Driver, ErrorKind};
use transom_hcs::{HcsEngine, Worker};
use transom_standin::{PlainFiles, PlainNode};
use transom_windows::{Create, Folder, Listed};

use crate::support::{Site, base, diff, id, names_below, top};

thread_local! {
    /// How often a volume was flushed, and whether that fails. An import is done by the thread that asks for it.
    static FLUSHES: Cell<u32> = const { Cell::new(0) };
    static FAILS: Cell<bool> = const { Cell::new(false) };
}

/// Files of a volume that can fail to be flushed.
#[derive(Debug)]
struct Flushed(PlainFiles);

impl Folder for Flushed {
    type Node = PlainNode;

    fn open_root(path: &Path) -> io::Result<Self> {
        PlainFiles::open_root(path).map(Self)
    }

    fn attributes(&self, name: &str) -> io::Result<u32> {
        self.0.attributes(name)
    }

    fn list(&self, name: &str) -> io::Result<Vec<Listed>> {
        self.0.list(name)
    }

    fn open(&self, name: &str) -> io::Result<PlainNode> {
        self.0.open(name)
    }

    fn create_file(&self, name: &str, create: Create) -> io::Result<PlainNode> {
        self.0.create_file(name, create)
    }

    fn create_folder(&self, name: &str) -> io::Result<PlainNode> {
        self.0.create_folder(name)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.remove(name)
    }

    fn link(&self, name: &str, root: &Self, target: &str) -> io::Result<()> {
        self.0.link(name, &root.0, target)
    }

    fn sync_volume(&self) -> io::Result<()> {
        self.0
            .list("Files")
            .expect("is flushed after the files are there");
        FLUSHES.set(FLUSHES.get() + 1);
        match FAILS.get() {
            true => Err(io::ErrorKind::StorageFull.into()),
            false => Ok(()),
        }
    }
}

#[test]
fn a_layer_that_could_not_be_flushed_is_empty_and_can_be_filled_again() {
    let site = Site::new();
    {
        let engine =
            HcsEngine::<Flushed>::open(&site.home(), Arc::new(site.machine()), Worker::InProcess);
        let driver = Driver::open(engine.expect("opens")).expect("opens");
        let mut parent = None;
        for (name, tar) in [("base", base()), ("top", top())] {
            let layer = id(name);
            driver.create(&layer, parent.as_ref()).expect("is new");
            let empty = names_below(&site.layer(&layer));
            let fill = || driver.apply_diff(&layer, parent.as_ref(), &mut &tar[..]);

            FLUSHES.set(0);
            FAILS.set(true);
            let error = fill().expect_err("cannot be flushed");
            assert_eq!(error.kind(), ErrorKind::NoSpace, "{error}");
            assert!(
                error.to_string().contains("cannot import the tar of layer"),
                "{error}"
            );
            assert_eq!(names_below(&site.layer(&layer)), empty);

            FAILS.set(false);
            fill().expect("is flushed");
            assert_eq!(FLUSHES.get(), 2, "once for each import");
            parent = Some(layer);
        }
    }
    assert!(diff(&site.driver(), &id("base")) == base());
    assert!(diff(&site.driver(), &id("top")) == top());
    site.expect_no_complaints();
}
