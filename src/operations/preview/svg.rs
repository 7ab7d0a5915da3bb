//! How the parts of these charts look, on the common canvas.

use svgx_base::svg::{Canvas, Point};

/// The picture so far.
#[derive(Debug)]
pub(super) struct Svg(Canvas);

impl Svg {
    pub(super) fn new(width: f64, height: f64) -> Svg {
        let font = "font-family=\"Helvetica, Arial, sans-serif\"";
        let mut canvas = Canvas::new((width, height), font);
        canvas.rect((0.0, 0.0), (width, height), "fill=\"#f0f2f5\"");
        Svg(canvas)
    }

    pub(super) fn text(&mut self, at: Point, size: f64, fill: &str, anchor: &str, text: &str) {
        let look = format_args!("font-size=\"{size}\" fill=\"{fill}\" text-anchor=\"{anchor}\"");
        self.0.text(at, look, text);
    }

    pub(super) fn rect(&mut self, at: Point, size: Point, fill: &str, more: &str) {
        self.0.rect(at, size, format_args!("fill=\"{fill}\" {more}"));
    }

    pub(super) fn line(&mut self, from: Point, to: Point, stroke: &str, more: &str) {
        self.0.segment(from, to, format_args!("stroke=\"{stroke}\" {more}"));
    }

    /// A path through `points`; a new stretch begins after each hole.
    pub(super) fn path(&mut self, stretches: &[Vec<Point>], fill: &str, stroke: &str) {
        let opacity = if fill == "none" { "" } else { "fill-opacity=\".45\"" };
        let look = format_args!(
            "fill=\"{fill}\" {opacity} stroke=\"{stroke}\" stroke-width=\"1.5\" \
             stroke-linejoin=\"round\" stroke-linecap=\"round\""
        );
        self.0.polyline(stretches, fill != "none", look);
    }

    pub(super) fn end(self) -> String {
        self.0.finish()
    }
}
