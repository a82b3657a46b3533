//! EROFS images: a damaged one gives errors or wrong values, and always an end.

use transom_erofs::{FileKind, Image};

/// Walks an image with everything that hangs on its inodes.
pub fn erofs_image(data: &[u8]) {
    /// A damaged image can describe a file of any size in many small pieces.
    const MOST_RUNS: usize = 10_000;
    let Ok(image) = Image::open(data) else { return };
    let Ok(walk) = image.walk(64) else { return };
    for entry in walk.take(10_000) {
        let Ok(entry) = entry else { return };
        let _ = image.xattrs(&entry.inode);
        match entry.inode.kind {
            FileKind::Directory => {
                let _ = image.lookup(&entry.inode, b"Files");
            }
            FileKind::Symlink => {
                let _ = image.symlink_target(&entry.inode);
            }
            FileKind::Regular => {
                let Ok(runs) = image.extents(&entry.inode) else {
                    continue;
                };
                let mut end = 0;
                for run in runs.take(MOST_RUNS) {
                    let Ok(run) = run else { break };
                    assert_eq!(run.logical, end, "runs follow each other");
                    end += run.length;
                    assert!(end <= entry.inode.size, "runs end with the file");
                }
            }
            _ => {}
        }
    }
}
