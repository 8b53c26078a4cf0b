//! `meritline demo`: a whole company at work in one process, for a newcomer's first look.

pub mod call_script;
pub mod chance;
pub mod company;
pub mod crm;
pub mod hooks;
mod loopback;
pub mod traffic;
pub mod workspace_text;
