//! Meritline: answers a PBX in mid-call whom to ring, in which order, by performance-weighted percentage distribution.
//!
//! Start with `ARCHITECTURE.md`. Dependencies point one way:
//! `core <- broker <- {integration, workspace_file, store, outbound, http} <- service <- {demo, cli} <- main`;
//! `core <- workspace_file <- simulation_file <- cli` and `core <- report <- cli` beside it.

pub mod broker;
pub mod cli;
pub mod config;
pub mod core;
pub mod demo;
pub mod http;
pub mod integration;
pub mod outbound;
pub mod report;
pub mod service;
pub mod simulation_file;
pub mod store;
pub mod telemetry;
pub mod workspace_file;
