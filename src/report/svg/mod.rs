//! Small charts as SVG text: bars and lines. Each is whole in itself, so that it can stand in a page or in a file of its own.
//!
//! Knows nothing of what it draws.

mod bars;
mod lines;

pub use bars::{BarChart, bars};
pub use lines::{LineChart, lines};

/// Width of every chart.
const WIDTH: f64 = 760.0;
/// Room for the title, the figures at the left, the words below.
const TOP: f64 = 46.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 28.0;
const BOTTOM: f64 = 46.0;
/// Height of the part with the data.
const HEIGHT: f64 = 220.0;

const INK: &str = "#1f2937";
const FAINT: &str = "#6b7280";
const GRID: &str = "#e5e7eb";

/// Colours that can be told apart, also by most who see colours differently (Okabe and Ito, and a few more).
const COLOURS: [&str; 10] =
    ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#7f7f7f", "#b2a300", "#6a3d9a", "#000000"];

/// Stands where there is no value: a line has a gap there.
pub const NO_VALUE: f64 = f64::NAN;

/// One line or one kind of bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its name.
    pub name: String,
    /// Its values, one for each place.
    pub values: Vec<f64>,
}

/// Text as it may stand inside an element or an attribute.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // No XML document may hold these at all.
            control if control.is_control() && !matches!(control, '\n' | '\t') => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

fn colour(place: usize) -> &'static str {
    COLOURS.get(place % COLOURS.len()).copied().unwrap_or(INK)
}

/// A chart in the making.
struct Canvas {
    text: String,
    legend_rows: f64,
}

impl Canvas {
    /// Opens the chart with its title and the names of what is drawn.
    fn open(title: &str, names: &[&str]) -> Self {
        let (places, legend_rows) = legend_places(names);
        let height = TOP + legend_rows * 18.0 + HEIGHT + BOTTOM;
        let title = escape(title);
        let mut canvas = Self {
            text: format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\" \
                 font-family=\"system-ui, sans-serif\" font-size=\"12\">\n<title>{title}</title>\n\
                 <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
                 <text x=\"{LEFT}\" y=\"22\" font-size=\"15\" font-weight=\"600\" fill=\"{INK}\">{title}</text>\n"
            ),
            legend_rows,
        };
        for (place, (name, (x, row))) in names.iter().zip(places).enumerate() {
            let y = 36.0 + row * 18.0;
            let (colour, text_x, text_y) = (colour(place), x + 16.0, y + 9.0);
            canvas.push(&format!("<rect x=\"{x}\" y=\"{y}\" width=\"11\" height=\"11\" fill=\"{colour}\"/>"));
            canvas.push(&format!("<text x=\"{text_x}\" y=\"{text_y}\" fill=\"{INK}\">{}</text>", escape(name)));
        }
        canvas
    }

    fn push(&mut self, element: &str) {
        self.text.push_str(element);
        self.text.push('\n');
    }

    fn top(&self) -> f64 {
        TOP + self.legend_rows * 18.0
    }

    fn bottom(&self) -> f64 {
        self.top() + HEIGHT
    }

    /// Where a value stands on the vertical axis from 0 to `most`.
    fn y(&self, value: f64, most: f64) -> f64 {
        self.bottom() - (value / most).clamp(0.0, 1.0) * HEIGHT
    }

    /// Lines and figures of the vertical axis.
    fn vertical_axis(&mut self, most: f64, step: f64, unit: &str) {
        let mut value = 0.0;
        while value <= most + step / 1e6 {
            let y = self.y(value, most);
            let (right, at, text_y) = (WIDTH - RIGHT, LEFT - 8.0, y + 4.0);
            self.push(&format!("<line x1=\"{LEFT}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"{GRID}\"/>"));
            let figure = format!("{}{}", plain(value, step), escape(unit));
            self.push(&format!("<text x=\"{at}\" y=\"{text_y:.1}\" text-anchor=\"end\" fill=\"{FAINT}\">{figure}</text>"));
            value += step;
        }
    }

    /// A word or figure under a place of the horizontal axis.
    fn under(&mut self, x: f64, text: &str) {
        let y = self.bottom() + 16.0;
        self.push(&format!("<text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\" fill=\"{FAINT}\">{}</text>", escape(text)));
    }

    /// What the horizontal axis shows.
    fn horizontal_title(&mut self, text: &str) {
        let (x, y) = (f64::midpoint(LEFT, WIDTH - RIGHT), self.bottom() + 36.0);
        self.push(&format!("<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\" fill=\"{FAINT}\">{}</text>", escape(text)));
    }

    fn close(mut self) -> String {
        self.text.push_str("</svg>\n");
        self.text
    }
}

/// Places of the legend's names, row by row: x and row. The second is the number of rows.
fn legend_places(names: &[&str]) -> (Vec<(f64, f64)>, f64) {
    let (mut x, mut row) = (LEFT, 0.0);
    let mut places = Vec::with_capacity(names.len());
    for name in names {
        let width = 34.0 + name.chars().count() as f64 * 6.8;
        if x + width > WIDTH - RIGHT && x > LEFT {
            (x, row) = (LEFT, row + 1.0);
        }
        places.push((x, row));
        x += width;
    }
    (places, if names.is_empty() { 0.0 } else { row + 1.0 })
}

/// A round step that divides `most` into about five, and the multiple of it at or above `most`.
fn round_axis(most: f64) -> (f64, f64) {
    if !(most > 0.0 && most.is_finite()) {
        return (1.0, 0.2);
    }
    let rough = most / 5.0;
    let magnitude = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|times| times * magnitude).find(|step| *step >= rough).unwrap_or(rough);
    ((most / step - 1e-9).ceil() * step, step)
}

/// A figure with as many digits as its step needs.
fn plain(value: f64, step: f64) -> String {
    let digits = if step >= 1.0 { 0 } else { (-step.log10()).ceil().clamp(0.0, 6.0) as usize };
    format!("{value:.digits$}")
}

fn largest(series: &[Series]) -> f64 {
    series.iter().flat_map(|series| &series.values).copied().filter(|value| value.is_finite()).fold(0.0, f64::max)
}
