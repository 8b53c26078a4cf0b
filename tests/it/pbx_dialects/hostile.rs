//! Whatever strangers send, every dialect answers with a value: no panic, no endless work.

use meritline::integration::pbx::{Dialect, HookKind};
use proptest::prelude::*;

use super::support::{Sent, dialect};

const DIALECTS: [&str; 3] = ["pbx/native", "pbx/uis", "pbx/exolve"];

/// Puts a hook through everything the engine does with one.
fn exercise(dialect: &Dialect, sent: &Sent<'_>) {
    sent.ask(|hook| {
        let _ = dialect.credentials(hook);
        let _ = dialect.classify(hook);
        let decision = dialect.decode_decision(hook, "RU");
        let events = dialect.decode_events(hook);
        for fault in [decision.err(), events.err()].into_iter().flatten() {
            assert!(!fault.to_string().is_empty() && !fault.code().is_empty());
        }
        if let Some(reply) = dialect.safe_answer(hook, Some("+74951112200")) {
            assert!(serde_json::from_slice::<serde_json::Value>(&reply.body).is_ok());
        }
    });
}

#[test]
fn crafted_bodies_are_refused_calmly() {
    let deep_array = "[".repeat(100_000);
    let deep_object = r#"{"params":"#.repeat(50_000);
    let deep_inside = format!(r#"{{"call_id":"c","called":"1","x":{}1{}}}"#, "[".repeat(500), "]".repeat(500));
    let many_names = format!("{{{}\"z\":1}}", (0..20_000).map(|i| format!("\"n{i}\":0,")).collect::<String>());
    let bodies: Vec<Vec<u8>> = vec![
        deep_array.into_bytes(),
        deep_object.into_bytes(),
        deep_inside.into_bytes(),
        many_names.into_bytes(),
        b"\xff\xfe{\"call_id\":1}".to_vec(),
        b"{\"call_id\":\"\xc3\x28\",\"called\":\"1\"}".to_vec(),
        b"{\"call_id\":\"\\ud800\",\"called\":\"1\"}".to_vec(),
        b"{\"call_id\":\"c\\u0000\",\"called\":\"\\u202e\"}".to_vec(),
        br#"{"$serde_json::private::Number":"1","call_id":"c","called":"1"}"#.to_vec(),
        br#"{"$serde_json::private::Number":"not a number"}"#.to_vec(),
        br#"{"$serde_json::private::RawValue":"{"}"#.to_vec(),
        br#"{"call_id":"c","called":"1","attempt":1e999999}"#.to_vec(),
        br#"{"call_id":"c","called":"1","attempt":-0.0}"#.to_vec(),
        b"call_session_id=%ff%fe&numa=%00&numb=%".to_vec(),
        b"\xef\xbb\xbf{}".to_vec(),
        vec![b' '; 4096],
    ];
    for name in DIALECTS {
        let dialect = dialect(name);
        for body in &bodies {
            for (rest, content_type) in
                [("decision", Some("application/json")), ("events", None), ("", Some("application/x-www-form-urlencoded"))]
            {
                exercise(&dialect, &Sent { content_type, ..Sent::json(rest, body) });
            }
        }
    }
}

#[test]
fn nesting_and_broken_text_are_malformed() {
    let native = dialect("pbx/native");
    let nested = format!(r#"{{"call_id":"c","called":"1","x":{}{}}}"#, "[".repeat(200), "]".repeat(200));
    for body in [nested.as_bytes(), b"{\"call_id\":\"\xc3\x28\",\"called\":\"1\"}", b"\xff"] {
        let fault = Sent::json("decision", body).ask(|hook| native.decode_decision(hook, "RU")).unwrap_err();
        assert_eq!(fault.code(), "malformed_json", "{fault}");
        let fault = Sent::json("events", body).ask(|hook| native.decode_events(hook));
        let code = fault.map(|decoded| decoded.events[0].as_ref().unwrap_err().code).unwrap_or_else(|fault| fault.code());
        assert_eq!(code, "malformed_json");
    }
}

#[test]
fn too_many_foreign_events_are_refused() {
    let body = format!("[{}]", vec![r#"{"type":"b","call_sid":"s"}"#; 1001].join(","));
    let fault = Sent::json("events", &body).ask(|hook| dialect("pbx/exolve").decode_events(hook)).unwrap_err();
    assert_eq!(fault.code(), "too_many_events");
}

/// JSON whose names are those the dialects look for, with values of any kind.
fn plausible() -> impl Strategy<Value = String> {
    let names = prop::sample::select(vec![
        "call_id",
        "called",
        "caller",
        "attempt",
        "exclude",
        "at",
        "event_id",
        "type",
        "agent",
        "state",
        "talk_seconds",
        "numa",
        "numb",
        "call_session_id",
        "notification_name",
        "notification_time",
        "employee_ids",
        "employee_id",
        "method",
        "params",
        "event",
        "call_sid",
        "date_time",
        "id",
    ]);
    let texts = prop::sample::select(vec![
        "started",
        "b",
        "Потерянный звонок",
        "getControlCallFollowMe",
        "2026-11-23 10:00:05",
        "[1,2",
        "agent_state",
    ]);
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|truth| truth.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_filter("JSON has no infinity", |number| number.is_finite()).prop_map(|number| format!("{number:e}")),
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
        texts.prop_map(|text| serde_json::to_string(text).unwrap()),
    ];
    leaf.prop_recursive(3, 24, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((names.clone(), inner), 0..6).prop_map(|fields| {
                let fields: Vec<String> = fields.into_iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_bytes_make_a_decoder_panic(
        body in prop::collection::vec(any::<u8>(), 0..300),
        rest in ".{0,40}",
        query in ".{0,60}",
        media in prop::option::of(".{0,30}"),
        authorization in prop::option::of(".{0,30}"),
        post in any::<bool>(),
    ) {
        for name in DIALECTS {
            let sent = Sent {
                method: if post { "POST" } else { "GET" }, rest: &rest, query: &query, authorization: authorization.as_deref(),
                content_type: media.as_deref(), body: &body,
            };
            exercise(&dialect(name), &sent);
        }
    }

    #[test]
    fn no_plausible_json_makes_a_decoder_panic(body in plausible()) {
        for name in DIALECTS {
            exercise(&dialect(name), &Sent::json("decision", &body));
        }
    }

    /// Reading has no memory: the same bytes read the same.
    #[test]
    fn reading_is_repeatable(body in plausible()) {
        for name in DIALECTS {
            let dialect = dialect(name);
            let once = Sent::json("events", &body).ask(|hook| (dialect.decode_decision(hook, "RU"), dialect.decode_events(hook)));
            let twice = Sent::json("events", &body).ask(|hook| (dialect.decode_decision(hook, "RU"), dialect.decode_events(hook)));
            prop_assert_eq!(once, twice);
        }
    }
}

#[test]
fn a_secret_in_the_path_does_not_hide_the_hook() {
    let uis = dialect("pbx/uis");
    let kind = |rest: &'static str, query: &'static str| Sent { query, ..Sent::json(rest, "{}") }.ask(|hook| uis.classify(hook));
    assert_eq!(kind("", "token=s"), Ok(HookKind::Decision));
    assert_eq!(kind("s3", ""), Ok(HookKind::Decision));
    assert_eq!(kind("s3/decision", ""), Ok(HookKind::Decision));
    assert_eq!(kind("s3/events", ""), Ok(HookKind::Events));
    assert_eq!(kind("events", "token=s"), Ok(HookKind::Events));
    assert_eq!(kind("s3/what", "").unwrap_err().code(), "unknown_path");
    assert_eq!(kind("s3", "token=s").unwrap_err().code(), "unknown_path", "the secret is in the query, so this is no secret");
}
