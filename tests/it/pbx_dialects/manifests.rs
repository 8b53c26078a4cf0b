//! A new phone system is a manifest: what one can say, and how mistakes in one are told.

use std::sync::Arc;

use meritline::core::agent::{Number, NumberKind};
use meritline::core::call::CallEventType;
use meritline::core::decision::{CallerCard, Decision, Reason, Stage, Target};
use meritline::integration::pbx::{AnswerContext, Dialect, HookKind, Manifest, ManifestError, PBX_MANIFEST_SCHEMA, registry};
use serde_json::{Value, json};

use super::support::{Sent, connection, received_at};

/// A phone system that does not exist: forms, one address for both hooks, its own words, an attempt.
const FORMS: &str = r#"
dialect: forms
title: A form-posting PBX
about: Asks and tells at one address; a field says which.
secret: {setting: token, at: [query]}
verify: {kind: secret}
settings:
  token: {type: secret, required: true, about: the secret}
  domain: {type: text, default: pbx.example, about: the SIP domain}
hooks:
  decision: {at: [""], methods: [POST], body: [form]}
  events: {at: [""], methods: [POST], body: [form]}
  dispatch: {field: cmd, values: {contact: decision}, otherwise: events}
decision:
  fields:
    call_id: {from: [callid]}
    caller: {from: [phone]}
    called: {from: [diversion]}
    attempt: {from: [try]}
    exclude: {from: [not]}
events:
  fields:
    event_id: {from: [uid]}
    type: {from: [type]}
    call_id: {from: [callid]}
    agent: {from: [user]}
    at: {from: [start]}
    talk_seconds: {from: [duration]}
    direction: {from: [way]}
  meanings:
    rings: {words: [INCOMING], is: offered}
    done: {words: [COMPLETED, FINISHED], is: ended}
  directions: {incoming: in, outgoing: out}
  time: {form: unix}
answer:
  phone_form: e164
  cases:
    - json:
        who: {each: "{{ targets }}", as: target, item: "sip:{{ target.number }}@{{ settings.domain }}"}
        seconds?: "{{ first.ring_seconds if first else none }}"
        note: "{{ reason }} for {{ call_id }}"
safe_answer: [{status: 503, json: {}}]
events_answer: [{json: {ok: true}}]
"#;

fn forms() -> Dialect {
    let manifest = Arc::new(Manifest::parse(FORMS).unwrap());
    Dialect::build(&connection("pbx/forms", json!({"token": "env:T"})), &manifest).unwrap()
}

fn form(body: &str) -> Sent<'_> {
    Sent { query: "token=s", content_type: Some("application/x-www-form-urlencoded"), ..Sent::json("", body) }
}

#[test]
fn one_address_can_serve_both_hooks() {
    let kind = |body| form(body).ask(|hook| forms().classify(hook));
    assert_eq!(kind("cmd=contact&callid=1"), Ok(HookKind::Decision));
    assert_eq!(kind("cmd=event&type=INCOMING"), Ok(HookKind::Events));
    assert_eq!(kind(""), Ok(HookKind::Events));
    let json = Sent { query: "token=s", ..Sent::json("", r#"{"cmd":"contact"}"#) }.ask(|hook| forms().classify(hook));
    assert_eq!(json.unwrap_err().code(), "unsupported_media_type");
}

#[test]
fn forms_are_read_field_by_field() {
    let dialect = forms();
    let read = |body| form(body).ask(|hook| dialect.decode_decision(hook, "RU"));
    let request =
        read("cmd=contact&callid=7&phone=8+916+123-45-67&diversion=%2B74951112233&try=2&not=anna,%20boris").unwrap().request;
    assert_eq!(request.call_id.as_str(), "7");
    assert_eq!(request.caller.unwrap().expose(), "+79161234567");
    assert_eq!(request.called.as_str(), "+74951112233");
    assert_eq!(request.attempt, Some(2));
    assert_eq!(request.exclude, ["anna".into(), "boris".into()]);
    assert!(dialect.tells_attempt());
    assert_eq!(read("callid=7&diversion=1&try=0").unwrap_err().field(), Some("try"));
    assert_eq!(read("callid=7&diversion=1&try=soon").unwrap_err().code(), "wrong_value");
    let long = format!("callid={}&diversion=1", "x".repeat(300));
    assert_eq!(read(&long).unwrap_err().code(), "wrong_value");
}

#[test]
fn events_of_forms_are_read_field_by_field() {
    let read = |body| form(body).ask(|hook| forms().decode_events(hook)).unwrap();
    // 1763881205 is 2025-11-23T07:00:05Z.
    let decoded = read("uid=u1&type=finished&callid=7&user=anna&start=1763881205&duration=61&way=Outgoing");
    let event = decoded.events[0].as_ref().unwrap();
    assert_eq!((event.event_id.as_str(), event.event_type), ("u1", CallEventType::Ended));
    assert_eq!(event.at.to_string(), "2025-11-23T07:00:05Z");
    assert_eq!(event.talk_seconds, Some(61));
    assert_eq!(event.direction, meritline::core::call::Direction::Out);
    assert_eq!(event.agent, Some("anna".into()));

    let untimed = read("uid=u2&type=INCOMING&callid=7");
    assert_eq!(untimed.events[0].as_ref().unwrap().at, received_at(), "without a time, the time of receipt");
    let wrong = read("uid=u3&type=INCOMING&callid=7&start=noon");
    assert_eq!(wrong.events[0].as_ref().unwrap_err().code, "wrong_value");
    assert_eq!(read("uid=u4&type=HISTORY&callid=7").unknown[0].event_type, "HISTORY");
}

fn decision(targets: Vec<Target>) -> Decision {
    Decision {
        decision_id: uuid::Uuid::nil(),
        call_id: "7".into(),
        attempt: 1,
        received_at: received_at(),
        route: None,
        outcome: None,
        passed: Vec::new(),
        reason: Reason::EqualCalls,
        targets,
        fallback: None,
        caller: CallerCard::default(),
        scores_age_seconds: None,
        degraded: Vec::new(),
    }
}

#[test]
fn answers_are_trees() {
    let dialect = forms();
    let (echo, target) = (Default::default(), |extension: &str| Target {
        agent: extension.into(),
        name: "\"quoted\" {{ injected }}".into(),
        stage: Stage::Free,
        share: 0.5,
        ring_seconds: 20,
        numbers: [Number { kind: NumberKind::Sip, value: extension.into() }].into(),
        groups: [].into(),
    });
    let context = AnswerContext { hook_url: "https://m.example/hooks/a/b", secret: None, echo: &echo };
    let answer =
        |targets| serde_json::from_slice::<Value>(&dialect.encode_decision(&decision(targets), &context).unwrap().body).unwrap();
    assert_eq!(
        answer(vec![target("101"), target("1\"2")]),
        json!({"who": ["sip:101@pbx.example", "sip:1\"2@pbx.example"], "seconds": 20, "note": "equal_calls for 7"})
    );
    assert_eq!(answer(Vec::new()), json!({"who": [], "note": "equal_calls for 7"}), "a name with `?` is left out when null");
}

/// Each row: what is replaced in a good manifest, by what, and a word that the error must hold.
#[test]
fn mistakes_in_a_manifest_are_told() {
    let rows = [
        ("verify: {kind: secret}", "verify: {kind: signed_body}", "reserved"),
        ("verify: {kind: secret}", "verify: {kind: guess}", "schema"),
        ("dialect: forms", "dialect: forms\ncolour: red", "colour"),
        ("{form: unix}", "{form: unix, zone_by: zone}", "`zone` is not declared"),
        ("setting: token, at", "setting: tokn, at", "`tokn` is not declared"),
        ("{from: [callid]}", "{from: [\"$.call[\"]}", "JSONPath"),
        ("\"{{ reason }} for {{ call_id }}\"", "\"{{ reason \"", "reason"),
        ("first.ring_seconds if first", "first.ring_seconds if", "first"),
        ("each: \"{{ targets }}\"", "each: targets", "each"),
        ("event_id: {from: [uid]}", "leg: {from: [uid]}", "id_from"),
        ("events_answer:", "# events_answer:", "events_answer"),
        ("is: offered", "is: agent_state", "schema"),
        ("methods: [POST]", "methods: [post]", "schema"),
        ("title: A form-posting PBX", "title: [", "read"),
    ];
    for (good, bad, word) in rows {
        assert!(FORMS.contains(good), "{good}");
        let error = Manifest::parse(&FORMS.replacen(good, bad, 1)).expect_err(bad).to_string();
        assert!(error.contains(word), "{bad}: {error}");
    }
    let reserved = Manifest::parse(&FORMS.replacen("kind: secret", "kind: jwt", 1)).unwrap_err();
    assert_eq!(reserved, ManifestError::ReservedVerify("jwt".to_owned()));
}

/// A name that no scope has is an error, not an empty text on somebody's phone; a loop without end is stopped.
#[test]
fn answers_that_cannot_be_written_are_errors() {
    let endless = "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}";
    for bad in ["{{ reson }} for", endless] {
        let manifest = Arc::new(Manifest::parse(&FORMS.replace("{{ reason }} for", bad)).unwrap());
        let dialect = Dialect::build(&connection("pbx/forms", json!({"token": "env:T"})), &manifest).unwrap();
        let echo = Default::default();
        let context = AnswerContext { hook_url: "https://m.example/hooks/a/b", secret: None, echo: &echo };
        assert!(dialect.encode_decision(&decision(Vec::new()), &context).is_err(), "{bad}");
        assert_eq!(form("").ask(|hook| dialect.safe_answer(hook, None)).unwrap().status, 503, "the safe answer still is there");
    }
}

/// Settings that templates see hold no secret.
#[test]
fn templates_never_see_the_secret() {
    let manifest = Arc::new(Manifest::parse(&FORMS.replace("{{ reason }} for", "{{ settings.token }} for")).unwrap());
    let dialect = Dialect::build(&connection("pbx/forms", json!({"token": "env:T"})), &manifest).unwrap();
    let echo = Default::default();
    let context = AnswerContext { hook_url: "https://m.example/hooks/a/b", secret: Some("s3cret"), echo: &echo };
    let reply = dialect.encode_decision(&decision(Vec::new()), &context).unwrap();
    let text = String::from_utf8(reply.body).unwrap();
    assert!(!text.contains("s3cret") && !text.contains("env:T"), "{text}");
}

#[test]
fn manifests_that_come_along_keep_the_schema() {
    assert!(jsonschema::draft202012::meta::is_valid(&serde_json::from_str(PBX_MANIFEST_SCHEMA).unwrap()));
    for name in registry::names() {
        assert!(registry::find(&name).is_ok(), "{name}: {:?}", registry::find(&name).err());
    }
}
