//! Lines over a common axis.

use super::{Canvas, FAINT, LEFT, RIGHT, Series, WIDTH, colour, escape, largest, plain, round_axis};

/// What a chart of lines shows.
#[derive(Debug, Clone, PartialEq)]
pub struct LineChart {
    /// Over the chart.
    pub title: String,
    /// What the horizontal axis shows.
    pub horizontal: String,
    /// Where each value stands on the horizontal axis, rising, with the word under it; an empty word leaves it bare.
    pub places: Vec<(f64, String)>,
    /// The lines.
    pub series: Vec<Series>,
    /// After each figure of the vertical axis, such as ` %`.
    pub unit: String,
    /// A line to compare with, such as perfect equality; not named in the legend.
    pub reference: Option<Series>,
}

/// Draws it.
pub fn lines(chart: &LineChart) -> String {
    let names: Vec<&str> = chart.series.iter().map(|series| series.name.as_str()).collect();
    let mut canvas = Canvas::open(&chart.title, &names);
    let beside = chart.reference.as_ref().map_or(0.0, |series| largest(std::slice::from_ref(series)));
    let (most, step) = round_axis(largest(&chart.series).max(beside));
    canvas.vertical_axis(most, step, &chart.unit);
    let first = chart.places.first().map_or(0.0, |(at, _)| *at);
    let span = chart.places.last().map_or(1.0, |(at, _)| at - first);
    let x = |at: f64| LEFT + if span > 0.0 { (at - first) / span } else { 0.5 } * (WIDTH - LEFT - RIGHT);
    let path = |canvas: &Canvas, points: &[(f64, f64)]| -> String {
        points.iter().map(|(at, value)| format!("{:.1},{:.1} ", x(*at), canvas.y(*value, most))).collect()
    };
    if let Some(reference) = &chart.reference {
        let told = escape(&reference.name);
        for stretch in stretches(&chart.places, &reference.values) {
            let points = path(&canvas, &stretch);
            canvas.push(&format!(
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{FAINT}\" stroke-dasharray=\"4 4\"><title>{told}</title></polyline>",
                points.trim_end()
            ));
        }
    }
    for (place, series) in chart.series.iter().enumerate() {
        let (told, colour) = (escape(&series.name), colour(place));
        for stretch in stretches(&chart.places, &series.values) {
            let points = path(&canvas, &stretch);
            canvas.push(&format!(
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"><title>{told}</title></polyline>",
                points.trim_end()
            ));
        }
        let known = chart.places.iter().zip(&series.values).filter(|(_, value)| value.is_finite());
        for ((at, label), value) in known.filter(|((_, label), _)| !label.is_empty()) {
            let (cx, cy) = (x(*at), canvas.y(*value, most));
            let figure = escape(&format!("{}, {label}: {}{}", series.name, plain(*value, step / 10.0), chart.unit));
            canvas.push(&format!(
                "<circle cx=\"{cx:.1}\" cy=\"{cy:.1}\" r=\"3\" fill=\"{colour}\"><title>{figure}</title></circle>"
            ));
        }
    }
    for (at, label) in chart.places.iter().filter(|(_, label)| !label.is_empty()) {
        canvas.under(x(*at), label);
    }
    canvas.horizontal_title(&chart.horizontal);
    canvas.close()
}

/// The points of a line, in a new piece after each gap.
fn stretches(places: &[(f64, String)], values: &[f64]) -> Vec<Vec<(f64, f64)>> {
    let points: Vec<(f64, f64)> = places.iter().zip(values).map(|((at, _), value)| (*at, *value)).collect();
    points.split(|(_, value)| !value.is_finite()).filter(|stretch| !stretch.is_empty()).map(<[_]>::to_vec).collect()
}
