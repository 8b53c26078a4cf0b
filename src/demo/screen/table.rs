//! The live table: as many agents as fit, what just happened, and where to look.

use super::paint::{Paint, Tone, bar, cropped, left, length, milliseconds, percent, right, signed, speed, whole};
use super::{Frame, Row, Snapshot};

/// From this width on the team has a column of its own.
const WIDE: usize = 110;
/// Lines kept for sentences, at least and at most.
const RECENT: (usize, usize) = (3, 12);
const BAR_MAX: usize = 30;
/// Columns of everything but bar and team, gaps included.
const FIXED: usize = 68;
const TEAM: usize = 26;
/// Columns in front of the shares.
const HEADING: usize = 37;

const LEGEND: &str = "█ got  ░ behind its target  ▓ ahead of it    score: 100 = average    owed: calls";

/// The order and number of rows.
enum Layout {
    /// By team, each under its heading.
    Teams,
    /// By target share, this many.
    Top(usize),
}

/// Draws the whole screen: at most `frame.height` lines of at most `frame.width` columns.
pub fn render_live(snapshot: &Snapshot, frame: Frame) -> String {
    let paint = Paint { colour: frame.colour };
    let mut lines = head(snapshot, frame, paint);
    lines.push(String::new());
    let tail = tail(snapshot, frame, paint);
    let room = frame.height.saturating_sub(lines.len() + tail.len() + RECENT.0 + 4);
    let layout = layout(&snapshot.rows, room);
    lines.push(paint.tone(Tone::Faint, &cropped(&columns(frame.width, &layout), frame.width)));
    lines.extend(body(snapshot, &layout, frame.width, paint));
    lines.push(paint.tone(Tone::Faint, &cropped(LEGEND, frame.width)));
    lines.push(String::new());
    let free = frame.height.saturating_sub(lines.len() + tail.len() + 1).clamp(RECENT.0, RECENT.1);
    let skip = snapshot.recent.len().saturating_sub(free);
    lines.extend(snapshot.recent.iter().skip(skip).map(|line| cropped(line, frame.width)));
    lines.push(String::new());
    lines.extend(tail);
    lines.truncate(frame.height);
    lines.join("\n")
}

fn layout(rows: &[Row], room: usize) -> Layout {
    let mut teams: Vec<&str> = rows.iter().map(|row| row.team.as_str()).collect();
    teams.dedup();
    match room {
        room if room >= rows.len() + teams.len() => Layout::Teams,
        room if room >= rows.len() => Layout::Top(rows.len()),
        // One line says how many more there are.
        room => Layout::Top(room.saturating_sub(1).max(3)),
    }
}

fn head(snapshot: &Snapshot, frame: Frame, paint: Paint) -> Vec<String> {
    let title =
        format!("Meritline demo   {}   time {}   running {}", snapshot.heads(), speed(snapshot.speed), length(snapshot.elapsed));
    let totals = &snapshot.totals;
    let mut counts = format!(
        "calls {}  answered {}  unanswered rings {}  hung up {}  backup number {}  now {}",
        totals.calls, totals.answered, totals.missed, totals.hung_up, totals.fallback, totals.in_flight
    );
    let mut lines = vec![paint.tone(Tone::Strong, &cropped(&title, frame.width))];
    let hooks = snapshot.latency.map(|latency| {
        format!("hook answers: half within {}, 99 % within {}", milliseconds(latency.p50), milliseconds(latency.p99))
    });
    match hooks {
        Some(hooks) if counts.chars().count() + hooks.chars().count() + 3 <= frame.width => {
            counts = format!("{counts}  {hooks}");
            lines.push(cropped(&counts, frame.width));
        }
        Some(hooks) => lines.extend([cropped(&counts, frame.width), cropped(&hooks, frame.width)]),
        None => lines.push(cropped(&counts, frame.width)),
    }
    if let Some(trouble) = &snapshot.trouble {
        lines.push(paint.tone(Tone::Bad, &cropped(trouble, frame.width)));
    }
    lines
}

fn tail(snapshot: &Snapshot, frame: Frame, paint: Paint) -> Vec<String> {
    let wide = snapshot.look_at.iter().map(|look| look.what.chars().count()).max().unwrap_or(0);
    let mut lines: Vec<String> = snapshot
        .look_at
        .iter()
        .map(|look| cropped(format!("{}  {}  {}", left(&look.what, wide), look.address, look.login).trim_end(), frame.width))
        .collect();
    let note = "Data: CRM Sales Opportunities, a public sample of Maven Analytics. Ctrl-C ends.";
    lines.push(paint.tone(Tone::Faint, &cropped(note, frame.width)));
    lines
}

fn bar_width(width: usize) -> usize {
    let team = if width >= WIDE { TEAM + 1 } else { 0 };
    width.saturating_sub(FIXED + team).clamp(4, BAR_MAX)
}

fn columns(width: usize, layout: &Layout) -> String {
    let team = if width >= WIDE && matches!(layout, Layout::Top(_)) { left("Office, team", TEAM) + " " } else { String::new() };
    let bar = match layout {
        Layout::Teams => bar_width(width) + if width >= WIDE { TEAM + 1 } else { 0 },
        Layout::Top(_) => bar_width(width),
    };
    format!(
        "{} {team}{} {} {} {} {} {} {} State",
        left("Agent", 19),
        right("Won", 4),
        right("Check", 6),
        right("Score", 5),
        right("Target", 6),
        right("Actual", 6),
        left("", bar.min(BAR_MAX)),
        right("Owed", 5),
    )
}

fn body(snapshot: &Snapshot, layout: &Layout, width: usize, paint: Paint) -> Vec<String> {
    let share = |row: &Row| row.target_share.unwrap_or(0.0).max(row.actual_share.unwrap_or(0.0));
    let full = snapshot.rows.iter().map(share).fold(0.0, f64::max);
    match layout {
        Layout::Teams => by_team(&snapshot.rows, full, width, paint),
        Layout::Top(most) => {
            let mut rows: Vec<&Row> = snapshot.rows.iter().collect();
            rows.sort_by(|a, b| b.target_share.unwrap_or(0.0).total_cmp(&a.target_share.unwrap_or(0.0)));
            let mut lines: Vec<String> = rows.iter().take(*most).map(|row| line(row, full, width, (paint, true))).collect();
            if rows.len() > *most {
                lines.push(paint.tone(Tone::Faint, &format!("… and {} more", rows.len() - most)));
            }
            lines
        }
    }
}

fn by_team(rows: &[Row], full: f64, width: usize, paint: Paint) -> Vec<String> {
    let mut lines = Vec::new();
    for team in rows.chunk_by(|a, b| a.team == b.team) {
        let sum = |of: fn(&Row) -> Option<f64>| team.iter().filter_map(of).sum::<f64>();
        if let Some(first) = team.first() {
            let known = team.iter().any(|row| row.target_share.is_some());
            let share = |of: fn(&Row) -> Option<f64>| right(&percent(known.then(|| sum(of))), 6);
            let (target, actual) = (share(|row| row.target_share), share(|row| row.actual_share));
            let name = left(&format!("{}, team of {}", first.office, first.team), HEADING);
            let heading = format!("{name} {target} {actual}");
            lines.push(paint.tone(Tone::Strong, &cropped(&heading, width)));
        }
        let mut team: Vec<&Row> = team.iter().collect();
        team.sort_by(|a, b| b.target_share.unwrap_or(0.0).total_cmp(&a.target_share.unwrap_or(0.0)));
        lines.extend(team.iter().map(|row| line(row, full, width, (paint, false))));
    }
    lines
}

fn line(row: &Row, full: f64, width: usize, (paint, with_team): (Paint, bool)) -> String {
    let team_column = width >= WIDE;
    let team = match (team_column, with_team) {
        (true, true) => paint.tone(Tone::Faint, &left(&format!("{}, {}", row.office, row.team), TEAM)) + " ",
        _ => String::new(),
    };
    let bar_columns = bar_width(width) + if team_column && !with_team { TEAM + 1 } else { 0 };
    let (target, actual) = (row.target_share.unwrap_or(0.0), row.actual_share.unwrap_or(0.0));
    let (got, rest, empty) = bar(target, actual, full, bar_columns.min(BAR_MAX));
    let rest_tone = if actual < target { Tone::Waiting } else { Tone::Ahead };
    let score = whole(row.score.map(|score| score * 100.0));
    format!(
        "{} {team}{} {} {} {} {} {}{}{empty} {} {}",
        left(&row.agent, 19),
        right(&whole(row.contracts), 4),
        right(&whole(row.average_check), 6),
        right(&score, 5),
        right(&percent(row.target_share), 6),
        right(&percent(row.actual_share), 6),
        paint.tone(Tone::Good, &got),
        paint.tone(rest_tone, &rest),
        right(&signed(row.owed, 1), 5),
        state(&row.state, paint),
    )
}

fn state(state: &str, paint: Paint) -> String {
    let (tone, word) = match state {
        "talking" => (Tone::Good, "talking"),
        "ringing" => (Tone::Waiting, "ringing"),
        "wrap_up" => (Tone::Faint, "wrap-up"),
        "off_duty" => (Tone::Faint, "off duty"),
        "paused" | "stopped" => (Tone::Bad, state),
        "" => (Tone::Faint, "–"),
        other => (Tone::Plain, other),
    };
    paint.tone(tone, &cropped(word, 8))
}
