//! Bars, in groups, as a picture (SVG 1.1).

use std::fmt::Write;

/// One figure of all servers.
pub(super) struct Group {
    /// What it is.
    pub title: String,
    /// Each server's name and median.
    pub bars: Vec<(&'static str, f64)>,
}

/// Pixels: the picture's width, where bars begin, the greatest length of one, a row's height.
const WIDTH: usize = 760;
const LEFT: usize = 130;
const LENGTH: f64 = 520.0;
const ROW: usize = 20;

/// Draws them, each group to a scale of its own.
pub(super) fn svg(groups: &[Group]) -> String {
    let rows: usize = groups.iter().map(|group| group.bars.len() + 2).sum();
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
        height = (rows + 1) * ROW
    );
    let mut y = ROW;
    for Group { title, bars } in groups {
        line(&mut text, format_args!("<text x=\"10\" y=\"{y}\" font-weight=\"bold\">{title}</text>"));
        let most = bars.iter().map(|(_, value)| *value).fold(f64::MIN_POSITIVE, f64::max);
        for (index, (name, value)) in bars.iter().enumerate() {
            y += ROW;
            let (length, color) = (value / most * LENGTH, if index == 0 { "#2563eb" } else { "#9ca3af" });
            line(
                &mut text,
                format_args!("<text x=\"{}\" y=\"{y}\" text-anchor=\"end\">{name}</text>", LEFT - 8),
            );
            line(
                &mut text,
                format_args!(
                    "<rect x=\"{LEFT}\" y=\"{}\" width=\"{length:.1}\" height=\"14\" fill=\"{color}\"/>",
                    y - 12
                ),
            );
            line(&mut text, format_args!("<text x=\"{:.1}\" y=\"{y}\">{value:.2}</text>", 138.0 + length));
        }
        y += 2 * ROW;
    }
    text.push_str("</svg>\n");
    text
}

fn line(text: &mut String, part: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{part}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greatest_bar_fills_its_row() {
        let bars = vec![("relay", 1.0), ("nats-server", 4.0)];
        let drawn = svg(&[Group { title: "10 members, µs".into(), bars }]);
        assert!(drawn.starts_with("<svg") && drawn.ends_with("</svg>\n"), "{drawn}");
        assert!(drawn.contains("width=\"520.0\"") && drawn.contains("width=\"130.0\""), "{drawn}");
    }
}
