//! The native dialect against its published schemas, and what it refuses.

use meritline::integration::pbx::{CALL_EVENT_SCHEMA, DECISION_REQUEST_SCHEMA, DECISION_SCHEMA, HookFault, HookKind};
use serde_json::{Value, json};

use super::support::{Sent, dialect};

fn refused(body: &str) -> HookFault {
    Sent::json("decision", body).ask(|hook| dialect("pbx/native").decode_decision(hook, "RU")).unwrap_err()
}

/// Each row: what is sent, the code, the field at fault. From the contract in `schemas/`.
#[test]
fn wrong_questions_are_told_by_code_and_field() {
    let rows = [
        (r#"{"called":"+74951112233"}"#, "missing_field", Some("/call_id")),
        (r#"{"call_id":"c-1"}"#, "missing_field", Some("/called")),
        (r#"{"call_id":null,"called":"+74951112233"}"#, "wrong_type", Some("/call_id")),
        (r#"{"call_id":1001,"called":"+74951112233"}"#, "wrong_type", Some("/call_id")),
        (r#"{"call_id":"","called":"+74951112233"}"#, "wrong_value", Some("/call_id")),
        (r#"{"call_id":"c-1","called":["+74951112233"]}"#, "wrong_type", Some("/called")),
        (r#"{"call_id":"c-1","called":"1","caller":79161234567}"#, "wrong_type", Some("/caller")),
        (r#"{"call_id":"c-1","called":"1","scenario":{}}"#, "wrong_type", Some("/scenario")),
        (r#"{"call_id":"c-1","called":"1","operation":true}"#, "wrong_type", Some("/operation")),
        (r#"{"call_id":"c-1","called":"1","attempt":"1"}"#, "wrong_type", Some("/attempt")),
        (r#"{"call_id":"c-1","called":"1","attempt":1.5}"#, "wrong_type", Some("/attempt")),
        (r#"{"call_id":"c-1","called":"1","attempt":0}"#, "wrong_value", Some("/attempt")),
        (r#"{"call_id":"c-1","called":"1","attempt":-1}"#, "wrong_value", Some("/attempt")),
        (r#"{"call_id":"c-1","called":"1","attempt":99999999999999999999999}"#, "wrong_value", Some("/attempt")),
        (r#"{"call_id":"c-1","called":"1","exclude":"anna"}"#, "wrong_type", Some("/exclude")),
        (r#"{"call_id":"c-1","called":"1","exclude":["anna",null]}"#, "wrong_type", Some("/exclude/1")),
        (r#"{"call_id":"c-1","called":"1","at":1763881200}"#, "wrong_type", Some("/at")),
        (r#"{"call_id":"c-1","called":"1","at":"2026-11-23T10:00:00"}"#, "wrong_value", Some("/at")),
        (r#"{"call_id":"c-1","called":"1","at":"yesterday"}"#, "wrong_value", Some("/at")),
        (r#"{"call_id":"c-1","called":"1","called":"2"}"#, "duplicate_field", Some("called")),
        (r#"{"call_id":"c-1","call\u005fid":"c-2","called":"1"}"#, "duplicate_field", Some("call_id")),
        (r#"[]"#, "wrong_type", Some("/")),
        (r#""c-1""#, "wrong_type", Some("/")),
        (r#"null"#, "wrong_type", Some("/")),
        ("", "malformed_json", None),
        ("{", "malformed_json", None),
        (r#"{"call_id":"c-1","called":"1"} {}"#, "malformed_json", None),
        (r#"{'call_id':'c-1'}"#, "malformed_json", None),
        ("call_id=c-1&called=1", "malformed_json", None),
    ];
    for (body, code, field) in rows {
        let fault = refused(body);
        assert_eq!((fault.code(), fault.field()), (code, field), "{body}: {fault}");
        assert!(matches!(fault.status(), 400 | 422), "{body}");
    }
}

#[test]
fn texts_never_repeat_what_was_sent() {
    for body in [
        r#"{"call_id":"c-1","called":"1","caller":79161234567}"#,
        r#"{"call_id":"c-1","called":"1","at":"+79161234567"}"#,
        r#"{"call_id":"c-1","caller":"+79161234567" "called":"1"}"#,
        r#"{"call_id":["+79161234567"]}"#,
    ] {
        let text = refused(body).to_string();
        assert!(!text.contains("9161234567"), "{text}");
    }
}

#[test]
fn integers_may_be_written_with_a_fraction_of_zero() {
    // JSON Schema 2020-12, 6.1.1: any number with a zero fractional part is an integer.
    let body = r#"{"call_id":"c-1","called":"1","attempt":2.0}"#;
    let question = Sent::json("decision", body).ask(|hook| dialect("pbx/native").decode_decision(hook, "RU")).unwrap();
    assert_eq!(question.request.attempt, Some(2));
}

#[test]
fn nulls_stand_for_absent_fields() {
    let body = r#"{"call_id":"c-1","called":"1","caller":null,"scenario":null,"operation":null,"attempt":null,"exclude":null,"at":null}"#;
    let question = Sent::json("decision", body).ask(|hook| dialect("pbx/native").decode_decision(hook, "RU")).unwrap();
    let bare =
        Sent::json("decision", r#"{"call_id":"c-1","called":"1"}"#).ask(|hook| dialect("pbx/native").decode_decision(hook, "RU"));
    assert_eq!(Ok(question), bare);
}

#[test]
fn paths_methods_and_media_types_are_checked() {
    let native = dialect("pbx/native");
    let kind = |rest: &str| Sent { authorization: Some("Bearer s"), ..Sent::json(rest, "{}") }.ask(|hook| native.classify(hook));
    assert_eq!(kind("decision"), Ok(HookKind::Decision));
    assert_eq!(kind("/events/"), Ok(HookKind::Events));
    assert_eq!(kind("").unwrap_err().code(), "unknown_path");
    assert_eq!(kind("decisions").unwrap_err().status(), 404);

    let body = r#"{"call_id":"c-1","called":"1"}"#;
    let sent = Sent::json("decision", body);
    let code = |sent: Sent<'_>| sent.ask(|hook| native.decode_decision(hook, "RU")).map_err(|fault| fault.code());
    assert_eq!(code(Sent { method: "GET", ..sent }).unwrap_err(), "bad_method");
    for media in ["application/xml", "multipart/form-data; boundary=x", "text/html"] {
        assert_eq!(code(Sent { content_type: Some(media), ..sent }).unwrap_err(), "unsupported_media_type", "{media}");
    }
    for media in [
        None,
        Some("application/json; charset=utf-8"),
        Some("application/vnd.pbx+json"),
        Some("text/plain"),
        Some("APPLICATION/JSON"),
    ] {
        assert!(code(Sent { content_type: media, ..sent }).is_ok(), "{media:?}");
    }
}

#[test]
fn the_secret_is_taken_from_its_places_and_from_nowhere_else() {
    let presented = |integration: &str, authorization, rest, query| {
        let sent = Sent { authorization, rest, query, ..Sent::json("", "{}") };
        sent.ask(|hook| dialect(integration).credentials(hook).map(|secret| secret.into_owned()))
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(presented("pbx/native", Some("Bearer s3"), "decision", ""), some("s3"));
    assert_eq!(presented("pbx/native", Some("bearer  s3 "), "decision", ""), some("s3"));
    assert_eq!(presented("pbx/native", Some("Basic czM6"), "decision", ""), None);
    assert_eq!(presented("pbx/native", Some("Bearer "), "decision", ""), None);
    assert_eq!(presented("pbx/native", None, "decision", "token=a%2Bb"), some("a+b"));
    assert_eq!(presented("pbx/uis", None, "s3", ""), some("s3"));
    assert_eq!(presented("pbx/uis", None, "s3/events", ""), some("s3"));
    assert_eq!(presented("pbx/uis", None, "events", ""), None, "a hook's own name is no secret");
    assert_eq!(presented("pbx/uis", Some("Bearer s3"), "", ""), None, "this dialect's PBX sends no headers");
    assert_eq!(presented("pbx/exolve", None, "", "token=&x=1"), None);
}

#[test]
fn a_thousand_events_are_taken_and_one_more_is_not() {
    let event = r#"{"event_id":"e","call_id":"c","type":"started","at":"2026-11-23T10:00:00Z"}"#;
    let native = dialect("pbx/native");
    let decode = |count: usize| {
        let body = format!("[{}]", vec![event; count].join(","));
        Sent::json("events", &body).ask(|hook| native.decode_events(hook))
    };
    assert_eq!(decode(1000).unwrap().events.len(), 1000);
    let fault = decode(1001).unwrap_err();
    assert_eq!(fault, HookFault::TooManyEvents { found: 1001, limit: 1000 });
    assert_eq!(decode(0).unwrap().events.len(), 0);
}

/// Each row: one item of an array, and the code it is refused with while its neighbours are taken.
#[test]
fn an_event_is_refused_alone() {
    let good = r#"{"event_id":"e-1","call_id":"c-1","type":"started","at":"2026-11-23T10:00:00Z"}"#;
    let rows = [
        ("7", "wrong_type"),
        ("[]", "wrong_type"),
        ("null", "wrong_type"),
        (r#"{"call_id":"c-1","type":"started","at":"2026-11-23T10:00:00Z"}"#, "missing_field"),
        (r#"{"event_id":"e","call_id":"c-1","at":"2026-11-23T10:00:00Z"}"#, "missing_field"),
        (r#"{"event_id":"e","call_id":"c-1","type":"started"}"#, "missing_field"),
        (r#"{"event_id":"e","type":"started","at":"2026-11-23T10:00:00Z"}"#, "missing_field"),
        (r#"{"event_id":7,"call_id":"c-1","type":"started","at":"2026-11-23T10:00:00Z"}"#, "wrong_type"),
        (r#"{"event_id":"e","call_id":"c-1","type":"started","at":"23.11.2026"}"#, "wrong_value"),
        (r#"{"event_id":"e","call_id":"c-1","type":"ended","talk_seconds":-1,"at":"2026-11-23T10:00:00Z"}"#, "wrong_value"),
        (r#"{"event_id":"e","call_id":"c-1","type":"ended","talk_seconds":604801,"at":"2026-11-23T10:00:00Z"}"#, "wrong_value"),
        (r#"{"event_id":"e","call_id":"c-1","type":"started","direction":"up","at":"2026-11-23T10:00:00Z"}"#, "wrong_value"),
        (r#"{"event_id":"e","type":"agent_state","agent":"anna","at":"2026-11-23T10:00:00Z"}"#, "missing_field"),
        (r#"{"event_id":"e","type":"agent_state","state":"away","at":"2026-11-23T10:00:00Z"}"#, "missing_field"),
        (r#"{"event_id":"e","type":"agent_state","agent":"anna","state":"asleep","at":"2026-11-23T10:00:00Z"}"#, "wrong_value"),
        (r#"{"event_id":"e","event_id":"f","call_id":"c-1","type":"started","at":"2026-11-23T10:00:00Z"}"#, "duplicate_field"),
    ];
    for (item, code) in rows {
        let body = format!("[{good},{item},{good}]");
        let decoded = Sent::json("events", &body).ask(|hook| dialect("pbx/native").decode_events(hook)).unwrap();
        assert!(decoded.events[0].is_ok() && decoded.events[2].is_ok(), "{item}");
        let fault = decoded.events[1].as_ref().unwrap_err();
        assert_eq!((fault.index, fault.code), (1, code), "{item}: {fault}");
    }
}

fn validator(schema: &str) -> jsonschema::Validator {
    jsonschema::options().with_draft(jsonschema::Draft::Draft202012).build(&serde_json::from_str(schema).unwrap()).unwrap()
}

fn sample(path: &str) -> String {
    std::fs::read_to_string(format!("{}/integrations/pbx/native/samples/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn body(text: &str) -> Value {
    serde_json::from_str(text.split_once("\n\n").unwrap().1).unwrap()
}

/// What the samples send and what they are answered keep the published schemas.
#[test]
fn samples_keep_the_published_schemas() {
    for schema in [DECISION_REQUEST_SCHEMA, DECISION_SCHEMA, CALL_EVENT_SCHEMA] {
        assert!(jsonschema::draft202012::meta::is_valid(&serde_json::from_str(schema).unwrap()));
    }
    for case in ["ordinary", "withheld", "retry", "unknown_number", "overload", "reject", "branch", "callback"] {
        assert!(validator(DECISION_REQUEST_SCHEMA).is_valid(&body(&sample(&format!("{case}/hook.http")))), "{case}");
        let reply = body(&sample(&format!("{case}/reply.http")));
        let faults: Vec<String> = validator(DECISION_SCHEMA).iter_errors(&reply).map(|error| error.to_string()).collect();
        assert!(faults.is_empty(), "{case}: {faults:?}");
    }
    for event in body(&sample("events_of_each_kind/hook.http")).as_array().unwrap() {
        assert!(validator(CALL_EVENT_SCHEMA).is_valid(event), "{event}");
    }
    assert!(!validator(DECISION_SCHEMA).is_valid(&json!({"targets": []})));
}

/// The contract's own order of names.
#[test]
fn the_answer_has_the_names_of_the_contract_in_its_order() {
    let reply = body(&sample("ordinary/reply.http"));
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(names(&reply), "decision_id call_id attempt reason targets fallback caller scores_age_seconds degraded outcome");
    assert_eq!(names(&reply["targets"][0]), "agent name stage share ring_seconds numbers");
    assert_eq!(names(&reply["targets"][0]["numbers"][0]), "kind value");
    assert_eq!(names(&reply["caller"]), "known name responsible url");
}
