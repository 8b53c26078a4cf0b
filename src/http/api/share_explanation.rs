//! Why the members of a group got their shares over a span.

use axum::Json;
use axum::extract::{Path, State};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::page::Query;
use crate::broker::share_report::{ShareExplanation, explain_shares};
use crate::core::ids::{GroupId, MemberId};
use crate::core::shares::share_report::ShareParts;
use crate::core::workspace::{GroupIx, Workspace};
use crate::http::access::Reader;
use crate::http::problem::{Code, Problem};
use crate::http::state::AppState;

/// The longest span.
const DAYS_MAX: i64 = 31;

/// Which span, and whom to compare.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SpanQuery {
    /// From when on (RFC 3339, or a date in the workspace's zone); absent: since yesterday's midnight.
    pub from: Option<String>,
    /// Until when, at most 31 days later; absent: the midnight after `from`.
    pub until: Option<String>,
    /// Two members, `a,b`: why `a` got more or less than `b`.
    pub compare: Option<String>,
}

/// One influence and its part.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Influence {
    /// `base score guard presence feasibility personal missed rest`.
    pub part: String,
    /// Percentage points.
    pub points: f64,
}

/// One member's share, part by part.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MemberExplanation {
    /// An agent or a group.
    pub member: String,
    /// Share of the calls it got, in percent.
    pub actual_percent: f64,
    /// The parts; they add up to `actual_percent`.
    pub parts: Vec<Influence>,
    /// In one sentence.
    pub sentence: String,
}

/// Two members compared.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ShareDifference {
    /// The one.
    pub member: String,
    /// The other.
    pub than: String,
    /// How many percentage points more the one got; below 0: less.
    pub points: f64,
    /// Where the difference comes from; the parts add up to `points`.
    pub parts: Vec<Influence>,
    /// In one sentence.
    pub sentence: String,
}

/// A group's shares over a span, explained.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SharesExplained {
    /// The group.
    pub group: String,
    /// From when on.
    pub from: String,
    /// Until when.
    pub until: String,
    /// `calls`, or `seconds` of talk.
    pub unit: String,
    /// All calls of the span, in `unit`.
    pub total: f64,
    /// The largest share one person could carry at this load, in percent; null for too few calls.
    pub feasible_percent: Option<f64>,
    /// By member.
    pub members: Vec<MemberExplanation>,
    /// The two members named in `compare`.
    pub difference: Option<ShareDifference>,
}

/// Why each member got the share it got: typed share, scores, guard, presence, feasibility, each with its part.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/groups/{group}/shares/explanation",
    tag = "distribution",
    params(
        ("workspace" = String, Path, description = "The workspace's id"),
        ("group" = String, Path, description = "The group's id"),
        SpanQuery
    ),
    responses(
        (status = 200, body = SharesExplained),
        (status = "default", body = Problem, content_type = "application/problem+json")
    )
)]
pub async fn explain_group_shares(
    State(state): State<AppState>,
    reader: Reader,
    Path((_, group)): Path<(String, String)>,
    Query(query): Query<SpanQuery>,
) -> Result<Json<SharesExplained>, Problem> {
    let workspace = &reader.tenant.workspace;
    let Some(ix) = workspace.find_group(&GroupId::from(group.as_str())) else {
        return Err(Problem::new(Code::NotFound, format!("There is no group `{group}` in this workspace.")));
    };
    let now = state.clock.now();
    let (from, until) = span(&query, &reader, now)?;
    let explained = explain_shares(&*state.store, &reader.tenant, ix, (from, until), now).await?;
    let difference = match &query.compare {
        Some(pair) => Some(compared(pair, &explained, (workspace, ix), (from, until))?),
        None => None,
    };
    Ok(Json(SharesExplained {
        group,
        from: from.to_string(),
        until: until.to_string(),
        unit: if workspace.policy_of(ix).mode.counts_seconds() { "seconds" } else { "calls" }.to_owned(),
        total: explained.units,
        feasible_percent: explained.feasible.map(|share| 100.0 * share),
        members: explained.members.iter().map(|(member, parts)| member_explained(member.as_str(), workspace, parts)).collect(),
        difference,
    }))
}

/// The two members named in `compare`; tells who had no part in which calls.
fn compared(
    pair: &str,
    explained: &ShareExplanation,
    (workspace, ix): (&Workspace, GroupIx),
    (from, until): (Timestamp, Timestamp),
) -> Result<ShareDifference, Problem> {
    let (group, zone) = (workspace.group(ix), &workspace.time_zone);
    let refuse = |detail: String| Err(Problem::new(Code::InvalidParameter, detail));
    let Some((one, other)) = pair.split_once(',').map(|(one, other)| (one.trim(), other.trim())) else {
        return refuse("`compare` must name two members: `anna,boris`.".to_owned());
    };
    let local = |at: Timestamp| at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
    let span = format!("from {} to {}", local(from), local(until));
    if explained.members.is_empty() {
        return refuse(format!(
            "No calls of group `{}` came {span}, so there is nothing to compare: choose another span with `from` and `until`.",
            group.id
        ));
    }
    let find = |member: &str| explained.members.get(&MemberId::from(member)).copied();
    let missing: Vec<String> =
        [one, other].iter().filter(|member| find(member).is_none()).map(|member| format!("`{member}`")).collect();
    match (find(one), find(other)) {
        (Some(left), Some(right)) => Ok(difference([one, other], workspace, &left.minus(&right))),
        _ => {
            let known: Vec<&str> = explained.members.keys().map(MemberId::as_str).collect();
            refuse(format!(
                "{} had no part in the calls of group `{}` {span}: compare two of {}, or choose another span with `from` and `until`.",
                missing.join(" and "),
                group.id,
                known.join(", ")
            ))
        }
    }
}

fn span(query: &SpanQuery, reader: &Reader, now: Timestamp) -> Result<(Timestamp, Timestamp), Problem> {
    let zone = &reader.tenant.workspace.time_zone;
    let midnight = |date: jiff::civil::Date| {
        let fault = || Problem::new(Code::InvalidParameter, "A date is out of range.");
        zone.to_timestamp(date.at(0, 0, 0, 0)).map_err(|_| fault())
    };
    let today = now.to_zoned_datetime(zone.clone()).date();
    let read = |name: &str, text: &str| {
        let date = || text.parse::<jiff::civil::Date>().ok().and_then(|date| midnight(date).ok());
        text.parse::<Timestamp>().ok().or_else(date).ok_or_else(|| {
            let detail = format!("`{name}` is neither a date such as 2026-11-23 nor a time with its offset.");
            Problem::new(Code::InvalidParameter, detail)
        })
    };
    let from = match &query.from {
        Some(text) => read("from", text)?,
        None => midnight(today.yesterday().unwrap_or(today))?,
    };
    let until = match &query.until {
        Some(text) => read("until", text)?,
        None => {
            let day = from.to_zoned_datetime(zone.clone()).date();
            midnight(day.tomorrow().unwrap_or(day))?
        }
    };
    if from >= until || until.duration_since(from) > SignedDuration::from_hours(24 * DAYS_MAX) {
        return Err(Problem::new(Code::InvalidParameter, "`from` must lie before `until`, by 31 days at most."));
    }
    Ok((from, until))
}

fn parts(shares: &ShareParts) -> Vec<Influence> {
    shares.parts().into_iter().map(|(part, share)| Influence { part: part.to_owned(), points: 100.0 * share }).collect()
}

fn member_explained(member: &str, workspace: &Workspace, shares: &ShareParts) -> MemberExplanation {
    let actual = 100.0 * shares.actual;
    let sentence = format!("`{member}` got {actual:.1} %: {}.", in_words(shares, true, too_much(&[member], workspace)));
    MemberExplanation { member: member.to_owned(), actual_percent: actual, parts: parts(shares), sentence }
}

fn difference([member, than]: [&str; 2], workspace: &Workspace, shares: &ShareParts) -> ShareDifference {
    let points = 100.0 * shares.actual;
    let word = if points < 0.0 { "less" } else { "more" };
    let size = points.abs();
    let sentence = format!(
        "`{member}` got {size:.1} points {word} than `{than}`: {}.",
        in_words(shares, false, too_much(&[member, than], workspace))
    );
    ShareDifference { member: member.to_owned(), than: than.to_owned(), points, parts: parts(shares), sentence }
}

/// What was more than these members could carry.
fn too_much(members: &[&str], workspace: &Workspace) -> &'static str {
    let is_group = |member: &&str| workspace.find_group(&GroupId::from(*member)).is_some();
    if members.iter().any(is_group) { "more than its people can carry" } else { "more than one person can carry" }
}

/// The parts that matter, in a lead's words.
fn in_words(shares: &ShareParts, whole: bool, too_much: &'static str) -> String {
    let word = |part: &str| match part {
        "base" => "set share",
        "score" => "results",
        "guard" => "overload protection and own setting",
        "presence" => "who was there",
        "feasibility" => too_much,
        "personal" => "calls given for who called",
        "missed" => "missed offers that others took",
        _ => "not evened out yet",
    };
    let told = shares.parts().into_iter().filter(|(part, share)| share.abs() >= 0.0005 || (whole && *part == "base"));
    let texts: Vec<String> = told
        .map(|(part, share)| {
            let points = 100.0 * share;
            if whole && part == "base" { format!("{} {points:.1}", word(part)) } else { format!("{} {points:+.1}", word(part)) }
        })
        .collect();
    if texts.is_empty() { "nothing sets them apart".to_owned() } else { texts.join(", ") }
}
