//! containerd's messages, services and their clients (containerd API 1.x), made by `cargo xtask generate` from `proto/`.
#![allow(
    missing_docs,
    missing_debug_implementations,
    clippy::all,
    reason = "the code is a program's"
)]

pub mod types {
    include!("proto/containerd.types.rs");
}

pub mod services {
    pub mod snapshots {
        pub mod v1 {
            include!("proto/containerd.services.snapshots.v1.rs");
        }
    }
    pub mod diff {
        pub mod v1 {
            include!("proto/containerd.services.diff.v1.rs");
        }
    }
    pub mod leases {
        pub mod v1 {
            include!("proto/containerd.services.leases.v1.rs");
        }
    }
    pub mod content {
        pub mod v1 {
            include!("proto/containerd.services.content.v1.rs");
        }
    }
}

pub use services::content::v1 as content;
pub use services::diff::v1 as diff;
pub use services::leases::v1 as leases;
pub use services::snapshots::v1 as snapshots;
