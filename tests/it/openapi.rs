//! The API document is what the handlers say, whole, and committed.

use std::collections::BTreeSet;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::Value;

use crate::support::contract;
use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::TestService;

fn generated() -> Value {
    let text = meritline::http::router::document().to_json().unwrap();
    serde_json::from_str(&text).unwrap()
}

/// JSON as YAML writes it: numbers are plain numbers.
struct Plain<'a>(&'a Value);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(flag) => serializer.serialize_bool(*flag),
            Value::Number(number) => match number.as_i64() {
                Some(whole) => serializer.serialize_i64(whole),
                None => serializer.serialize_f64(number.as_f64().unwrap()),
            },
            Value::String(text) => serializer.serialize_str(text),
            Value::Array(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| list.serialize_element(&Plain(item)))?;
                list.end()
            }
            Value::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                fields.iter().try_for_each(|(name, value)| map.serialize_entry(name, &Plain(value)))?;
                map.end()
            }
        }
    }
}

/// Every place where two documents differ, as JSON Pointers.
fn differences(at: &str, committed: &Value, generated: &Value, found: &mut Vec<String>) {
    match (committed, generated) {
        (Value::Object(left), Value::Object(right)) => {
            let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
            for name in names {
                let (left, right) = (left.get(name).unwrap_or(&Value::Null), right.get(name).unwrap_or(&Value::Null));
                differences(&format!("{at}/{}", name.replace('/', "~1")), left, right, found);
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (position, (left, right)) in left.iter().zip(right).enumerate() {
                differences(&format!("{at}/{position}"), left, right, found);
            }
        }
        (Value::Number(left), Value::Number(right)) if left.as_f64() == right.as_f64() => {}
        (left, right) if left == right => {}
        (left, right) => found.push(format!("{at}: committed {left}, generated {right}")),
    }
}

#[test]
fn the_committed_document_is_the_one_the_handlers_describe() {
    let (path, generated) = (contract::file("openapi.yaml"), generated());
    if std::env::var_os("UPDATE").is_some() {
        let text = serde_saphyr::to_string(&Plain(&generated)).unwrap();
        std::fs::write(
            &path,
            format!("# Generated from the handlers in src/http: edit those, then run this test with UPDATE=1.\n{text}"),
        )
        .unwrap();
    }
    let committed: Value = serde_saphyr::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let mut found = Vec::new();
    differences("", &committed, &generated, &mut found);
    assert!(
        found.is_empty(),
        "openapi.yaml is not what the handlers describe; write it anew with UPDATE=1:\n{}",
        found.join("\n")
    );
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(value: &Value, document: &Value) {
        match value {
            Value::Object(fields) => {
                if let Some(to) = fields.get("$ref").and_then(Value::as_str) {
                    match to.strip_prefix('#') {
                        Some(pointer) => assert!(document.pointer(pointer).is_some(), "{to} is not in the document"),
                        None => assert!(contract::file(to).is_file(), "{to} is not a file beside the document"),
                    }
                }
                fields.values().for_each(|value| walk(value, document));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, document)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    walk(&generated(), &generated());
}

#[test]
fn bodies_of_hooks_are_the_published_schemas() {
    let document = generated();
    let refers = |pointer: &str| document.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let decision = "/paths/~1hooks~1{workspace}~1{connection}~1decision/post";
    let events = "/paths/~1hooks~1{workspace}~1{connection}~1events/post";
    let body = "requestBody/content/application~1json/schema/$ref";
    assert_eq!(refers(&format!("{decision}/{body}")).as_deref(), Some("schemas/decision-request.schema.json"));
    let answer = format!("{decision}/responses/200/content/application~1json/schema/$ref");
    assert_eq!(refers(&answer).as_deref(), Some("schemas/decision.schema.json"));
    let one_or_many = document.pointer(&format!("{events}/requestBody/content/application~1json/schema")).unwrap();
    let one = serde_json::json!({"$ref": "schemas/call-event.schema.json"});
    assert_eq!(one_or_many["oneOf"][0], one);
    assert_eq!(one_or_many["oneOf"][1]["items"], one);
    assert_eq!(one_or_many["oneOf"][1]["maxItems"].as_u64(), Some(1000));
}

#[test]
fn every_operation_says_what_it_does_and_how_it_fails() {
    let document = generated();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let at = format!("{method} {path}");
            let said = operation["summary"].as_str().or(operation["description"].as_str()).unwrap_or_default();
            assert!(!said.is_empty(), "{at}: says nothing");
            assert!(operation["responses"].get("200").is_some(), "{at}: no success is described");
            if path.starts_with("/api/") || path.starts_with("/hooks/") {
                let problem = &operation["responses"]["default"]["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(problem, "#/components/schemas/Problem", "{at}");
            } else {
                assert_eq!(operation["security"], serde_json::json!([{}]), "{at}: asks for no token, so says it");
            }
            for part in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
                let parameters = operation["parameters"].as_array().unwrap_or_else(|| panic!("{at}: no parameters"));
                let named = parameters.iter().any(|parameter| parameter["name"] == part && parameter["in"] == "path");
                assert!(named, "{at}: `{part}` is not described");
            }
        }
    }
}

/// What the source routes is what the document describes: every documented path answers, and nothing else does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_documented_path_is_served_and_every_served_path_is_documented() {
    let service = TestService::of(SampleWorkspace::one_group("acme", &["anna"]).build()).await;
    let documented = generated();
    for (path, item) in documented["paths"].as_object().unwrap() {
        let concrete =
            path.replace("{workspace}", "acme").replace("{connection}", "pbx").replace("{schema}", "decision.schema.json");
        let concrete: String =
            concrete.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect::<Vec<_>>().join("/");
        for method in item.as_object().unwrap().keys() {
            let expected = if concrete.starts_with("/api/") || concrete.starts_with("/hooks/") { 401 } else { 200 };
            service.client.call(&method.to_uppercase(), &concrete).expect(expected).await;
        }
    }
    // Nothing is routed outside the described router; hooks, which the native dialect describes, never reach it.
    let router = std::fs::read_to_string(contract::file("src/http/router.rs")).unwrap();
    let plain: Vec<&str> = router.split(".route(\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(plain.is_empty(), "{plain:?}");
    let handlers = router.matches("routes!(").count();
    let operations: usize = documented["paths"].as_object().unwrap().values().map(|item| item.as_object().unwrap().len()).sum();
    assert_eq!(operations, handlers + 2, "every described handler, and the two hooks");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_and_its_schemas_are_served() {
    let service = TestService::of(SampleWorkspace::one_group("acme", &["anna"]).build()).await;
    let served = service.client.get("/openapi.yaml").expect(200).await;
    assert_eq!(served.text(), std::fs::read_to_string(contract::file("openapi.yaml")).unwrap());
    for schema in ["decision-request", "decision", "call-event", "problem"] {
        let path = format!("schemas/{schema}.schema.json");
        let served = service.client.get(&format!("/{path}")).expect(200).await;
        assert_eq!(served.text(), std::fs::read_to_string(contract::file(&path)).unwrap());
    }
    assert_eq!(service.client.get("/schemas/nothing.schema.json").expect(404).await.code(), "not_found");
}
