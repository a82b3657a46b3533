//! Copies objects to a mounted volume.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::attributes::{self, ATTRIBUTES, EAS, REPARSE, SECURITY, TIMES};
use crate::ea;
use crate::object::Object;

/// FILE_ATTRIBUTE_SPARSE_FILE.
const SPARSE: u32 = 0x200;
/// What NTFS allocates at once, in bytes.
const CLUSTER: usize = 4096;

/// Copies `objects` into `root` and returns the numbers of their MFT records.
pub(crate) fn fill(root: &Path, objects: &[Object]) -> Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for object in objects {
        let path = root.join(object.path());
        make(&path, object).with_context(|| format!("cannot make {}", path.display()))?;
        // What has become a link has no stat until the volume is mounted again.
        numbers.push(fs::symlink_metadata(&path)?.ino());
    }
    for object in objects {
        for other in object.paths.iter().skip(1) {
            fs::hard_link(root.join(object.path()), root.join(other))
                .with_context(|| format!("cannot make the hard link {other}"))?;
        }
    }
    // From the inside out: times of a folder would change with what is in it.
    for object in objects.iter().rev() {
        describe(&root.join(object.path()), object)?;
    }
    Ok(numbers)
}

fn make(path: &Path, object: &Object) -> Result<()> {
    if object.is_folder {
        fs::create_dir(path)?;
    } else {
        let mut file = File::create_new(path)?;
        match object.attributes.is_some_and(|bits| bits & SPARSE != 0) {
            true => write_sparse(&mut file, &object.data)?,
            false => file.write_all(&object.data)?,
        }
    }
    for (name, bytes) in &object.streams {
        fs::write(stream(path, name), bytes)?;
    }
    Ok(())
}

/// Writes what is not zero, by which ntfs-3g makes the rest holes and the file a sparse one.
fn write_sparse(file: &mut File, data: &[u8]) -> Result<()> {
    file.set_len(data.len() as u64)?;
    for (index, cluster) in data.chunks(CLUSTER).enumerate() {
        if cluster.iter().any(|byte| *byte != 0) {
            file.seek(SeekFrom::Start((index * CLUSTER) as u64))?;
            file.write_all(cluster)?;
        }
    }
    Ok(())
}

fn describe(path: &Path, object: &Object) -> Result<()> {
    if let Some(security) = &object.security {
        attributes::set(path, SECURITY, security)?;
    }
    if !object.eas.is_empty() {
        attributes::set(path, EAS, &ea::to_list(&object.eas)?)?;
    }
    if let Some(reparse) = &object.reparse {
        attributes::set(path, REPARSE, reparse)?;
    }
    if let Some(bits) = object.attributes {
        attributes::set(path, ATTRIBUTES, &bits.to_le_bytes())?;
    }
    let times = object.times.map(i64::to_le_bytes).concat();
    attributes::set(path, TIMES, &times)
}

/// Returns the path of an alternate stream.
pub(crate) fn stream(path: &Path, name: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(":");
    path.push(name);
    path.into()
}
