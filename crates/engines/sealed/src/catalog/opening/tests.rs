//! Opening what others hold, what is damaged, and what cannot be written.

use super::*;

fn layout_in(folder: &tempfile::TempDir) -> Layout {
    Layout::of(folder.path())
}

#[test]
fn opening_waits_for_another_process_that_sets_the_database_up() {
    let folder = tempfile::tempdir().unwrap();
    let layout = layout_in(&folder);
    let other = Connection::open(layout.catalog()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    std::thread::scope(|scope| {
        let opened = scope.spawn(|| Catalog::open(&layout).map(drop));
        std::thread::sleep(Duration::from_millis(300));
        other.execute_batch("ROLLBACK").unwrap();
        opened.join().unwrap().unwrap();
    });
}
