//! What an answer means: the manifest's rules first, then its HTTP status.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::manifest::{ErrorsSpec, Meaning, RuleSpec};
use crate::broker::ports::SourceError;
use crate::integration::expression::{FieldName, Formula, known, scalar_text};
use crate::outbound::OutboundReply;

/// How long to wait when the CRM says only that it is too much.
const WAIT_SECONDS: u64 = 5;
/// The longest wait that is believed.
const WAIT_SECONDS_MAX: u64 = 3600;

/// What an answer came to.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The answer.
    Answer(Value),
    /// Nothing.
    Empty,
    /// An error that may be gone a moment later.
    Passing(SourceError),
    /// An error that asking again does not mend.
    Lasting(SourceError),
}

/// The rules, compiled.
#[derive(Debug, Clone)]
pub(super) struct Classifier {
    code: Option<FieldName>,
    message: Option<FieldName>,
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    spec: RuleSpec,
    when: Option<Formula>,
    wait_until: Option<FieldName>,
}

/// An answer, opened.
struct Opened {
    status: u16,
    code: Option<String>,
    message: Option<String>,
    body: Option<Value>,
    looks_like_a_page: bool,
}

impl Classifier {
    pub(super) fn compile(spec: &ErrorsSpec) -> Result<Self, String> {
        let field = |path: &Option<String>| path.as_deref().map(FieldName::read).transpose();
        let rules = spec.rules.iter().map(|rule| {
            Ok(Rule {
                when: rule.when.as_deref().map(Formula::compile).transpose()?,
                wait_until: field(&rule.wait_until)?,
                spec: rule.clone(),
            })
        });
        Ok(Self { code: field(&spec.code)?, message: field(&spec.message)?, rules: rules.collect::<Result<_, String>>()? })
    }

    /// What an answer that is no JSON means by its status.
    pub(super) fn by_status_alone(reply: &OutboundReply) -> Verdict {
        Self { code: None, message: None, rules: Vec::new() }.verdict(reply, None)
    }

    /// `now` is needed where the CRM says until when to wait.
    pub(super) fn verdict(&self, reply: &OutboundReply, now: Option<Timestamp>) -> Verdict {
        let opened = self.open(reply);
        let rule = self.rules.iter().find(|rule| rule.fits(&opened));
        let meaning = rule.map_or_else(|| by_status(&opened), |rule| rule.spec.meaning);
        let told = opened.told();
        match meaning {
            Meaning::Empty => Verdict::Empty,
            Meaning::Ok => opened.answer(),
            Meaning::Retry => Verdict::Passing(SourceError::Failed(told)),
            Meaning::Refused => Verdict::Lasting(SourceError::Refused(told)),
            Meaning::Failed => Verdict::Lasting(SourceError::Failed(told)),
            Meaning::RateLimited => {
                let said = rule.and_then(|rule| rule.wait_seconds(&opened, now));
                let retry_after_seconds = reply
                    .retry_after
                    .as_deref()
                    .and_then(|text| retry_after(text, now))
                    .or(said)
                    .unwrap_or(WAIT_SECONDS)
                    .clamp(1, WAIT_SECONDS_MAX);
                Verdict::Passing(SourceError::RateLimited { retry_after_seconds, detail: told })
            }
        }
    }

    fn open(&self, reply: &OutboundReply) -> Opened {
        let body: Option<Value> = serde_json::from_slice(&reply.body).ok();
        let find = |field: &Option<FieldName>| field.as_ref()?.find(body.as_ref()?).and_then(scalar_text);
        Opened {
            status: reply.status,
            code: find(&self.code),
            message: find(&self.message),
            looks_like_a_page: looks_like_a_page(reply),
            body,
        }
    }
}

impl Rule {
    fn fits(&self, opened: &Opened) -> bool {
        let status = self.spec.status.is_empty() || self.spec.status.contains(&opened.status);
        let code = self.spec.code.is_empty()
            || opened.code.as_ref().is_some_and(|code| self.spec.code.iter().any(|known| known.eq_ignore_ascii_case(code)));
        let when = || {
            let Some(when) = &self.when else { return true };
            let scope = json!({"status": opened.status, "code": opened.code, "body": opened.body});
            when.holds(&known(&scope)).unwrap_or(false)
        };
        status && code && when()
    }

    fn wait_seconds(&self, opened: &Opened, now: Option<Timestamp>) -> Option<u64> {
        let until = || {
            let text = scalar_text(self.wait_until.as_ref()?.find(opened.body.as_ref()?)?)?;
            let until: f64 = text.parse().ok()?;
            #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds")]
            let left = (until - now?.as_second() as f64).ceil().max(1.0) as u64;
            Some(left)
        };
        until().or(self.spec.wait_seconds)
    }
}

impl Opened {
    fn told(&self) -> String {
        let said = [self.code.as_deref(), self.message.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(": ");
        let status = self.status;
        match (said.is_empty(), self.looks_like_a_page) {
            (false, _) => format!("HTTP {status}, {said}"),
            (true, true) => format!("HTTP {status} with a web page instead of data"),
            (true, false) => format!("HTTP {status}"),
        }
    }

    fn answer(self) -> Verdict {
        match self.body {
            Some(body) => Verdict::Answer(body),
            None => {
                let what = if self.looks_like_a_page {
                    "a web page came instead of JSON: is the address right?"
                } else {
                    "it is no JSON"
                };
                Verdict::Passing(SourceError::Malformed(what.to_owned()))
            }
        }
    }
}

fn by_status(opened: &Opened) -> Meaning {
    match opened.status {
        204 => Meaning::Empty,
        200..=299 if opened.code.is_some() || opened.message.is_some() => Meaning::Failed,
        200..=299 => Meaning::Ok,
        429 => Meaning::RateLimited,
        401 | 403 => Meaning::Refused,
        408 | 425 | 500.. => Meaning::Retry,
        _ => Meaning::Failed,
    }
}

/// Whether a page for people came.
pub(super) fn looks_like_a_page(reply: &OutboundReply) -> bool {
    let start: String = String::from_utf8_lossy(reply.body.get(..200.min(reply.body.len())).unwrap_or_default()).to_lowercase();
    let start = start.trim_start_matches('\u{feff}').trim_start();
    start.starts_with("<!doctype")
        || start.starts_with("<html")
        || reply.content_type.to_ascii_lowercase().starts_with("text/html")
}

/// `Retry-After` in seconds: a number, or a date (RFC 9110).
fn retry_after(text: &str, now: Option<Timestamp>) -> Option<u64> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(seconds);
    }
    let at = jiff::fmt::rfc2822::parse(text.trim()).ok()?.timestamp();
    u64::try_from(at.as_second() - now?.as_second()).ok()
}
