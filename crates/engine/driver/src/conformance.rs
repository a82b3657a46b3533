//! What every engine must be able to do, as cases that run against a [`Driver`] over it.
//!
//! The cases are those of moby's `graphtest` in terms of Windows layers, and the driver's own rules where they need an
//! engine to show. Left out is what Windows does not have (modes, owners) and quotas, which not every engine enforces.
//!
//! A case works below the path that [`Driver::get`] returns through a [`Volume`]; for engines whose mounts are folders
//! that is [`PlainFolder`]. Each case uses ids of its own that begin with `case-` and removes its layers.
//!
//! ```
//! use transom_driver::conformance::{self, PlainFolder};
//! use transom_driver::{Driver, Exports, memory::MemoryEngine};
//!
//! let driver = Driver::open(MemoryEngine::new(Exports::Unprepared))?;
//! for (name, case) in conformance::cases() {
//!     println!("{name}");
//!     case(&driver, &PlainFolder);
//! }
//! # Ok::<(), transom_driver::DriverError>(())
//! ```
//!
//! # Panics
//! A case that fails panics, and says what it expected.

mod building;
mod cases;
mod volume;

pub use cases::{
    changes_list_what_was_added_modified_and_deleted, each_step_of_a_history_lists_its_changes,
    files_of_a_layer_open_by_their_names_in_the_tar, layers_exist_until_they_are_removed,
    the_bottom_of_a_deep_stack_is_read, the_diff_of_a_layer_makes_the_same_layer_elsewhere,
    the_diff_of_a_mounted_layer_leaves_it_mounted, what_is_in_use_is_not_removed,
    writable_layers_show_their_parent_and_keep_what_is_written,
};
pub use volume::{Contents, PlainFolder, Volume};

use crate::{Driver, Engine};

/// A case: it panics if the engine fails it.
pub type Case<E, V> = fn(&Driver<E>, &V);

/// Returns all cases with their names.
pub fn cases<E: Engine, V: Volume>() -> Vec<(&'static str, Case<E, V>)> {
    macro_rules! named {
        ($($case:ident),* $(,)?) => { vec![$((stringify!($case), $case as Case<E, V>)),*] };
    }
    named![
        layers_exist_until_they_are_removed,
        writable_layers_show_their_parent_and_keep_what_is_written,
        the_bottom_of_a_deep_stack_is_read,
        the_diff_of_a_layer_makes_the_same_layer_elsewhere,
        changes_list_what_was_added_modified_and_deleted,
        each_step_of_a_history_lists_its_changes,
        the_diff_of_a_mounted_layer_leaves_it_mounted,
        files_of_a_layer_open_by_their_names_in_the_tar,
        what_is_in_use_is_not_removed,
    ]
}
