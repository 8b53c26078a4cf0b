//! Reads a manifest and refuses one whose parts do not fit each other, before any call depends on it.

use serde_json::Value;

use super::contract;
use super::manifest::{Codec, DecisionField, EventField, Manifest};

/// Why a manifest cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// It is not YAML of the right shape.
    #[error("cannot read the manifest: {0}")]
    Unreadable(String),
    /// It breaks its schema.
    #[error("the manifest breaks schemas/pbx-manifest.schema.json: {}", .0.join("; "))]
    Schema(Vec<String>),
    /// It asks for something that is planned, not there.
    #[error(
        "`verify.kind: {0}` is reserved for a later version: only `secret` is known; leave the connection's secret in its address"
    )]
    ReservedVerify(String),
    /// Its parts do not fit each other.
    #[error("{place}: {detail}")]
    Inconsistent {
        /// Where, as a dotted path.
        place: String,
        /// What is wrong and what to do.
        detail: String,
    },
}

impl Manifest {
    /// Reads a manifest from YAML and checks that its parts fit each other.
    pub fn parse(yaml: &str) -> Result<Self, ManifestError> {
        let unreadable = |error: serde_saphyr::Error| ManifestError::Unreadable(error.to_string());
        let tree: Value = serde_saphyr::from_str(yaml).map_err(unreadable)?;
        let violations = contract::PBX_MANIFEST.violations(&tree);
        if !violations.is_empty() {
            return Err(ManifestError::Schema(violations));
        }
        let manifest: Self = serde_saphyr::from_str(yaml).map_err(unreadable)?;
        manifest.check()?;
        super::dialect::check_parts(&manifest)
            .map_err(|detail| ManifestError::Inconsistent { place: manifest.dialect.clone(), detail })?;
        Ok(manifest)
    }

    /// Whether this dialect says which try a question is; if not, the retry window decides.
    pub fn tells_attempt(&self) -> bool {
        match self.codec {
            Some(Codec::Canonical) => true,
            None => self.decision.as_ref().is_some_and(|decision| decision.fields.contains_key(&DecisionField::Attempt)),
        }
    }

    fn check(&self) -> Result<(), ManifestError> {
        if self.verify.kind != "secret" {
            return Err(ManifestError::ReservedVerify(self.verify.kind.clone()));
        }
        self.check_setting_references()?;
        let inconsistent =
            |place: &str, detail: &str| Err(ManifestError::Inconsistent { place: place.to_owned(), detail: detail.to_owned() });
        if self.codec.is_some() {
            return Ok(());
        }
        if self.hooks.decision.is_some() && (self.decision.is_none() || self.answer.is_none() || self.safe_answer.is_empty()) {
            return inconsistent("hooks.decision", "a dialect without a codec needs `decision`, `answer` and `safe_answer`");
        }
        if self.hooks.events.is_some() && (self.events.is_none() || self.events_answer.is_empty()) {
            return inconsistent("hooks.events", "a dialect without a codec needs `events` and `events_answer`");
        }
        if let Some(events) = &self.events
            && !events.fields.contains_key(&EventField::EventId)
            && events.id_from.is_empty()
        {
            return inconsistent("events.id_from", "without a field `event_id`, name the fields the id is made from");
        }
        Ok(())
    }

    /// Every setting that another part names must be declared.
    fn check_setting_references(&self) -> Result<(), ManifestError> {
        let mut named = vec![("secret.setting", Some(&self.secret.setting))];
        if let Some(decision) = &self.decision {
            named.push(("decision.rename_by", decision.rename_by.as_ref()));
        }
        if let Some(events) = &self.events {
            named.push(("events.rename_by", events.rename_by.as_ref()));
            named.push(("events.words_by", events.words_by.as_ref()));
            named.push(("events.agents_by", events.agents_by.as_ref()));
            named.push(("events.time.zone_by", events.time.zone_by.as_ref()));
        }
        if let Some(answer) = &self.answer {
            named.push(("answer.code_by", answer.code_by.as_ref()));
        }
        for (place, name) in named {
            if let Some(name) = name
                && !self.settings.contains_key(name)
            {
                let detail = format!("setting `{name}` is not declared under `settings`");
                return Err(ManifestError::Inconsistent { place: place.to_owned(), detail });
            }
        }
        Ok(())
    }
}
