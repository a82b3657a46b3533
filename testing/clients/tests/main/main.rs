//! Real programs that use Transom.
#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]

/// Makes tests of functions that take the name of a suite: a module of them for each suite.
macro_rules! tests_with {
    ($($module:ident: $suite:literal),* => $names:tt) => {
        $(
            mod $module {
                tests_with!($suite, $names);
            }
        )*
    };
    ($suite:literal, { $($name:ident,)* }) => {
        $(
            #[test]
            fn $name() {
                super::$name($suite);
            }
        )*
    };
}

mod archive;
mod containerd;
mod docker;
mod graphdriver;
mod image_store;
mod mounts;
mod process;
mod registry;
mod snapshotter;
mod suite;
mod systemd;
mod transom;
