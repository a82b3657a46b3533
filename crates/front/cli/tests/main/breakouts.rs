//! Layers made to break out of the folder they are unpacked into, through every way in and out there is.
//!
//! Each case says what becomes of it: it is refused, with the name at fault in the message, or it is harmless,
//! with exactly the tree given here. Around everything lies a folder that must stay as it is to the last bit. The
//! names of the cases are those of the projects that know them.
//!
//! All ways in (`load`, `apply`, `pull`, containerd's Apply, Docker's ApplyDiff) are one import; `apply` and
//! ApplyDiff stand for them here. The ways out are the tree, mounts, and `cp`.

mod case;
mod links;
mod listing;
mod outside;
mod unpackers;
mod ways;
mod whiteouts;
mod windows;
