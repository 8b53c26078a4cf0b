//! CRM connectors: manifests with samples, real figures, and everything a CRM can do to us.

mod breaker;
mod http;
mod real_figures;
mod samples;
mod settings;
