//! Charts: true to their figures, and nothing from outside gets into them unescaped.

use meritline::report::svg::{BarChart, LineChart, NO_VALUE, Series, bars, escape, lines};

fn series(name: &str, values: &[f64]) -> Series {
    Series { name: name.to_owned(), values: values.to_vec() }
}

fn attribute(element: &str, name: &str) -> f64 {
    let after = element.split_once(&format!(" {name}=\"")).unwrap_or_else(|| panic!("{name} in {element}")).1;
    after.split_once('"').unwrap().0.parse().unwrap()
}

#[test]
fn bars_are_as_high_as_their_figures() {
    let chart = BarChart {
        title: "Shares".to_owned(),
        labels: vec!["anna".to_owned(), "boris".to_owned()],
        series: vec![series("due", &[25.0, 50.0]), series("received", &[100.0, 0.0])],
        unit: " %".to_owned(),
    };
    let svg = bars(&chart);
    let heights: Vec<f64> = svg
        .lines()
        .filter(|line| line.starts_with("<rect") && line.contains("<title>"))
        .map(|bar| attribute(bar, "height"))
        .collect();
    // The axis ends at 100 %, which is 220 units high.
    assert_eq!(heights, [55.0, 110.0, 220.0, 0.0]);
    assert!(svg.contains("<title>anna, received: 100 %</title>") && svg.contains(">boris</text>"), "{svg}");
}

#[test]
fn lines_go_through_their_points() {
    let chart = LineChart {
        title: "Wait".to_owned(),
        horizontal: "hour".to_owned(),
        places: vec![(1.0, "1".to_owned()), (2.0, String::new()), (3.0, "3".to_owned())],
        series: vec![series("ours", &[0.0, 2.5, 5.0])],
        unit: " s".to_owned(),
        reference: Some(series("goal", &[5.0, 5.0, 5.0])),
    };
    let svg = lines(&chart);
    // One row of legend: the drawing is from 64 to 284 high and from 64 to 732 wide.
    assert!(svg.contains("points=\"64.0,284.0 398.0,174.0 732.0,64.0\""), "{svg}");
    assert!(svg.contains("points=\"64.0,64.0 398.0,64.0 732.0,64.0\"") && svg.contains("stroke-dasharray"), "{svg}");
    assert_eq!(svg.matches("<circle").count(), 2);
}

/// Where nothing is known the line has a gap: it does not fall to 0, and it does not run across.
#[test]
fn a_line_has_a_gap_where_there_is_no_value() {
    let places = (1..=5).map(|at| (f64::from(at), at.to_string())).collect();
    let chart = LineChart {
        title: "Calls".to_owned(),
        horizontal: "hour".to_owned(),
        places,
        series: vec![series("ours", &[5.0, 2.5, NO_VALUE, 5.0, 5.0])],
        unit: String::new(),
        reference: None,
    };
    let svg = lines(&chart);
    assert!(svg.contains("points=\"64.0,64.0 231.0,174.0\"") && svg.contains("points=\"565.0,64.0 732.0,64.0\""), "{svg}");
    assert_eq!((svg.matches("<circle").count(), svg.contains("NaN")), (4, false), "{svg}");
}

#[test]
fn nothing_to_draw_is_no_fault() {
    for values in [&[][..], &[0.0], &[f64::NAN]] {
        let labels = vec!["a".to_owned(); values.len()];
        let places = labels.iter().map(|label| (1.0, label.clone())).collect();
        let svg = bars(&BarChart { title: String::new(), labels, series: vec![series("s", values)], unit: String::new() });
        assert!(svg.ends_with("</svg>\n"));
        let chart = LineChart {
            title: String::new(),
            horizontal: String::new(),
            places,
            series: vec![series("s", values)],
            unit: String::new(),
            reference: None,
        };
        assert!(lines(&chart).ends_with("</svg>\n"));
    }
}

#[test]
fn texts_cannot_break_out() {
    assert_eq!(escape("<b a=\"1\" c='2'>&\u{0}"), "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;\u{fffd}");
    let hostile = "\"><script>alert(1)</script>";
    let chart = BarChart {
        title: hostile.to_owned(),
        labels: vec![hostile.to_owned()],
        series: vec![series(hostile, &[1.0])],
        unit: hostile.to_owned(),
    };
    let svg = bars(&chart);
    assert!(!svg.contains("<script") && svg.contains("&lt;script&gt;"));
}
