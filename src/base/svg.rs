//! A small canvas for charts in SVG. It writes numbers to a tenth of a pixel and
//! escapes all text; what a chart looks like is the caller's.

use std::fmt::{Display, Write as _};

use crate::xml::escape;

/// A picture that grows.
#[derive(Debug)]
pub struct Canvas(String);

/// A place in pixels.
pub type Point = (f64, f64);

impl Canvas {
    /// A picture of `size`. `attributes` go to its root, and set what all of it inherits.
    pub fn new(size: Point, attributes: &str) -> Canvas {
        let (width, height) = size;
        Canvas(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" {attributes}>\n"
        ))
    }

    /// A style sheet.
    pub fn style(&mut self, css: &str) {
        self.line(format_args!("<style>{}</style>", escape(css)));
    }

    /// Text, from its baseline. `attributes` are markup: a class, a fill, an anchor.
    pub fn text(&mut self, at: Point, attributes: impl Display, text: &str) {
        let (x, y) = at;
        self.line(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" {attributes}>{}</text>",
            escape(text)
        ));
    }

    /// A rectangle; a negative size is none.
    pub fn rect(&mut self, at: Point, size: Point, attributes: impl Display) {
        let ((x, y), (width, height)) = (at, (size.0.max(0.0), size.1.max(0.0)));
        self.line(format_args!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" {attributes}/>"
        ));
    }

    /// A straight line.
    pub fn segment(&mut self, from: Point, to: Point, attributes: impl Display) {
        self.polyline(&[vec![from, to]], false, attributes);
    }

    /// Lines through points; each stretch begins anew, so that a hole in the data stays one.
    /// A single point is a dot as wide as the line.
    pub fn polyline(&mut self, stretches: &[Vec<Point>], closed: bool, attributes: impl Display) {
        let mut d = String::new();
        for stretch in stretches {
            for (i, (x, y)) in stretch.iter().enumerate() {
                // Writing into a string cannot fail.
                let _ = write!(d, "{}{x:.1} {y:.1}", if i == 0 { 'M' } else { 'L' });
            }
            if stretch.len() == 1 {
                d.push_str("h.1");
            }
            if closed {
                d.push('Z');
            }
        }
        self.line(format_args!("<path d=\"{d}\" {attributes}/>"));
    }

    /// The whole picture.
    pub fn finish(mut self) -> String {
        self.0.push_str("</svg>\n");
        self.0
    }

    fn line(&mut self, markup: std::fmt::Arguments<'_>) {
        let _ = writeln!(self.0, "{markup}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_numbers_are_short() {
        let mut canvas = Canvas::new((100.0, 50.0), "font-size=\"9\"");
        canvas.text((1.0, 2.26), "fill=\"red\"", "<a & b>");
        canvas.rect((0.0, 0.0), (-1.0, 3.0), "");
        canvas.polyline(&[vec![(0.0, 0.0), (1.0, 2.0)], vec![(4.0, 4.0)]], false, "class=\"c\"");
        let svg = canvas.finish();
        for part in [
            "width=\"100\" height=\"50\" viewBox=\"0 0 100 50\" font-size=\"9\">",
            "<text x=\"1.0\" y=\"2.3\" fill=\"red\">&lt;a &amp; b&gt;</text>",
            "<rect x=\"0.0\" y=\"0.0\" width=\"0.0\" height=\"3.0\" />",
            "<path d=\"M0.0 0.0L1.0 2.0M4.0 4.0h.1\" class=\"c\"/>",
        ] {
            assert!(svg.contains(part), "{svg}");
        }
    }
}
