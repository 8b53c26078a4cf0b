//! The core of distribution: what holds for every input, and worked examples.

mod availability;
mod days;
mod fairness;
mod nested_groups;
mod order;
mod other_rules;
mod personal_manager;
mod route_match;
mod selection;
mod stages;
