//! From a document that fits the schema to a checked workspace: defaults, what is not honoured yet, references.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::Value;

use super::document::{AgentPart, ConnectionPart, File, GroupPart};
use super::policies;
use super::problem::{Problems, did_you_mean};
use super::{IntegrationKind, SettingsCheck, durations, hours, routes};
use crate::core::agent::{Absence, Agent, Duty, Number, NumberKind};
use crate::core::money::Currency;
use crate::core::policy::Policy;
use crate::core::workspace::{
    Connection, ConnectionKind, EventFeed, Fault, FaultKind, GroupParts, MemberName, MemberParts, Noun, Workspace,
    WorkspaceParts, canonical_number,
};

const DEFAULT_DEADLINE_MS: u32 = 300;
const DEFAULT_RETRY_WINDOW_SECONDS: u32 = 5;
const DEFAULT_REFRESH_SECONDS: u32 = 300;

/// Builds the workspace; what is wrong goes to `problems`, and then there is none.
pub(super) fn build(document: &Value, checks: &dyn SettingsCheck, problems: &mut Problems<'_>) -> Option<Workspace> {
    let file = match File::deserialize(document) {
        Ok(file) => file,
        Err(error) => {
            problems.push("", format!("the document cannot be read: {error}"));
            return None;
        }
    };
    let before = problems.found.len();
    let parts = parts(&file, checks, problems)?;
    if problems.found.len() > before {
        return None;
    }
    match Workspace::build(parts) {
        Ok(workspace) => Some(workspace),
        Err(faults) => {
            faults.iter().for_each(|fault| problems.push(&fault.pointer, told(fault, &file)));
            None
        }
    }
}

fn parts(file: &File, checks: &dyn SettingsCheck, problems: &mut Problems<'_>) -> Option<WorkspaceParts> {
    let region = file.default_region.clone().unwrap_or_else(|| "RU".to_owned());
    let time_zone = TimeZone::get(&file.time_zone);
    if time_zone.is_err() {
        problems.push("/time_zone", format!("`{}` is no time zone: write it as in Europe/Moscow", file.time_zone));
    }
    let currency = file.currency.as_deref().unwrap_or("RUB").parse::<Currency>();
    if let Err(error) = &currency {
        problems.push("/currency", error.to_string());
    }
    let days_of = time_zone.clone().unwrap_or(TimeZone::UTC);
    let policies: Vec<Policy> =
        file.policies.iter().enumerate().filter_map(|(at, part)| policies::policy(at, part, &days_of, problems)).collect();
    let connections = file.connections.iter().enumerate();
    let connections: Vec<Connection> = connections.filter_map(|(at, part)| connection(at, part, checks, problems)).collect();
    let agents = file.agents.iter().enumerate().map(|(at, part)| agent(at, part, &region, problems)).collect();
    let lists = routes::lists(&file.lists, &region, problems);
    let routes = routes::routes(file, &region, checks, problems);
    let hours = file.hours.iter().enumerate().filter_map(|(at, part)| hours::hours(at, part, &days_of, problems)).collect();
    Some(WorkspaceParts {
        id: file.workspace.as_str().into(),
        name: file.name.clone().unwrap_or_else(|| file.workspace.clone()),
        time_zone: time_zone.ok()?,
        currency: currency.ok()?,
        agents,
        groups: file.groups.iter().map(group).collect(),
        policies,
        lists,
        routes,
        connections,
        hours,
        default_hours: file.default_hours.as_deref().map(Into::into),
        default_region: region,
    })
}

fn agent(at: usize, part: &AgentPart, region: &str, problems: &mut Problems<'_>) -> Agent {
    let mut numbers = Vec::new();
    for (place, number) in part.numbers.iter().enumerate() {
        let Some((kind, value)) = number.iter().next() else { continue };
        let kind = match kind.as_str() {
            "mobile" => NumberKind::Mobile,
            "landline" => NumberKind::Landline,
            _ => NumberKind::Sip,
        };
        let value = canonical_number(kind, value.as_str().unwrap_or_default(), region);
        if kind != NumberKind::Sip && !value.starts_with('+') {
            let hint = format!(
                "this is no phone number for region {region}: write it as +79161112233, or as `sip` if it is an extension"
            );
            problems.push(&format!("/agents/{at}/numbers/{place}"), hint);
        }
        numbers.push(Number { kind, value });
    }
    let crm_users = part.crm_users.iter().map(|(connection, user)| (connection.as_str().into(), user.as_str().into())).collect();
    let name = part.name.as_deref().unwrap_or(&part.id).into();
    Agent { id: part.id.as_str().into(), name, numbers: numbers.into(), crm_users, duty: duty(at, part, problems) }
}

fn duty(at: usize, part: &AgentPart, problems: &mut Problems<'_>) -> Duty {
    let mut day = |pointer: String, text: &str| {
        let read = text.parse::<Date>();
        if read.is_err() {
            problems.push(&format!("/agents/{at}/{pointer}"), format!("`{text}` is no day of the calendar"));
        }
        read.ok()
    };
    let since = part.since.as_deref().and_then(|text| day("since".to_owned(), text));
    let mut absences = Vec::new();
    for (place, absence) in part.absences.iter().enumerate() {
        let from = day(format!("absences/{place}/from"), &absence.from);
        let to = day(format!("absences/{place}/to"), &absence.to);
        absences.extend(from.zip(to).map(|(from, to)| Absence { from, to }));
    }
    for (place, absence) in absences.iter().enumerate().filter(|(_, absence)| absence.to < absence.from) {
        let message = format!("the absence ends on {} before it begins on {}", absence.to, absence.from);
        problems.push(&format!("/agents/{at}/absences/{place}"), message);
    }
    Duty { since, absences, hours: part.hours.as_deref().map(Into::into) }
}

fn group(part: &GroupPart) -> GroupParts {
    let member = |value: &Value| {
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        let who = match (value.as_str(), text("agent"), text("group")) {
            (Some(id), ..) => MemberName::Any(id.to_owned()),
            (None, Some(id), _) => MemberName::Agent(id.into()),
            (None, None, id) => MemberName::Group(id.unwrap_or_default().into()),
        };
        MemberParts { who, base: value.get("base").and_then(Value::as_f64).unwrap_or(1.0) }
    };
    GroupParts {
        id: part.id.as_str().into(),
        members: part.members.iter().map(member).collect(),
        policy: part.policy.as_str().into(),
        hours: part.hours.as_deref().map(Into::into),
    }
}

fn connection(at: usize, part: &ConnectionPart, checks: &dyn SettingsCheck, problems: &mut Problems<'_>) -> Option<Connection> {
    let pointer = format!("/connections/{at}");
    let Some(kind) = checks.kind(&part.integration) else {
        let known = checks.known();
        let near = did_you_mean(&part.integration, known.iter().map(String::as_str));
        let near = if near.is_empty() { format!("; known are {}", known.join(", ")) } else { near };
        problems.push(&format!("{pointer}/integration"), format!("there is no integration `{}`{near}", part.integration));
        return None;
    };
    let settings = part.settings.clone().unwrap_or_else(|| Value::Object(serde_json::Map::new()));
    for (inner, message) in checks.check(&part.integration, &settings) {
        problems.push(&format!("{pointer}/settings{inner}"), message);
    }
    let kind = match kind {
        IntegrationKind::Pbx => pbx(&pointer, part, problems),
        IntegrationKind::Crm => crm(&pointer, part, problems),
    };
    Some(Connection { id: part.id.as_str().into(), integration: part.integration.clone(), kind, settings })
}

fn pbx(pointer: &str, part: &ConnectionPart, problems: &mut Problems<'_>) -> ConnectionKind {
    if part.refresh.is_some() {
        problems.push(&format!("{pointer}/refresh"), "`refresh` is for CRM connections: a PBX calls us");
    }
    let events = match part.events.as_deref() {
        Some("none") => EventFeed::None { hold_seconds: part.hold_seconds.unwrap_or(0) },
        _ => {
            if part.hold_seconds.is_some() {
                let message = "`hold_seconds` goes with `events: none`: with events, the PBX tells how long a person is busy";
                problems.push(&format!("{pointer}/hold_seconds"), message);
            }
            EventFeed::Full
        }
    };
    ConnectionKind::Pbx {
        events,
        deadline_ms: part.deadline_ms.unwrap_or(DEFAULT_DEADLINE_MS),
        retry_window_seconds: part.retry_window_seconds.unwrap_or(DEFAULT_RETRY_WINDOW_SECONDS),
    }
}

fn crm(pointer: &str, part: &ConnectionPart, problems: &mut Problems<'_>) -> ConnectionKind {
    let pbx_only = [
        ("events", part.events.is_some()),
        ("hold_seconds", part.hold_seconds.is_some()),
        ("deadline_ms", part.deadline_ms.is_some()),
        ("retry_window_seconds", part.retry_window_seconds.is_some()),
    ];
    for (name, _) in pbx_only.iter().filter(|(_, given)| *given) {
        problems.push(&format!("{pointer}/{name}"), format!("`{name}` is for PBX connections; this is a CRM"));
    }
    let refresh = part.refresh.as_deref().map(|text| durations::seconds(text).and_then(|seconds| u32::try_from(seconds).ok()));
    let refresh_seconds = match refresh {
        None => DEFAULT_REFRESH_SECONDS,
        Some(Some(seconds)) if (1..=86_400).contains(&seconds) => seconds,
        Some(_) => {
            problems.push(&format!("{pointer}/refresh"), "expected from 1s to 24h");
            DEFAULT_REFRESH_SECONDS
        }
    };
    ConnectionKind::Crm { refresh_seconds }
}

/// A fault in the file's own words, with what is near.
fn told(fault: &Fault, file: &File) -> String {
    let FaultKind::Unknown { id, noun, .. } = &fault.kind else { return fault.kind.to_string() };
    let agents = || file.agents.iter().map(|part| part.id.as_str());
    let groups = || file.groups.iter().map(|part| part.id.as_str());
    let near: Vec<&str> = match noun {
        Noun::Agent => agents().collect(),
        Noun::Group => groups().collect(),
        Noun::Member => agents().chain(groups()).collect(),
        Noun::Hours => file.hours.iter().map(|part| part.id.as_str()).collect(),
        Noun::Policy => file.policies.iter().map(|part| part.id.as_str()).collect(),
        Noun::List => file.lists.iter().map(|part| part.id.as_str()).collect(),
        Noun::CrmConnection => {
            let crm = |part: &&ConnectionPart| part.integration.starts_with("crm/");
            file.connections.iter().filter(crm).map(|part| part.id.as_str()).collect()
        }
    };
    format!("{}{}", fault.kind, did_you_mean(id, near))
}
