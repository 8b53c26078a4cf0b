//! The published contract as a judge of real replies: `openapi.yaml` and the schemas beside it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    serde_saphyr::from_str(meritline::http::operations::OPENAPI_YAML).expect("openapi.yaml is not YAML: run with UPDATE=1")
});

static VALIDATORS: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);

/// A file of the repository.
pub(crate) fn file(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The documented operation that serves a request: its path as documented, and its description.
fn operation(method: &str, path: &str) -> Option<(&'static str, &'static Value)> {
    let asked: Vec<&str> = path.split('/').collect();
    let paths = DOCUMENT["paths"].as_object()?;
    let fits = |template: &str| {
        let parts: Vec<&str> = template.split('/').collect();
        parts.len() == asked.len() && parts.iter().zip(&asked).all(|(part, asked)| part.starts_with('{') || part == asked)
    };
    let (template, item) = paths.iter().find(|(template, _)| fits(template))?;
    Some((template, item.get(method.to_ascii_lowercase())?))
}

/// Fails the test when a reply is not what the contract says.
pub(crate) fn check_reply(method: &str, path: &str, status: u16, media_type: &str, body: &[u8]) {
    let at = format!("{method} {path} -> {status} {media_type}");
    let Some((template, operation)) = operation(method, path) else {
        assert!(status >= 400, "{at}: served, but not documented");
        return check_problem(&at, status, media_type, body);
    };
    let responses = &operation["responses"];
    let response = responses.get(status.to_string()).or_else(|| responses.get("default"));
    let response = response.unwrap_or_else(|| panic!("{at}: this status is not documented for {template}"));
    let contents = response["content"].as_object().unwrap_or_else(|| panic!("{at}: no content is documented"));
    let kind = media_type.split(';').next().unwrap_or_default();
    let content = contents.get(kind).unwrap_or_else(|| panic!("{at}: documented are {:?}", contents.keys().collect::<Vec<_>>()));
    if status >= 400 && kind == "application/problem+json" {
        return check_problem(&at, status, media_type, body);
    }
    if kind == "application/json" {
        judge(&at, &format!("{method} {template} {status}"), &content["schema"], body);
    }
}

fn check_problem(at: &str, status: u16, media_type: &str, body: &[u8]) {
    assert_eq!(media_type, "application/problem+json", "{at}: not a problem: {}", String::from_utf8_lossy(body));
    judge(at, "problem", &json!({"$ref": "#/components/schemas/Problem"}), body);
    judge(at, "problem.schema.json", &json!({"$ref": "schemas/problem.schema.json"}), body);
    let problem: Value = serde_json::from_slice(body).unwrap();
    assert_eq!(problem["status"], status, "{at}: the problem names another status");
    let code = problem["code"].as_str().unwrap();
    assert_eq!(problem["type"], format!("urn:meritline:problem:{code}"), "{at}");
    assert!(!problem["detail"].as_str().unwrap().is_empty(), "{at}: a problem without a word on what to do");
}

fn judge(at: &str, key: &str, schema: &Value, body: &[u8]) {
    let value: Value = serde_json::from_slice(body).unwrap_or_else(|error| panic!("{at}: not JSON: {error}"));
    let validator = validator(key, schema);
    let faults: Vec<String> =
        validator.iter_errors(&value).map(|fault| format!("  at `{}`: {fault}", fault.instance_path())).collect();
    assert!(faults.is_empty(), "{at}: the reply is not what the contract says:\n{}\n{value:#}", faults.join("\n"));
}

fn validator(key: &str, schema: &Value) -> Arc<Validator> {
    let mut known = VALIDATORS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    Arc::clone(known.entry(key.to_owned()).or_insert_with(|| {
        let whole = match schema["$ref"].as_str().filter(|to| to.starts_with("schemas/")) {
            Some(path) => serde_json::from_str(&std::fs::read_to_string(file(path)).unwrap()).unwrap(),
            None => standing_alone(schema),
        };
        Arc::new(jsonschema::draft202012::new(&whole).unwrap_or_else(|error| panic!("{key}: no schema: {error}")))
    }))
}

/// A schema of the document with everything it may refer to.
fn standing_alone(schema: &Value) -> Value {
    let mut whole = Map::new();
    whole.insert("$defs".to_owned(), DOCUMENT["components"]["schemas"].clone());
    whole.insert("allOf".to_owned(), json!([schema]));
    let mut whole = Value::Object(whole);
    refer_inside(&mut whole);
    whole
}

fn refer_inside(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(to)) = fields.get_mut("$ref") {
                *to = to.replace("#/components/schemas/", "#/$defs/");
            }
            fields.values_mut().for_each(refer_inside);
        }
        Value::Array(items) => items.iter_mut().for_each(refer_inside),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
