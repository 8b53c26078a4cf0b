//! The filters of manifests, beside MiniJinja's own: instants in the forms that APIs want, and texts inside addresses.
//!
//! An instant comes in as a text of RFC 3339. Nothing in, nothing out: a filter of none is none, so that a condition which
//! does not apply can be left out of a request.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use minijinja::{Environment, Error, ErrorKind, Value};

/// Adds them.
pub(super) fn register(environment: &mut Environment<'_>) {
    environment.add_filter("iso", |at: Value, zone: String| written(&at, &zone, "%Y-%m-%dT%H:%M:%S%:z"));
    environment.add_filter("date", |at: Value, zone: String| written(&at, &zone, "%Y-%m-%d"));
    environment.add_filter("local_time", |at: Value, zone: String| written(&at, &zone, "%Y-%m-%d %H:%M:%S"));
    environment.add_filter("unix", |at: Value| instant(&at).map(|at| at.map_or(Value::from(()), |at| at.as_second().into())));
    environment
        .add_filter("unix_ms", |at: Value| instant(&at).map(|at| at.map_or(Value::from(()), |at| at.as_millisecond().into())));
    environment.add_filter("url", |text: String| {
        url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
    });
}

fn instant(at: &Value) -> Result<Option<Timestamp>, Error> {
    if at.is_none() {
        return Ok(None);
    }
    let refuse = || Error::new(ErrorKind::InvalidOperation, "an instant was expected");
    at.as_str().and_then(|text| text.parse().ok()).map(Some).ok_or_else(refuse)
}

fn written(at: &Value, zone: &str, form: &str) -> Result<Value, Error> {
    let Some(at) = instant(at)? else { return Ok(Value::from(())) };
    let zone = TimeZone::get(zone).map_err(|_| Error::new(ErrorKind::InvalidOperation, format!("`{zone}` is no time zone")))?;
    Ok(Value::from(at.to_zoned_datetime(zone).strftime(form).to_string()))
}
