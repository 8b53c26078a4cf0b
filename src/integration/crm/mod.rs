//! The CRM half of the engine: runs connector manifests.
