//! A schema of the contract, compiled in: what is documented under `schemas/` is what is enforced.

use jsonschema::{Draft, Validator};
use serde_json::Value;

/// Compiles a schema of ours.
#[expect(clippy::expect_used, reason = "the schemas are part of the program; a test compiles each of them")]
pub(super) fn compile(text: &str) -> Validator {
    let schema: Value = serde_json::from_str(text).expect("an embedded schema is JSON");
    jsonschema::options().with_draft(Draft::Draft202012).build(&schema).expect("an embedded schema compiles")
}

/// All violations, each as one line with its place.
pub(super) fn violations(validator: &Validator, value: &Value) -> Vec<String> {
    validator.iter_errors(value).map(|error| format!("{}: {error}", place(error.instance_path().as_str()))).collect()
}

/// The whole document has a name too.
pub(super) fn place(pointer: &str) -> String {
    if pointer.is_empty() { "/".to_owned() } else { pointer.to_owned() }
}
