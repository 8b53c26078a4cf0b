//! Bars side by side.

use super::{Canvas, LEFT, RIGHT, Series, WIDTH, colour, escape, largest, plain, round_axis};

/// More words than this under the bars would overlap: every second, third, ... is written.
const LABELS_MAX: usize = 24;

/// What a chart of bars shows.
#[derive(Debug, Clone, PartialEq)]
pub struct BarChart {
    /// Over the chart.
    pub title: String,
    /// Under each place.
    pub labels: Vec<String>,
    /// The kinds of bars at each place.
    pub series: Vec<Series>,
    /// After each figure, such as ` %`.
    pub unit: String,
}

/// Draws it.
pub fn bars(chart: &BarChart) -> String {
    let names: Vec<&str> = chart.series.iter().map(|series| series.name.as_str()).collect();
    let mut canvas = Canvas::open(&chart.title, &names);
    let (most, step) = round_axis(largest(&chart.series));
    canvas.vertical_axis(most, step, &chart.unit);
    let place_width = (WIDTH - LEFT - RIGHT) / chart.labels.len().max(1) as f64;
    let bar_width = place_width * 0.8 / chart.series.len().max(1) as f64;
    for (kind, series) in chart.series.iter().enumerate() {
        for (place, value) in series.values.iter().enumerate() {
            let x = LEFT + place as f64 * place_width + place_width * 0.1 + kind as f64 * bar_width;
            let y = canvas.y(*value, most);
            let (height, colour) = (canvas.bottom() - y, colour(kind));
            let label = chart.labels.get(place).map_or("", String::as_str);
            let told = escape(&format!("{label}, {}: {}{}", series.name, plain(*value, step / 10.0), chart.unit));
            canvas.push(&format!(
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{bar_width:.1}\" height=\"{height:.1}\" fill=\"{colour}\"><title>{told}</title></rect>"
            ));
        }
    }
    let every = chart.labels.len().div_ceil(LABELS_MAX).max(1);
    for (place, label) in chart.labels.iter().enumerate().step_by(every) {
        canvas.under(LEFT + (place as f64 + 0.5) * place_width, label);
    }
    canvas.close()
}
