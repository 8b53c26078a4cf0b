//! The PBX half of the engine: runs dialect manifests.
