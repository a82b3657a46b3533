//! Finding what is wrong in a store, beside whatever else runs in it.
//!
//! ```text
//!  check ─► catalog: SQLite's own checks
//!        ─► places: names and sizes on disk against rows, in one short transaction
//!        ─► contents: digests of what looks wrong, or of all; no lock is held
//! ```

mod catalog;
mod contents;
mod finding;
#[cfg(target_os = "linux")]
mod mounts;
mod places;
mod rebuild;
mod repair;

use std::path::Path;
use std::time::{Duration, Instant};

pub(crate) use catalog::damage_in;
pub use finding::{Counted, Finding, Problem, Remedy};
pub(crate) use places::entries;
pub use rebuild::Rebuilt;
pub use repair::Repair;

use crate::catalog::Catalog;
use crate::durable::Named;
use crate::layout::Layout;
use crate::limits::Limits;
use crate::store::{Store, StoreError, share};

/// How long a file that others may be deleting has to be there to be left over, and the time between looks.
const DELETION: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(20);

/// How thorough a check is.
#[derive(Clone, Copy)]
pub struct CheckOptions<'a> {
    /// Read everything and compare digests. Else files are read only if their size is wrong.
    pub full: bool,
    /// Called with the number of bytes just read.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

impl std::fmt::Debug for CheckOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CheckOptions")
            .field("full", &self.full)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store at `root` as it is: nothing is made, put right or upgraded.
    ///
    /// # Errors
    /// [`StoreError`] if there is no store, or its catalog cannot be read.
    pub fn open_to_check(root: &Path) -> Result<Self, StoreError> {
        let layout = Layout::of(root);
        let catalog = layout.catalog();
        std::fs::metadata(layout.root()).named("find", layout.root())?;
        if !catalog.exists() && !layout.layers().exists() {
            return Err(StoreError::NoStore(root.to_owned()));
        }
        let open = share(&layout)?;
        let catalog = Catalog::open_as_it_is(&layout)?;
        Ok(Self {
            layout,
            catalog,
            _open: open,
            limits: Limits::default(),
        })
    }

    /// Finds what is wrong, and changes nothing. Other operations may run meanwhile: what they are about to do is not
    /// taken for damage.
    ///
    /// # Errors
    /// [`StoreError`] if the catalog or a folder cannot be read; what is damaged is a finding.
    pub fn check(&self, options: &CheckOptions<'_>) -> Result<Vec<Finding>, StoreError> {
        let mut findings = self.check_catalog()?;
        if findings.is_empty() {
            findings = self.check_notes()?;
        }
        if findings
            .iter()
            .any(|finding| finding.problem.remedy() == Remedy::Rebuild)
        {
            // What the rows say means nothing then.
            return Ok(findings);
        }
        let mut looked = self.check_places()?;
        self.wait_for_deletions(&mut looked.findings);
        findings.extend(looked.findings);
        findings.extend(self.check_contents(&looked.doubtful, options)?);
        #[cfg(target_os = "linux")]
        findings.extend(self.check_mounts()?);
        findings.sort_by(|a, b| a.place.cmp(&b.place));
        Ok(findings)
    }

    /// Leaves out what others were about to delete: an operation deletes files when the catalog knows nothing of them
    /// any more.
    fn wait_for_deletions(&self, findings: &mut Vec<Finding>) {
        let may_go =
            |finding: &Finding| matches!(finding.problem, Problem::Trash | Problem::OrphanChain);
        let is_there = |finding: &Finding| self.layout.root().join(&finding.place).exists();
        let start = Instant::now();
        while findings.iter().any(may_go) && start.elapsed() < DELETION {
            std::thread::sleep(PAUSE);
            findings.retain(|finding| !may_go(finding) || is_there(finding));
        }
    }
}
