//! The calls, as methods of a driver.

use std::io::Read;
use std::path::Path;

use serde_json::{Value, json};
use transom_driver::{Diff, Driver, Engine, Id};

use crate::begun::Begun;
use crate::call::{Call, Layer, Request};
use crate::error::{CallError, OpenError};

/// A driver as Docker calls it.
#[derive(Debug)]
pub struct Plugin<E: Engine> {
    driver: Driver<E>,
    begun: Begun,
}

impl<E: Engine> Plugin<E> {
    /// Takes a driver over. `folder` is for what the plugin has to remember, and for it alone; it is made if need be.
    ///
    /// # Errors
    /// Another process has the folder, it cannot be used, or the driver fails.
    pub fn open(driver: Driver<E>, folder: &Path) -> Result<Self, OpenError> {
        let begun = Begun::open(folder, |id| driver.exists(id))?;
        Ok(Self { driver, begun })
    }

    /// Answers a call. It may block: on another call of the same layer, and as long as the work takes.
    pub(crate) fn answer(&self, call: Call, request: &Request) -> Result<Value, CallError> {
        let done = json!({ "Err": "" });
        match call {
            Call::Init => check_options(request).map(|()| done),
            // Read-only layers are kept as they came: Docker need not remember how to put their tars together.
            Call::Capabilities => Ok(json!({ "Capabilities": { "ReproducesExactDiffs": true } })),
            Call::Create => {
                let (id, parent) = ids(&request.id, &request.parent)?;
                self.driver.create(&id, parent.as_ref())?;
                Ok(done)
            }
            Call::CreateReadWrite => {
                let (id, parent) = ids(&request.id, &request.parent)?;
                let options = request.storage_opt.iter().flatten();
                self.driver.create_writable(&id, parent.as_ref(), options)?;
                Ok(done)
            }
            Call::Remove => {
                let id = Id::new(&request.id)?;
                // Docker removes what it no longer uses. If it died between a get and its put, it does not know of
                // the reference any more, and would never get rid of the layer.
                self.driver.put_all(&id)?;
                self.driver.remove(&id)?;
                self.begun.forget(&id);
                Ok(done)
            }
            Call::Get => {
                let id = Id::new(&request.id)?;
                let path = self.driver.get(&id)?;
                match path.to_str() {
                    Some(dir) => Ok(json!({ "Dir": dir })),
                    None => {
                        self.driver.put(&id)?;
                        Err(CallError::Path { id, path })
                    }
                }
            }
            Call::Put => {
                self.driver.put(&Id::new(&request.id)?)?;
                Ok(done)
            }
            Call::Exists => {
                let exists = self.driver.exists(&Id::new(&request.id)?)?;
                Ok(json!({ "Exists": exists }))
            }
            Call::Status => Ok(json!({ "Status": self.driver.status() })),
            Call::GetMetadata => {
                let facts = self.driver.metadata(&Id::new(&request.id)?)?;
                let facts: serde_json::Map<String, Value> = facts
                    .into_iter()
                    .map(|(key, value)| (key, value.into()))
                    .collect();
                Ok(json!({ "Metadata": facts }))
            }
            Call::Cleanup => {
                self.driver.cleanup()?;
                Ok(done)
            }
            Call::Changes => {
                let changes = self.driver.changes(&Id::new(&request.id)?)?;
                let changes: Vec<Value> = changes
                    .iter()
                    .map(|change| json!({ "Path": format!("/{}", change.path), "Kind": change.kind.number() }))
                    .collect();
                Ok(json!({ "Changes": changes }))
            }
            Call::DiffSize => {
                let size = self.driver.diff_size(&Id::new(&request.id)?)?;
                Ok(json!({ "Size": size }))
            }
        }
    }

    /// Starts to export a layer.
    pub(crate) fn diff(&self, id: &Id) -> Result<Diff, CallError> {
        Ok(self.driver.diff(id)?)
    }

    /// Fills a layer; returns the bytes of its tar.
    pub(crate) fn apply_diff(&self, layer: &Layer, tar: &mut impl Read) -> Result<u64, CallError> {
        let (id, parent) = ids(&layer.id, &layer.parent)?;
        if !self.driver.exists(&id)? {
            // Nothing was begun: the driver says what is missing.
            return Ok(self.driver.apply_diff(&id, parent.as_ref(), tar)?);
        }
        match self.begun.note(&id) {
            Ok(true) => {}
            Ok(false) => return Err(CallError::BrokenOff(id)),
            Err(source) => return Err(CallError::Note { id, source }),
        }
        let size = self.driver.apply_diff(&id, parent.as_ref(), tar)?;
        self.begun.forget(&id);
        Ok(size)
    }
}

fn ids(id: &str, parent: &str) -> Result<(Id, Option<Id>), CallError> {
    let parent = match parent {
        "" => None,
        parent => Some(Id::new(parent)?),
    };
    Ok((Id::new(id)?, parent))
}

fn check_options(request: &Request) -> Result<(), CallError> {
    if let Some(option) = request.opts.iter().flatten().next() {
        return Err(CallError::Option(option.clone()));
    }
    let maps = [&request.uid_maps, &request.gid_maps];
    match maps
        .into_iter()
        .flatten()
        .flatten()
        .all(|map| map.is_identity())
    {
        true => Ok(()),
        false => Err(CallError::IdMaps),
    }
}
