//! Reads a manifest and refuses one whose parts do not fit each other, before any pull depends on it.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Map, Value};

use super::classify::Classifier;
use super::lookup::Lookup;
use super::manifest::{DealField, Manifest};
use super::request::Request;
use crate::integration::contract;
use crate::integration::expression::FieldName;

/// The schema of a connector's manifest, as text.
pub const CRM_MANIFEST_SCHEMA: &str = include_str!("../../../schemas/crm-manifest.schema.json");

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| contract::compile(CRM_MANIFEST_SCHEMA));

/// Why a manifest cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// It is not YAML of the right shape.
    #[error("cannot read the manifest: {0}")]
    Unreadable(String),
    /// It breaks its schema.
    #[error("the manifest breaks schemas/crm-manifest.schema.json: {}", .0.join("; "))]
    Schema(Vec<String>),
    /// Its parts do not fit each other, or ask for what this version does not have.
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
        let violations = contract::violations(&SCHEMA, &tree);
        if !violations.is_empty() {
            return Err(ManifestError::Schema(violations));
        }
        let manifest: Self = serde_saphyr::from_str(yaml).map_err(unreadable)?;
        manifest.check()?;
        check_parts(&manifest).map_err(|detail| ManifestError::Inconsistent { place: manifest.connector.clone(), detail })?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), ManifestError> {
        let inconsistent = |place: &str, detail: String| Err(ManifestError::Inconsistent { place: place.to_owned(), detail });
        if self.auth.kind != "none" {
            let kind = &self.auth.kind;
            return inconsistent(
                "auth.kind",
                format!(
                    "`{kind}` is not known in this version; known is `none`: put a secret into `http.base` or `http.headers`"
                ),
            );
        }
        let deals = &self.streams.deals;
        if let Some(page) = &deals.page {
            match (page.kind.as_str(), &page.key) {
                ("keyset", Some(_)) => {}
                ("keyset", None) => {
                    return inconsistent("streams.deals.page.key", "`keyset` needs the place of a row's key".to_owned());
                }
                (kind, _) => {
                    return inconsistent(
                        "streams.deals.page.kind",
                        format!("`{kind}` is not known in this version; known is `keyset`"),
                    );
                }
            }
        }
        match (&deals.request, &deals.table, &self.http) {
            (Some(_), None, Some(_)) | (None, Some(_), None) => {}
            (Some(_), None, None) => return inconsistent("http", "requests need a base address".to_owned()),
            (None, Some(_), Some(_)) => return inconsistent("http", "a table has its own address".to_owned()),
            (Some(_), Some(_), _) | (None, None, _) => {
                return inconsistent("streams.deals", "needs either `request` or `table`".to_owned());
            }
        }
        if deals.request.is_some() && deals.rows.is_none() {
            return inconsistent("streams.deals.rows", "say where the list of rows stands in an answer".to_owned());
        }
        for (name, field) in [("deal", DealField::Deal), ("user", DealField::User), ("status", DealField::Status)] {
            if !deals.fields.contains_key(&field) {
                return inconsistent("streams.deals.fields", format!("`{name}` is missing"));
            }
        }
        if self.lookup.is_some() && self.http.is_none() {
            return inconsistent("lookup", "needs `http`".to_owned());
        }
        Ok(())
    }
}

/// Whether every path and expression of a manifest compiles, whatever the settings.
fn check_parts(manifest: &Manifest) -> Result<(), String> {
    Classifier::compile(&manifest.errors)?;
    let scope = Map::new();
    if let Some(lookup) = &manifest.lookup {
        Lookup::compile(lookup, &scope)?;
    }
    let deals = &manifest.streams.deals;
    if let Some(request) = &deals.request {
        Request::compile(request)?;
    }
    let paths = deals.fields.values().filter_map(|field| field.path.as_ref()).chain(&deals.rows);
    for path in paths.filter(|path| !path.contains("{{")) {
        FieldName::read(path)?;
    }
    Ok(())
}
