//! The manifests that come with the program, embedded when it is built.

include!(concat!(env!("OUT_DIR"), "/embedded_manifests.rs"));
