//! What a dialect can be told besides whom to ring, as its manifest declares it: asked when a workspace file is checked.

use serde_json::{Value, json};

use super::manifest::{Manifest, OutcomeName, OutcomeRule};
use super::registry;
use crate::core::ids::GroupId;
use crate::core::routing::route::Outcome;
use crate::integration::expression::{Formula, known};
use crate::integration::settings::Settings;

/// How a phone system can be told an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// As it is meant.
    AsMeant,
    /// Not quite: what happens instead, and what to do.
    Instead(String),
    /// Not without something that is missing: what to add.
    Lacking(String),
}

/// How a PBX of this integration, with these settings, can be told an outcome. What is no PBX has nothing to be told.
pub fn tells(integration: &str, settings: &Value, outcome: &Outcome<GroupId>) -> Told {
    let Ok(manifest) = registry::find(integration) else { return Told::AsMeant };
    told(&manifest, settings, outcome)
}

fn told(manifest: &Manifest, settings: &Value, outcome: &Outcome<GroupId>) -> Told {
    let name = match outcome {
        Outcome::Ring { .. } => return Told::AsMeant,
        Outcome::Reject => OutcomeName::Reject,
        Outcome::Branch { .. } => OutcomeName::Branch,
        Outcome::Callback { .. } => OutcomeName::Callback,
    };
    if manifest.codec.is_some() {
        return Told::AsMeant;
    }
    let settings = Settings::resolve(&manifest.settings, settings);
    let seen = known(&json!({"settings": settings.as_json()}));
    let holds = |rule: &&OutcomeRule| match &rule.when {
        None => true,
        // A condition that fails was refused with its manifest.
        Some(when) => Formula::compile(when).and_then(|when| when.holds(&seen)).unwrap_or(false),
    };
    let rules = manifest.outcomes.get(&name).map(Vec::as_slice).unwrap_or_default();
    match rules.iter().find(holds) {
        None => Told::Instead(format!(
            "{} cannot be told `{}`: the caller goes to the fallback, or where the PBX sends calls that nobody takes",
            manifest.title,
            outcome.as_str()
        )),
        Some(rule) => by_rule(rule, &settings, outcome),
    }
}

fn by_rule(rule: &OutcomeRule, settings: &Settings, outcome: &Outcome<GroupId>) -> Told {
    if let (Some(setting), Some(branch)) = (&rule.code_by, outcome.branch())
        && !settings.map(Some(setting)).contains_key(&**branch)
    {
        return Told::Lacking(format!(
            "its setting `{setting}` has no label for branch `{branch}`: add `{branch}: <label of the branch>`"
        ));
    }
    rule.instead.clone().map_or(Told::AsMeant, Told::Instead)
}

/// Whether all conditions compile, and what they name is declared.
pub(super) fn check(manifest: &Manifest) -> Result<(), String> {
    for rule in manifest.outcomes.values().flatten() {
        rule.when.as_deref().map(Formula::compile).transpose()?;
        if let Some(setting) = rule.code_by.as_ref().filter(|setting| !manifest.settings.contains_key(*setting)) {
            return Err(format!("outcomes: setting `{setting}` is not declared under `settings`"));
        }
    }
    Ok(())
}
