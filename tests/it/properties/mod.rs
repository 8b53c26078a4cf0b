//! Properties of the arithmetic that hold for every input.

mod fairness;
mod order;
mod selection;
