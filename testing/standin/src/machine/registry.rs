//! What the service knows about layers, which outlives the processes that call it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

/// What is known of one layer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) active: bool,
    pub(super) prepared: bool,
    /// Id of the disk that is attached.
    pub(super) disk: Option<String>,
    /// Keys of its parents, from the first call that named them.
    pub(super) parents: Option<Vec<String>>,
    /// What CreateLayer was told of its parent.
    pub(super) parent_name: Option<String>,
}

/// Layers by their key, the absolute path as text.
#[derive(Debug, Default)]
pub(super) struct Registry {
    path: PathBuf,
    layers: BTreeMap<String, Known>,
    /// Ids of disks whose volume shows the parents' files.
    pub(super) filled: BTreeSet<String>,
}

impl Registry {
    pub(super) fn read(state: &Path) -> io::Result<Self> {
        let path = state.join("layers.json");
        let text = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => b"{}".to_vec(),
            text => text?,
        };
        let value: Value = serde_json::from_slice(&text)?;
        let layers = value.get("layers").and_then(Value::as_object);
        Ok(Self {
            path,
            layers: layers
                .into_iter()
                .flatten()
                .map(|(key, known)| (key.clone(), Known::from_json(known)))
                .collect(),
            filled: strings(value.get("filled")).into_iter().flatten().collect(),
        })
    }

    pub(super) fn write(&self) -> io::Result<()> {
        let layers: Map<String, Value> = self
            .layers
            .iter()
            .map(|(key, known)| (key.clone(), known.to_json()))
            .collect();
        let text = json!({"layers": layers, "filled": self.filled}).to_string();
        let new = self.path.with_extension("new");
        fs::write(&new, text)?;
        fs::rename(new, &self.path)
    }

    pub(super) fn known(&self, key: &str) -> Known {
        self.layers.get(key).cloned().unwrap_or_default()
    }

    pub(super) fn layer(&mut self, key: &str) -> &mut Known {
        self.layers.entry(key.to_owned()).or_default()
    }

    pub(super) fn forget(&mut self, key: &str) {
        self.layers.remove(key);
    }

    /// Returns keys of layers that are active or prepared.
    pub(super) fn in_use(&self) -> Vec<String> {
        self.layers
            .iter()
            .filter(|(_, known)| known.active || known.prepared)
            .map(|(key, _)| key.clone())
            .collect()
    }

    /// Says whether a disk is attached, wherever its layer was then.
    pub(super) fn is_attached(&self, disk: &str) -> bool {
        self.layers
            .values()
            .any(|known| known.active && known.disk.as_deref() == Some(disk))
    }

    /// Makes the layer of a disk inactive; says whether one was active.
    pub(super) fn detach(&mut self, disk: &str) -> bool {
        let mut was_attached = false;
        for known in self.layers.values_mut() {
            if known.active && known.disk.as_deref() == Some(disk) {
                (known.active, known.prepared) = (false, false);
                was_attached = true;
            }
        }
        was_attached
    }
}

impl Known {
    fn to_json(&self) -> Value {
        json!({
            "active": self.active,
            "prepared": self.prepared,
            "disk": self.disk,
            "parents": self.parents,
            "parent": self.parent_name,
        })
    }

    fn from_json(known: &Value) -> Self {
        let text = |key| known.get(key).and_then(Value::as_str).map(str::to_owned);
        let is = |key| known.get(key).and_then(Value::as_bool).unwrap_or(false);
        Self {
            active: is("active"),
            prepared: is("prepared"),
            disk: text("disk"),
            parents: strings(known.get("parents")),
            parent_name: text("parent"),
        }
    }
}

fn strings(value: Option<&Value>) -> Option<Vec<String>> {
    let list = value?.as_array()?;
    Some(
        list.iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_outlives_the_registry() {
        let state = tempfile::tempdir().expect("makes a folder");
        let mut registry = Registry::read(state.path()).expect("is new");
        *registry.layer("/x/top") = Known {
            active: true,
            prepared: false,
            disk: Some("1".to_owned()),
            parents: Some(vec!["/x/base".to_owned()]),
            parent_name: Some("base".to_owned()),
        };
        registry.filled.insert("1".to_owned());
        registry.write().expect("writes");
        let mut read = Registry::read(state.path()).expect("reads");
        assert_eq!(read.known("/x/top"), registry.known("/x/top"));
        assert!(read.filled.contains("1"));
        assert!(read.is_attached("1"));
        assert!(read.detach("1"));
        assert_eq!(read.in_use(), Vec::<String>::new());
    }
}
