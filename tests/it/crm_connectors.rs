//! CRM connectors.
