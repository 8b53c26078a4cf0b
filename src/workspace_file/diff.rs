//! What applying a document changes, in plain lines for a terminal.

use std::collections::HashSet;

use serde_json::Value;

use super::SettingsCheck;
use super::document::WorkspaceDocument;
use crate::core::ids::GroupId;
use crate::core::workspace::Workspace;

/// What changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// `+ agent anna`, `~ policy by-results: period 10h -> 8h`, `- route old`.
    pub lines: Vec<String>,
    /// Groups whose credit starts again at 0, because it changes its unit or what it counts.
    pub credit_resets: Vec<GroupId>,
}

impl Changes {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

const SECTIONS: [(&str, &str); 7] = [
    ("hours", "hours"),
    ("agents", "agent"),
    ("groups", "group"),
    ("policies", "policy"),
    ("lists", "list"),
    ("routes", "route"),
    ("connections", "connection"),
];

/// Compares a document with the one it replaces; none means the workspace is new.
pub fn diff(old: Option<&WorkspaceDocument>, new: &WorkspaceDocument) -> Changes {
    let mut changes = Changes::default();
    let empty = Value::Null;
    let before = old.map_or(&empty, |old| &old.0);
    for (key, value) in new.0.as_object().into_iter().flatten() {
        if SECTIONS.iter().all(|(section, _)| section != key) && before.get(key) != Some(value) {
            changes.lines.push(match before.get(key) {
                Some(was) => format!("~ {key}: {} -> {}", short(was), short(value)),
                None => format!("+ {key}: {}", short(value)),
            });
        }
    }
    for (key, value) in before.as_object().into_iter().flatten() {
        if SECTIONS.iter().all(|(section, _)| section != key) && new.0.get(key).is_none() {
            changes.lines.push(format!("- {key}: {}", short(value)));
        }
    }
    for (section, noun) in SECTIONS {
        compare_section(noun, &items(before, section), &items(&new.0, section), &mut changes.lines);
    }
    changes
}

/// Adds the groups whose credit starts again at 0.
pub(super) fn credit_resets(old: &Workspace, new: &Workspace) -> Vec<GroupId> {
    let resets = new.groups.iter().filter(|group| {
        let before = old.find_group(&group.id).map(|ix| old.policy_of(ix));
        before.is_some_and(|before| new.policy(group.policy).resets_credit(before))
    });
    resets.map(|group| group.id.clone()).collect()
}

/// Compares two documents that are both sound: as [`diff`], with the consequences for credit.
pub fn diff_with_consequences(old: Option<&WorkspaceDocument>, new: &WorkspaceDocument, checks: &dyn SettingsCheck) -> Changes {
    let mut changes = diff(old, new);
    let built = (old.and_then(|old| old.build(checks).ok()), new.build(checks).ok());
    if let (Some(old), Some(new)) = built {
        changes.credit_resets = credit_resets(&old, &new);
        let note = |group: &GroupId| format!("! group {group}: what its credit counts changes, so everybody starts again at 0");
        changes.lines.extend(changes.credit_resets.iter().map(note));
    }
    changes
}

fn items<'a>(document: &'a Value, section: &str) -> Vec<(&'a str, &'a Value)> {
    let items = document.get(section).and_then(Value::as_array);
    items.into_iter().flatten().filter_map(|item| Some((item.get("id")?.as_str()?, item))).collect()
}

fn compare_section(noun: &str, before: &[(&str, &Value)], after: &[(&str, &Value)], lines: &mut Vec<String>) {
    for (id, item) in after {
        match before.iter().find(|(known, _)| known == id) {
            None => lines.push(format!("+ {noun} {id}")),
            Some((_, was)) if was == item => {}
            Some((_, was)) => lines.push(format!("~ {noun} {id}: {}", fields(noun, was, item).join("; "))),
        }
    }
    for (id, _) in before.iter().filter(|(id, _)| after.iter().all(|(known, _)| known != id)) {
        lines.push(format!("- {noun} {id}"));
    }
    let order = |list: &[(&str, &Value)]| list.iter().map(|(id, _)| (*id).to_owned()).collect::<Vec<_>>();
    let (old_order, new_order) = (order(before), order(after));
    let same_members = old_order.len() == new_order.len() && new_order.iter().all(|id| old_order.contains(id));
    if same_members && old_order != new_order {
        lines.push(format!("~ order of {noun} entries: {}", new_order.join(", ")));
    }
}

fn fields(noun: &str, was: &Value, is: &Value) -> Vec<String> {
    let keys = is.as_object().into_iter().flatten().map(|(key, _)| key);
    let gone = was.as_object().into_iter().flatten().map(|(key, _)| key).filter(|key| is.get(key.as_str()).is_none());
    let mut texts = Vec::new();
    for key in keys.chain(gone) {
        match (was.get(key), is.get(key)) {
            (Some(was), Some(is)) if was == is => {}
            // A list of callers is personal data, and long: counts say enough.
            (Some(Value::Array(was)), Some(Value::Array(is))) if noun == "list" => {
                let not_in = |these: &[Value], those: &[Value]| {
                    let those: HashSet<&str> = those.iter().filter_map(Value::as_str).collect();
                    these.iter().filter_map(Value::as_str).filter(|number| !those.contains(number)).count()
                };
                texts.push(format!("{key} +{} -{}", not_in(is, was), not_in(was, is)));
            }
            (Some(was), Some(is)) => texts.push(format!("{key} {} -> {}", short(was), short(is))),
            (None, Some(is)) => texts.push(format!("{key} {}", short(is))),
            (Some(was), None) => texts.push(format!("{key} {} -> default", short(was))),
            (None, None) => {}
        }
    }
    texts
}

fn short(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if text.chars().count() <= 60 { text } else { format!("{}...", text.chars().take(57).collect::<String>()) }
}
