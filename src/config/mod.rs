//! Settings of the process: defaults, then `meritline.toml`, then the environment. Schema: `schemas/config.schema.json`.
//!
//! Reads nothing itself: the file's text and the environment come in as values, so that tests need neither.

use std::path::PathBuf;

use ipnet::IpNet;
use serde::Deserialize;

/// The schema of the file, as text.
pub const CONFIG_SCHEMA: &str = include_str!("../../schemas/config.schema.json");

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Plain,
    /// One JSON object a line.
    Json,
}

/// Settings of the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where to listen; default `127.0.0.1:8080`.
    pub listen: String,
    /// Where data lies; default `sqlite://meritline.db`.
    pub database_url: String,
    /// The address that PBXs call; default `http://{listen}`.
    pub public_url: Option<String>,
    /// Private address ranges that connectors may reach; default none.
    pub outbound_allow: Vec<IpNet>,
    /// Where `file:` secrets and CSV paths may lie; default the folder of the workspace file applied.
    pub files_root: Option<PathBuf>,
    /// Which log lines, as in `RUST_LOG`; default `info`.
    pub log: String,
    /// How log lines are written.
    pub log_format: LogFormat,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".to_owned(),
            database_url: "sqlite://meritline.db".to_owned(),
            public_url: None,
            outbound_allow: Vec::new(),
            files_root: None,
            log: "info".to_owned(),
            log_format: LogFormat::Plain,
        }
    }
}

/// What is wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("{file}: {detail}")]
    File {
        /// Which file.
        file: String,
        /// What is wrong with it and where.
        detail: String,
    },
    /// A value cannot be used.
    #[error("{name} = `{value}`: {detail}")]
    Value {
        /// The setting or the variable.
        name: String,
        /// As given; hidden where it may hold a password.
        value: String,
        /// What is wrong and what is expected.
        detail: String,
    },
    /// A variable that is no setting.
    #[error("{name} is no setting{hint}")]
    UnknownVariable {
        /// The variable.
        name: String,
        /// `; did you mean ...?`, or nothing.
        hint: String,
    },
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    listen: Option<String>,
    database_url: Option<String>,
    public_url: Option<String>,
    outbound_allow: Option<Vec<String>>,
    files_root: Option<PathBuf>,
    log: Option<String>,
    log_format: Option<LogFormat>,
}

const NAMES: [&str; 7] = ["listen", "database_url", "public_url", "outbound_allow", "files_root", "log", "log_format"];

/// Variables with our prefix that are not settings but may be set beside them: secrets that a workspace refers to.
const SECRET_PREFIX: &str = "MERITLINE_SECRET_";

impl Settings {
    /// Reads settings: `file` is its name and text, if there is one; `environment` the process's variables. A variable wins over the file.
    pub fn read(
        file: Option<(&str, &str)>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, SettingsError> {
        let mut values = match file {
            Some((name, text)) => toml::from_str::<File>(text)
                .map_err(|error| SettingsError::File { file: name.to_owned(), detail: error.to_string().trim().to_owned() })?,
            None => File::default(),
        };
        let mut plain_database_url = None;
        for (name, value) in environment {
            if name == "DATABASE_URL" {
                plain_database_url = Some(value);
            } else if let Some(setting) = name.strip_prefix("MERITLINE_")
                && !name.starts_with(SECRET_PREFIX)
            {
                values.take_variable(&name, &setting.to_ascii_lowercase(), value)?;
            }
        }
        values.database_url = values.database_url.or(plain_database_url);
        values.settings()
    }
}

impl File {
    fn take_variable(&mut self, name: &str, setting: &str, value: String) -> Result<(), SettingsError> {
        match setting {
            "listen" => self.listen = Some(value),
            "database_url" => self.database_url = Some(value),
            "public_url" => self.public_url = Some(value),
            "outbound_allow" => {
                let ranges = value.split(',').map(str::trim).filter(|range| !range.is_empty());
                self.outbound_allow = Some(ranges.map(str::to_owned).collect());
            }
            "files_root" => self.files_root = Some(value.into()),
            "log" => self.log = Some(value),
            "log_format" => {
                self.log_format = Some(match value.as_str() {
                    "plain" => LogFormat::Plain,
                    "json" => LogFormat::Json,
                    _ => {
                        let detail = "expected `plain` or `json`".to_owned();
                        return Err(SettingsError::Value { name: name.to_owned(), value, detail });
                    }
                });
            }
            _ => {
                let near = NAMES.iter().map(|known| (strsim::jaro_winkler(known, setting), known));
                let near = near.filter(|(score, _)| *score > 0.8).max_by(|a, b| a.0.total_cmp(&b.0));
                let hint = near.map(|(_, known)| format!("; did you mean MERITLINE_{}?", known.to_ascii_uppercase()));
                return Err(SettingsError::UnknownVariable { name: name.to_owned(), hint: hint.unwrap_or_default() });
            }
        }
        Ok(())
    }

    fn settings(self) -> Result<Settings, SettingsError> {
        let defaults = Settings::default();
        let range = |text: String| {
            text.parse::<IpNet>().map_err(|_| SettingsError::Value {
                name: "outbound_allow".to_owned(),
                value: text,
                detail: "expected an address range such as 10.0.0.0/8".to_owned(),
            })
        };
        let database_url = self.database_url.unwrap_or(defaults.database_url);
        if !database_url.starts_with("sqlite:") {
            let value = database_url.split(':').next().unwrap_or_default().to_owned() + ":...";
            let detail = "this version stores in a SQLite file: use sqlite://meritline.db".to_owned();
            return Err(SettingsError::Value { name: "database_url".to_owned(), value, detail });
        }
        let outbound_allow = self.outbound_allow.unwrap_or_default().into_iter().map(range).collect::<Result<_, _>>()?;
        Ok(Settings {
            listen: self.listen.unwrap_or(defaults.listen),
            database_url,
            public_url: self.public_url,
            outbound_allow,
            files_root: self.files_root,
            log: self.log.unwrap_or(defaults.log),
            log_format: self.log_format.unwrap_or(defaults.log_format),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_environment_wins_over_the_file_and_the_file_over_defaults() {
        let file = "listen = '0.0.0.0:80'\npublic_url = 'https://pbx.example'\n";
        let read = Settings::read(Some(("meritline.toml", file)), variables(&[("MERITLINE_LISTEN", "127.0.0.1:9")])).unwrap();
        assert_eq!(read.listen, "127.0.0.1:9");
        assert_eq!(read.public_url.as_deref(), Some("https://pbx.example"));
        assert_eq!(read.database_url, "sqlite://meritline.db");
    }

    #[test]
    fn database_url_is_read_too_but_ours_wins() {
        let both = variables(&[("DATABASE_URL", "sqlite://a.db"), ("MERITLINE_DATABASE_URL", "sqlite://b.db")]);
        assert_eq!(Settings::read(None, both).unwrap().database_url, "sqlite://b.db");
        assert_eq!(Settings::read(None, variables(&[("DATABASE_URL", "sqlite://a.db")])).unwrap().database_url, "sqlite://a.db");
    }

    #[test]
    fn a_misspelt_variable_is_told_with_what_is_near() {
        let error = Settings::read(None, variables(&[("MERITLINE_LISTN", "x")])).unwrap_err();
        assert_eq!(error.to_string(), "MERITLINE_LISTN is no setting; did you mean MERITLINE_LISTEN?");
    }

    #[test]
    fn an_unknown_key_of_the_file_is_told_with_its_line() {
        let error = Settings::read(Some(("meritline.toml", "listen = 'x'\nlisen = 'y'\n")), Vec::new()).unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
    }

    #[test]
    fn a_password_in_a_refused_address_is_not_repeated() {
        let error = Settings::read(None, variables(&[("DATABASE_URL", "mysql://u:secret@h/db")])).unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
