//! Dimensions as elements that state them.

use std::fmt::Write as _;

use super::super::limits::{Error, hold};
use super::super::stated::Stated;
use super::hexadecimal;
use super::items::Sheet;
use super::pen::Pen;

impl Sheet<'_, '_> {
    /// `factor`: user units of the root in a unit of the drawing.
    ///
    /// # Errors
    /// [`Error::Limit`] for `output_bytes`.
    pub(super) fn dimensions(
        &mut self,
        stated: &[(usize, Stated)],
        factor: f64,
    ) -> Result<(), Error> {
        if stated.is_empty() {
            return Ok(());
        }
        self.out.push_str("<arx:dimensions>\n");
        for (_, one) in stated {
            self.dimension(one, factor);
            hold("output_bytes", self.out.len(), self.limits.output_bytes)?;
        }
        self.out.push_str("</arx:dimensions>\n");
        Ok(())
    }

    fn dimension(&mut self, one: &Stated, factor: f64) {
        let style = &one.style;
        let (looks, pen, out) = (self.looks, self.pen, &mut self.out);
        // Writing to memory cannot fail, here and below.
        let _ = write!(out, "<arx:dimension type=\"{}\" of=\"{}\" at=\"", one.kind, one.of);
        pen.number(one.at[0] * factor, out);
        out.push(' ');
        pen.number(-one.at[1] * factor, out);
        out.push('"');
        if let Some(degrees) = one.direction {
            out.push_str(" direction=\"");
            match degrees.rem_euclid(180.0) {
                0.0 => out.push_str("horizontal"),
                90.0 => out.push_str("vertical"),
                other => Pen::exact(other, out),
            }
            out.push('"');
        }
        if let Some(tolerance) = &one.tolerance {
            let _ = write!(out, " tolerance=\"{tolerance}\"");
        }
        let _ = write!(out, " style=\"{}\" unit=\"{}\"", one.standard, one.unit);
        let decimals = style.decimals[usize::from(one.kind == "angle")];
        let _ = write!(out, " decimals=\"{decimals}\"");
        if style.tick > 0.0 {
            out.push_str(" ends=\"tick\"");
        }
        let arrow = if style.tick > 0.0 { style.tick } else { style.arrow };
        for (name, size) in [
            ("text-height", style.height),
            ("arrow", arrow),
            ("gap", style.gap),
            ("beyond", style.beyond),
            ("spacing", style.spacing),
            ("scale", one.scale),
        ] {
            let _ = write!(out, " {name}=\"");
            Pen::exact(size, out);
            out.push('"');
        }
        // As the export reads the classes of layers.
        let layer = looks.layer(&one.layer).and_then(|(class, _)| class.strip_prefix("layer-"));
        let _ = write!(out, " layer=\"{}\" color=\"", layer.unwrap_or("0"));
        hexadecimal(one.colour, out);
        out.push_str("\"/>\n");
    }
}
