//! Bringing a policy in: observed first, then for a part of the calls or in an experiment's blocks; the brake; and what a policy is
//! proved to bring.

mod answers;
mod attribution;
mod brake;
mod experiment_api;
mod proof;
mod schedule;
mod settings;
