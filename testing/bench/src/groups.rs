//! What is measured, in groups that can be chosen by name.

mod chain;
mod commit;
mod export;
mod import;
mod many;
mod read;
mod remove;
mod update;
mod verify;

use anyhow::Result;

use crate::figures::{Figures, Row};
use crate::scene::Scene;

/// A group of measurements that need the same things.
#[derive(Debug)]
pub(crate) struct Group {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// What is told of it.
    pub(crate) about: &'static str,
    /// What is compared.
    pub(crate) rows: &'static [Row],
    /// Measures it. What cannot be measured is noted.
    pub(crate) measure: fn(&Scene, &mut Figures) -> Result<()>,
}

/// All groups, in the order in which they are measured.
pub(crate) const ALL: [Group; 9] = [
    import::GROUP,
    many::GROUP,
    verify::GROUP,
    remove::GROUP,
    chain::GROUP,
    read::GROUP,
    commit::GROUP,
    update::GROUP,
    export::GROUP,
];
