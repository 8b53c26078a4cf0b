//! What a workspace file may not say of routes, each told where it stands, and what it may, but hardly means.

use meritline::service::settings_check::Integrations;
use meritline::workspace_file::{self, WorkspaceDocument, diff};

use super::file;

/// The problems of a file with these routes: `path: message`.
fn problems(routes: &str) -> Vec<String> {
    problems_of(&file(routes))
}

fn problems_of(text: &str) -> Vec<String> {
    match workspace_file::read(text, "acme.yaml", &Integrations) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(|problem| format!("{}: {}", problem.path, problem.message)).collect(),
    }
}

fn warnings(routes: &str) -> Vec<String> {
    let checked = workspace_file::read(&file(routes), "acme.yaml", &Integrations).unwrap_or_else(|found| panic!("{found:?}"));
    checked.warnings.iter().map(|warning| format!("{}: {}", warning.path, warning.message)).collect()
}

/// One problem that begins so.
#[track_caller]
fn one(routes: &str, begins: &str) {
    let found = problems(routes);
    assert!(matches!(found.as_slice(), [only] if only.starts_with(begins)), "{found:#?}");
}

#[test]
fn a_route_names_exactly_one_outcome() {
    one(
        "  - {id: main, called: any}",
        "routes[0]: route `main` does not say what becomes of a call: name one of `group`, `reject`, `branch` and `callback`",
    );
    one(
        "  - {id: main, group: sales, reject: {}}",
        "routes[0].reject: route `main` names two outcomes, `group` and `reject`: keep one",
    );
    one(
        "  - {id: main, branch: night, callback: {group: sales}}",
        "routes[0].callback: route `main` names two outcomes, `branch` and `callback`: keep one",
    );
}

#[test]
fn unknown_names_are_told_with_what_is_near() {
    one(
        "  - {id: main, when: {list: vipp}, reject: {}}",
        "routes[0].when.list: `vipp` is not a list of `lists`; did you mean `vip`?",
    );
    one(
        "  - {id: main, when: {hours: offise}, reject: {}}",
        "routes[0].when.hours: `offise` is not a schedule of `hours`; did you mean `office`?",
    );
    one(
        "  - {id: main, when: {hours: {id: offise, open: false}}, reject: {}}",
        "routes[0].when.hours: `offise` is not a schedule of `hours`; did you mean `office`?",
    );
    one(
        "  - {id: main, when: {segment: leed}, reject: {}}",
        "routes[0].when.segment: the CRM knows no segment `leed`; did you mean `lead`?",
    );
    one(
        "  - {id: main, when: {segment: wholesale}, reject: {}}",
        "routes[0].when.segment: the CRM knows no segment `wholesale`; known are company, contact, lead",
    );
    one("  - {id: main, callback: {group: salse}}", "routes[0].callback.group: `salse` is not a group; did you mean `sales`?");
    one("  - {id: main, group: salse}", "routes[0].group: `salse` is not a group; did you mean `sales`?");
    one(
        "  - {id: main, when: {callers: known}, reject: {}}",
        "routes[0].when.callers: `callers` is not known here; did you mean `caller`?",
    );
    one("  - {id: main, when: {caller: knwon}, reject: {}}", "routes[0].when.caller: expected one of known, unknown, withheld");
}

#[test]
fn conditions_that_can_never_hold_together_are_refused() {
    for (when, begins) in [
        (
            "{caller: withheld, list: vip}",
            "routes[0].when: route `main` can never match: a caller whose number is withheld is on no list",
        ),
        (
            "{caller: withheld, segment: lead}",
            "routes[0].when: route `main` can never match: a caller whose number is withheld is on no list",
        ),
        ("{caller: unknown, segment: lead}", "routes[0].when: route `main` can never match: a caller whom the CRM does not know"),
    ] {
        one(&format!("  - {{id: main, when: {when}, reject: {{}}}}"), begins);
    }
    one(
        "  - {id: main, when: {caller: withheld}, callback: {group: sales}}",
        "routes[0].callback: route `main` takes callers whose number is withheld: nobody could be called back",
    );
    one(
        "  - {id: main, reject: {}, fallback: {number: \"+74951112200\"}}",
        "routes[0].fallback: route `main` rejects the call: it goes nowhere after that; drop `fallback`",
    );
    one("  - {id: main, when: {}, reject: {}}", "routes[0].when:");
}

#[test]
fn what_only_a_crm_can_tell_needs_one_that_looks_callers_up() {
    let text = file("  - {id: main, when: {caller: known}, group: sales}\n  - {id: late, when: {segment: lead}, group: sales}");
    let without = text.split("  - {id: crm").next().unwrap();
    let message = "no CRM connection here looks callers up, so this would never hold: add one to `connections`";
    let expected = [format!("routes[0].when.caller: {message}"), format!("routes[1].when.segment: {message}")];
    assert_eq!(problems_of(without), expected);
    // A table of deals knows no callers.
    let table = format!("{without}  - {{id: sheet, integration: crm/csv, settings: {{deals: {{path: deals.csv}}}}}}\n");
    assert!(problems_of(&table).iter().any(|problem| problem.starts_with(&expected[0])), "{:?}", problems_of(&table));
}

#[test]
fn numbers_of_a_list_are_numbers_or_beginnings() {
    let with = |numbers: &str| problems_of(&file("  - {id: main, reject: {}}").replace("[\"+79162223344\"]", numbers));
    let expected =
        "lists[1].numbers[0]: this is not a phone number for region RU: write it as +<country><number>, 8 to 15 digits";
    assert_eq!(with("[\"12\"]"), [expected]);
    let expected = "lists[1].numbers[1]: the beginning of a number is a plus, digits and a *, as in +7495*";
    for beginning in ["8495*", "*", "+*", "+7495x*"] {
        assert_eq!(with(&format!("[\"+79162223344\", \"{beginning}\"]")), [expected], "{beginning}");
    }
    let twice = file("  - {id: main, reject: {}}").replace("id: spam", "id: vip");
    assert_eq!(problems_of(&twice), ["lists[1].id: list `vip` is defined twice; the first is at /lists/0"]);
}

#[test]
fn a_branch_without_a_label_is_a_problem_where_labels_are_answered() {
    one(
        "  - {id: main, branch: evening}",
        "routes[0].branch: connection `uis`: its setting `codes` has no label for branch `evening`: add `evening: <label of the branch>`",
    );
}

/// Not an error: another PBX of the workspace may be told, and the administrator of this one may have what it takes.
#[test]
fn what_a_pbx_cannot_be_told_is_warned_about() {
    let found = warnings("  - {id: a, when: {list: spam}, reject: {}}\n  - {id: b, branch: night}\n");
    let begins = [
        "routes[0].reject: connection `exolve`: a call cannot be refused in the answer: an empty list is sent",
        "routes[1].branch: connection `exolve`: there are no branches there",
    ];
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found.iter().zip(begins).all(|(told, begins)| told.starts_with(begins)), "{found:#?}");
    // UIS with phones as answers can say none of the three.
    let text =
        file("  - {id: a, when: {list: spam}, reject: {}}\n  - {id: b, branch: night}\n").replace("answer: returned_code, ", "");
    let checked = workspace_file::read(&text, "acme.yaml", &Integrations).unwrap();
    let of_uis = checked.warnings.iter().filter(|warning| warning.message.starts_with("connection `uis`")).count();
    assert_eq!(of_uis, 2, "{:#?}", checked.warnings);
}

#[test]
fn callers_who_may_reach_nobody_are_warned_about() {
    let found = warnings("  - {id: main, group: sales}");
    let expected = "routes[0]: route `main` has no fallback: while nobody is on duty its callers reach nobody; name a number under `fallback`";
    assert_eq!(found, [expected]);
    let found = warnings("  - {id: later, callback: {group: sales}}");
    assert!(
        found[0].starts_with("routes[0]: route `later` has no fallback: callers whose number is withheld cannot be called back")
    );
    assert!(warnings("  - {id: main, group: sales, fallback: {number: \"+74951112200\"}}").is_empty());
}

#[test]
fn a_route_that_an_earlier_one_leaves_nothing_for_is_warned_about() {
    let last = |earlier: &str, later: &str| {
        let routes = format!(
            "  - {{id: early, {earlier}, group: sales, fallback: {{number: \"+74951112200\"}}}}\n  \
             - {{id: late, {later}, group: sales, fallback: {{number: \"+74951112200\"}}}}"
        );
        warnings(&routes)
    };
    let never = |by: &str| vec![format!("routes[1]: route `late` never matches: `early` before it takes {by}; put it first")];
    assert_eq!(last("called: any", "when: {list: vip}"), never("every call"));
    assert_eq!(last("called: [\"+74951112233\"]", "called: [\"8 (495) 111-22-33\"], scenario: x"), never("all of its calls"));
    assert_eq!(last("when: {list: [vip, spam]}", "when: {list: vip, caller: known}"), never("all of its calls"));
    assert_eq!(last("when: {hours: office}", "when: {hours: {id: office, open: true}, list: vip}"), never("all of its calls"));
    for (earlier, later) in [
        ("when: {list: vip}", "called: any"),
        ("when: {list: vip}", "when: {list: [vip, spam]}"),
        ("when: {caller: known}", "when: {caller: unknown}"),
        ("when: {hours: office}", "when: {hours: {id: office, open: false}}"),
        ("when: {segment: lead}", "when: {segment: [lead, contact]}"),
        ("called: [\"+74951112233\"]", "called: [\"+74951112233\", \"+74951112234\"]"),
        ("scenario: x", "called: [\"+74951112233\"]"),
    ] {
        assert_eq!(last(earlier, later), Vec::<String>::new(), "{earlier} before {later}");
    }
}

/// Lists and conditions are exported as they were written, and compared like everything else.
#[test]
fn lists_and_conditions_are_exported_and_compared() {
    let routes = "  - {id: a, when: {caller: unknown, list: [vip], hours: {id: office, open: false}}, branch: night}\n  \
                  - {id: b, reject: {}}";
    let read = |text: &str| workspace_file::read(text, "acme.yaml", &Integrations).unwrap().document;
    let document: WorkspaceDocument = read(&file(routes));
    assert_eq!(read(&document.to_yaml()), document);
    let changed = read(&file(&routes.replace("reject: {}", "callback: {group: sales}")).replace("\"+7495*\"", "\"+7499*\""));
    let lines = diff(Some(&document), &changed).lines;
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert_eq!(lines[0], "~ list vip: numbers +1 -1", "who is on a list is nobody's business");
    assert_eq!(lines[1], "~ route b: callback {\"group\":\"sales\"}; reject {} -> default");
}

/// Mobile callers wait less; what makes them wait longer is told where it stands.
#[test]
fn mobile_callers_who_would_wait_longer_are_warned_of() {
    let told = |dialling: &str| -> Vec<String> {
        let text = file("  - {id: main, group: sales, fallback: {number: \"+74951112200\"}}")
            .replace("callback: {tasks: false}", &format!("dialling: {dialling}"));
        let checked = workspace_file::read(&text, "acme.yaml", &Integrations).unwrap();
        checked.warnings.iter().map(|warning| format!("{}: {}", warning.path, warning.message)).collect()
    };
    let longer = told("{mobile_callers: {ring_seconds: 60}}");
    let begins =
        "policies[0].dialling.mobile_callers.ring_seconds: callers on a mobile phone, who wait less, would be rung for 60 s";
    assert!(longer.len() == 1 && longer[0].starts_with(begins), "{longer:?}");
    let more = told("{mobile_callers: {targets_max: 6}}");
    let begins = "policies[0].dialling.mobile_callers.targets_max: no caller gets more than the 5 targets";
    assert!(more.len() == 1 && more[0].starts_with(begins), "{more:?}");
    let usual = told("{ring_seconds: 10, targets_max: 2, mobile_callers: {}}");
    assert!(usual.len() == 1 && usual[0].starts_with("policies[0].dialling.mobile_callers: "), "{usual:?}");
    assert!(told("{mobile_callers: {ring_seconds: 20, targets_max: 5}}").is_empty());
}
