//! Loads and saves small images, whole and broken, through a store in a temporary folder.

#[path = "main/hostile.rs"]
mod hostile;
#[path = "main/load.rs"]
mod load;
#[path = "main/save.rs"]
mod save;
#[path = "main/support.rs"]
mod support;
