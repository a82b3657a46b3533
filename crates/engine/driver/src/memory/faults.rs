//! Steps that fail or block on demand, and the record of those that were called.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{MemoryError, Result};
use crate::{ErrorKind, Id, Step};

/// How long a test may wait for a step before it is taken to have gone wrong.
const PATIENCE: Duration = Duration::from_secs(30);

/// A step that was called, and of which layer; `References` and `Cleanup` are of none.
pub type Call = (Step, Option<Id>);

/// Which steps fail or block, and which were called.
#[derive(Debug, Default)]
pub struct FaultPlan {
    inner: Mutex<Plan>,
}

#[derive(Debug, Default)]
struct Plan {
    faults: Vec<Fault>,
    calls: Vec<Call>,
}

#[derive(Debug)]
struct Fault {
    step: Step,
    /// The layer; any if `None`.
    id: Option<Id>,
    effect: Effect,
}

#[derive(Debug, Clone)]
enum Effect {
    Fail { kind: ErrorKind, is_lasting: bool },
    Panic,
    Block(Arc<Barrier>),
}

impl FaultPlan {
    /// Makes a step of a layer (of any, if `None`) fail until [`clear`](Self::clear).
    pub fn fail(&self, step: Step, id: Option<&Id>, kind: ErrorKind) {
        let is_lasting = true;
        self.add(step, id, Effect::Fail { kind, is_lasting });
    }

    /// Makes a step of a layer (of any, if `None`) fail the next time.
    pub fn fail_once(&self, step: Step, id: Option<&Id>, kind: ErrorKind) {
        let is_lasting = false;
        self.add(step, id, Effect::Fail { kind, is_lasting });
    }

    /// Makes a step of a layer panic.
    pub fn panic(&self, step: Step, id: &Id) {
        self.add(step, Some(id), Effect::Panic);
    }

    /// Makes a step of a layer wait until the gate is opened or dropped.
    pub fn block(&self, step: Step, id: &Id) -> Gate {
        let barrier = Arc::new(Barrier::default());
        self.add(step, Some(id), Effect::Block(Arc::clone(&barrier)));
        Gate { barrier }
    }

    /// Takes all faults out of the plan.
    pub fn clear(&self) {
        self.lock().faults.clear();
    }

    /// Returns the steps that were called since the last time, in order; those that failed too.
    pub fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.lock().calls)
    }

    fn add(&self, step: Step, id: Option<&Id>, effect: Effect) {
        let id = id.cloned();
        self.lock().faults.push(Fault { step, id, effect });
    }

    fn lock(&self) -> MutexGuard<'_, Plan> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a call, and lets happen what is planned for it.
    pub(super) fn meet(&self, step: Step, id: Option<&Id>) -> Result<()> {
        let effect = self.lock().meet(step, id);
        match effect {
            None => Ok(()),
            Some(Effect::Fail { kind, .. }) => {
                let text = format!("planned fault of {step:?}: {kind}");
                Err(MemoryError::new(kind, text))
            }
            Some(Effect::Panic) => panic!("planned panic of {step:?}"),
            Some(Effect::Block(barrier)) => {
                barrier.pass();
                Ok(())
            }
        }
    }
}

impl Plan {
    fn meet(&mut self, step: Step, id: Option<&Id>) -> Option<Effect> {
        self.calls.push((step, id.cloned()));
        let is_meant =
            |fault: &Fault| fault.step == step && (fault.id.is_none() || fault.id.as_ref() == id);
        let at = self.faults.iter().position(is_meant)?;
        let effect = self.faults[at].effect.clone();
        if let Effect::Fail {
            is_lasting: false, ..
        } = effect
        {
            self.faults.remove(at);
        }
        Some(effect)
    }
}

#[derive(Debug, Default)]
struct Barrier {
    state: Mutex<BarrierState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct BarrierState {
    is_reached: bool,
    is_open: bool,
}

impl Barrier {
    fn lock(&self) -> MutexGuard<'_, BarrierState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pass(&self) {
        let mut state = self.lock();
        state.is_reached = true;
        self.changed.notify_all();
        drop(
            self.changed
                .wait_while(state, |state| !state.is_open)
                .unwrap_or_else(PoisonError::into_inner),
        );
    }
}

/// What holds a blocked step. Dropping it opens it.
#[derive(Debug)]
pub struct Gate {
    barrier: Arc<Barrier>,
}

impl Gate {
    /// Waits until the step has come to the gate.
    ///
    /// # Panics
    /// If that takes 30 seconds.
    pub fn wait_until_reached(&self) {
        let state = self.barrier.lock();
        let (_state, timeout) = self
            .barrier
            .changed
            .wait_timeout_while(state, PATIENCE, |state| !state.is_reached)
            .unwrap_or_else(PoisonError::into_inner);
        assert!(!timeout.timed_out(), "the blocked step was never called");
    }

    /// Lets the step go on.
    pub fn open(&self) {
        self.barrier.lock().is_open = true;
        self.barrier.changed.notify_all();
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.open();
    }
}
