//! The overload guard: who is eased, who rests, where calls go then.

mod all_stopped;
mod arithmetic;
mod brute_force;
mod files;
mod floor;
mod fold;
mod readings;
mod stops;
mod team;
mod weights;
mod wire;
