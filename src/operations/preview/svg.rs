//! A growing SVG text.

use std::fmt::Write as _;

use svgx_base::xml::escape;

/// The picture so far.
#[derive(Debug)]
pub(super) struct Svg(String);

impl Svg {
    pub(super) fn new(width: f64, height: f64) -> Svg {
        let mut out = String::new();
        let _ = writeln!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"Helvetica, Arial, sans-serif\">\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#f0f2f5\"/>"
        );
        Svg(out)
    }

    pub(super) fn text(&mut self, at: (f64, f64), size: f64, fill: &str, anchor: &str, text: &str) {
        let _ = writeln!(
            self.0,
            "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"{size}\" fill=\"{fill}\" \
             text-anchor=\"{anchor}\">{}</text>",
            at.0,
            at.1,
            escape(text)
        );
    }

    pub(super) fn rect(&mut self, at: (f64, f64), size: (f64, f64), fill: &str, more: &str) {
        let _ = writeln!(
            self.0,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{fill}\" {more}/>",
            at.0,
            at.1,
            size.0.max(0.0),
            size.1.max(0.0)
        );
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: &str, more: &str) {
        let _ = writeln!(
            self.0,
            "<path d=\"M{:.1} {:.1}L{:.1} {:.1}\" stroke=\"{stroke}\" {more}/>",
            from.0, from.1, to.0, to.1
        );
    }

    /// A path through `points`; a new stretch begins after each hole.
    pub(super) fn path(&mut self, stretches: &[Vec<(f64, f64)>], fill: &str, stroke: &str) {
        let mut d = String::new();
        for stretch in stretches {
            for (i, (x, y)) in stretch.iter().enumerate() {
                let _ = write!(d, "{}{x:.1} {y:.1}", if i == 0 { "M" } else { "L" });
            }
            // A single point is a dot as wide as the line.
            if stretch.len() == 1 {
                d.push_str("h.1");
            }
            if fill != "none" {
                d.push('Z');
            }
        }
        let opacity = if fill == "none" { "" } else { " fill-opacity=\".45\"" };
        let _ = writeln!(
            self.0,
            "<path d=\"{d}\" fill=\"{fill}\"{opacity} stroke=\"{stroke}\" stroke-width=\"1.5\" \
             stroke-linejoin=\"round\" stroke-linecap=\"round\"/>"
        );
    }

    pub(super) fn end(mut self) -> String {
        self.0.push_str("</svg>\n");
        self.0
    }
}
