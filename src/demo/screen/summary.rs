//! The last word: did everybody get the share that was due? For a terminal and for a log alike.

use super::paint::{Paint, Tone, left, length, milliseconds, percent, right, signed, speed, whole};
use super::{Row, Snapshot};

/// What happened, per agent and in all. `colour` as in a frame.
pub fn render_summary(snapshot: &Snapshot, colour: bool) -> String {
    let paint = Paint { colour };
    let mut lines = vec![paint.tone(Tone::Strong, &title(snapshot)), counts(snapshot)];
    if let Some(latency) = snapshot.latency {
        let (half, most) = (milliseconds(latency.p50), milliseconds(latency.p99));
        lines.push(format!("Hook answers, as the PBX measured them: half within {half}, 99 % within {most}."));
    }
    lines.push(String::new());
    lines.push(paint.tone(Tone::Faint, &columns()));
    let mut rows: Vec<&Row> = snapshot.rows.iter().collect();
    rows.sort_by(|a, b| b.target_share.unwrap_or(0.0).total_cmp(&a.target_share.unwrap_or(0.0)));
    lines.extend(rows.into_iter().map(line));
    lines.push(String::new());
    lines.push("Score: 100 = average. Points: actual minus target share, in percentage points.".to_owned());
    lines.push(largest(snapshot));
    if let Some(trouble) = &snapshot.trouble {
        lines.push(paint.tone(Tone::Bad, trouble));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn title(snapshot: &Snapshot) -> String {
    format!(
        "Meritline demo: {} calls to {} in {} (time {}, so {} of a working day)",
        snapshot.totals.calls,
        snapshot.heads(),
        length(snapshot.elapsed),
        speed(snapshot.speed),
        length(snapshot.elapsed.mul_f64(snapshot.speed.max(0.0))),
    )
}

fn counts(snapshot: &Snapshot) -> String {
    let totals = &snapshot.totals;
    let mut text = format!(
        "Answered {}, phones not picked up {}, callers who hung up {}, to the backup number {}, contracts closed meanwhile {}",
        totals.answered, totals.missed, totals.hung_up, totals.fallback, totals.contracts
    );
    for (count, what) in [(totals.lines_busy, "calls that found all lines in use"), (totals.hook_failures, "FAILED HOOKS")] {
        if count > 0 {
            text.push_str(&format!(", {what} {count}"));
        }
    }
    text.push('.');
    text
}

fn columns() -> String {
    format!(
        "{} {} {} {} {} {} {} {}",
        left("Agent", 19),
        right("Won", 5),
        right("Check", 7),
        right("Score", 6),
        right("Calls", 6),
        right("Target", 7),
        right("Actual", 7),
        right("Points", 7),
    )
}

fn line(row: &Row) -> String {
    format!(
        "{} {} {} {} {} {} {} {}",
        left(&row.agent, 19),
        right(&whole(row.contracts), 5),
        right(&whole(row.average_check), 7),
        right(&whole(row.score.map(|score| score * 100.0)), 6),
        right(&whole(Some(row.received)), 6),
        right(&percent(row.target_share), 7),
        right(&percent(row.actual_share), 7),
        right(&signed(row.points(), 1), 7),
    )
}

fn largest(snapshot: &Snapshot) -> String {
    let received: f64 = snapshot.rows.iter().map(|row| row.received).sum();
    match snapshot.largest_difference() {
        Some(row) => {
            let points = row.points().unwrap_or(0.0);
            let calls = points / 100.0 * received;
            format!(
                "Largest difference between target and actual: {} with {} points, {:.1} calls of {received:.0}.",
                row.agent,
                signed(Some(points), 1),
                calls.abs(),
            )
        }
        None => "No shares to compare yet: nobody has received a call by share.".to_owned(),
    }
}
