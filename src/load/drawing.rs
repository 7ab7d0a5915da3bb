//! Drawings of a given size: real bodies for the requests.

use std::fmt::Write as _;

/// A plan of `elements` shapes, every twentieth of them an object with a
/// property: three elements more each, counted in.
///
/// ```
/// use svgx_engine::document::{self, Limits};
///
/// let text = svgx_load::drawing(1_000);
/// let document = document::parse(&text, &Limits::default()).unwrap();
/// assert_eq!(document.elements().count(), 1_000);
/// ```
pub fn drawing(elements: usize) -> String {
    let mut out = String::with_capacity(elements * 110 + 200);
    out.push_str(HEAD);
    out.push_str("viewBox=\"0 0 4000 4000\">\n");
    let mut left = elements.saturating_sub(1);
    let mut number = 0;
    while left > 0 {
        let (x, y) = (number % 60 * 64 + 20, number / 60 % 60 * 64 + 20);
        let object = number % 20 == 7 && left >= 4;
        left -= if object { 4 } else { 1 };
        // Writing into a String cannot fail.
        let _ = match number % 5 {
            _ if object => writeln!(
                out,
                "<rect id=\"e{number}\" x=\"{x}\" y=\"{y}\" width=\"48\" height=\"40\" \
                 fill=\"#dde3ea\"><arx:object id=\"o{number}\" type=\"furniture\" \
                 system=\"architectural\"><arx:properties>\
                 <arx:property name=\"load\" value=\"{}\" unit=\"kg\"/>\
                 </arx:properties></arx:object></rect>",
                20 + number % 80
            ),
            0 | 1 => writeln!(
                out,
                "<rect id=\"e{number}\" x=\"{x}\" y=\"{y}\" width=\"48\" height=\"40\" \
                 fill=\"#c8ccd2\" stroke=\"#333\"/>"
            ),
            2 => writeln!(
                out,
                "<circle id=\"e{number}\" cx=\"{}\" cy=\"{}\" r=\"18.5\" fill=\"#f2b705\"/>",
                x + 24,
                y + 20
            ),
            3 => writeln!(
                out,
                "<path id=\"e{number}\" d=\"M{x} {y} h48 v40 l-24 -12.5 L{x} {} z\" \
                 fill=\"none\" stroke=\"#0b7285\" stroke-width=\"2\"/>",
                y + 40
            ),
            _ => writeln!(
                out,
                "<line id=\"e{number}\" x1=\"{x}\" y1=\"{y}\" x2=\"{}\" y2=\"{}\" \
                 stroke=\"#868e96\"/>",
                x + 48,
                y + 40
            ),
        };
        number += 1;
    }
    out.push_str("</svg>\n");
    out
}

/// `bodies` boxes that fall on a floor in short columns: one metre each, 80 kg.
pub fn pile(bodies: usize) -> String {
    let mut out = String::with_capacity(bodies * 170 + 400);
    out.push_str(HEAD);
    out.push_str("viewBox=\"0 0 120000 20000\">\n");
    out.push_str(
        "<rect id=\"floor\" x=\"-2000\" y=\"19000\" width=\"124000\" height=\"1000\">\
         <arx:physics motion=\"fixed\" friction=\"0.6\"/></rect>\n",
    );
    for number in (0_i64..).take(bodies) {
        // Columns of four, each box a little aside from the one below, so that they do move.
        // From the 80th column on they stand above each other, and past the top of the drawing.
        let (column, row) = (number / 4, number % 4);
        let x = 1_200 + column % 80 * 1_450 + row * 37;
        let y = 17_900 - row * 1_150 - column / 80 * 6_000;
        let _ = writeln!(
            out,
            "<rect id=\"b{number}\" x=\"{x}\" y=\"{y}\" width=\"1000\" height=\"1000\">\
             <arx:physics><arx:mass value=\"80\" unit=\"kg\"/></arx:physics></rect>"
        );
    }
    out.push_str("</svg>\n");
    out
}

/// `lines` lines drawn a little aslant, each of which shall be horizontal or vertical.
pub fn sketch(lines: usize) -> String {
    let mut out = String::with_capacity(lines * 130 + 300);
    out.push_str(HEAD);
    out.push_str("viewBox=\"0 0 4000 4000\">\n");
    for number in 0..lines {
        let (x, y) = (number % 60 * 64 + 20, number / 60 % 60 * 64 + 20);
        let (dx, dy) = if number % 2 == 0 { (48, 3) } else { (3, 40) };
        let _ = writeln!(
            out,
            "<line id=\"l{number}\" x1=\"{x}\" y1=\"{y}\" x2=\"{}\" y2=\"{}\" stroke=\"#333\"/>",
            x + dx,
            y + dy
        );
    }
    out.push_str("<arx:constraints>\n");
    for number in 0..lines {
        let kind = if number % 2 == 0 { "horizontal" } else { "vertical" };
        let _ = writeln!(out, "<arx:constraint type=\"{kind}\" of=\"l{number}\"/>");
    }
    out.push_str("</arx:constraints>\n</svg>\n");
    out
}

const HEAD: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:arx=\"http://arxos.io/svgx\" ";

#[cfg(test)]
mod tests {
    use svgx_engine::document::{self, Limits};

    use super::*;

    #[test]
    fn piles_of_every_size_lie_where_a_drawing_may_be() {
        for bodies in [1, 320, 321, 1_281, 3_000] {
            let document = document::parse(&pile(bodies), &Limits::default()).expect("a drawing");
            let boxes = document.elements().filter_map(|node| document.attr(node, "y"));
            let places: Vec<f64> = boxes.map(|y| y.parse().expect("a number")).collect();
            // The floor is one of them.
            assert_eq!(places.len(), bodies + 1);
            assert!(places.iter().all(|y| y.abs() < 1e6), "{bodies}: {places:?}");
        }
    }
}
