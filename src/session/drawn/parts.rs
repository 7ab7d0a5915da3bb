//! The parts that constraints name: ends, corners, sides and centres, as the solver counts them, and what
//! they are called after an edit.

use svgx_shapes::{Carrier, Edge, Outline, Vector};

/// How far a part may be from where it was, and be the same: micrometres.
const SAME: f64 = 2.0;

/// What a name stands for.
#[derive(Clone, Copy, Debug)]
enum Part {
    Point(Vector),
    Side(Edge),
    Centre(Vector),
}

/// The named parts of an element.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    noun: &'static str,
    named: Vec<(String, Part)>,
}

impl Parts {
    /// Of an element of SVG that draws these outlines.
    pub(crate) fn of(name: &str, outlines: &[Outline]) -> Parts {
        let mut named: Vec<(String, Part)> = Vec::new();
        let edges: Vec<Edge> = outlines.iter().flat_map(Outline::edges).collect();
        match (name, edges.as_slice()) {
            ("line", [edge]) => {
                named.push(("start".to_owned(), Part::Point(edge.start())));
                named.push(("end".to_owned(), Part::Point(edge.end())));
                return Parts { noun: "line", named };
            }
            ("circle", _) => {
                let centre = outlines.first().and_then(Outline::as_circle);
                named.extend(centre.map(|(c, _)| ("center".to_owned(), Part::Centre(c))));
                return Parts { noun: "circle", named };
            }
            ("path", [edge @ Edge::Arc { centre, .. }]) if outlines.len() == 1 => {
                named.push(("center".to_owned(), Part::Centre(*centre)));
                named.push(("start".to_owned(), Part::Point(edge.start())));
                named.push(("end".to_owned(), Part::Point(edge.end())));
                return Parts { noun: "arc", named };
            }
            ("rect", [top, right, bottom, left]) => {
                let corners = ["top-left", "top-right", "bottom-right", "bottom-left"];
                let sides = ["top", "right", "bottom", "left"];
                let all = [top, right, bottom, left];
                for ((corner, side), edge) in corners.iter().zip(sides).zip(all) {
                    named.push(((*corner).to_owned(), Part::Point(edge.start())));
                    named.push((side.to_owned(), Part::Side(*edge)));
                }
                return Parts { noun: "rect", named };
            }
            _ => {}
        }
        let mut first = 1;
        for outline in outlines {
            let count = outline.vertices().len();
            for (n, vertex) in outline.vertices().iter().enumerate() {
                named.push((format!("{}", first + n), Part::Point(vertex.at.vector())));
            }
            for (n, edge) in outline.edges().enumerate() {
                let name = format!("{}-{}", first + n, first + (n + 1) % count);
                if let Edge::Arc { centre, .. } = edge {
                    named.push((format!("{name}.center"), Part::Centre(centre)));
                }
                named.push((name, Part::Side(edge)));
            }
            first += count;
        }
        let noun = if name == "rect" { "rect" } else { "path" };
        Parts { noun, named }
    }

    fn find(&self, name: &str) -> Option<&Part> {
        let name = name.replace('_', "-").replace("centre", "center");
        let turned = name.split_once('-').map(|(a, b)| match b.split_once('.') {
            Some((b, rest)) => format!("{b}-{a}.{rest}"),
            None => format!("{b}-{a}"),
        });
        let named = |wanted: &str| self.named.iter().find(|(known, _)| known == wanted);
        named(&name).or_else(|| named(turned.as_deref()?)).map(|(_, part)| part)
    }
}

/// What a part is called after an edit; the element itself where `name` is none. `None` where it is gone.
pub(crate) fn moved(before: &Parts, after: &Parts, name: Option<&str>) -> Option<String> {
    let Some(name) = name else {
        return (before.noun == after.noun).then(String::new);
    };
    let part = before.find(name)?;
    // Ends of a line and the centre of a circle are what they are wherever they went.
    if before.noun == after.noun && matches!(before.noun, "line" | "circle" | "arc") {
        return Some(name.to_owned());
    }
    let near = |a: Vector, b: Vector| (a - b).length() <= SAME;
    let same = |other: &Part| match (part, other) {
        (Part::Point(a), Part::Point(b)) | (Part::Centre(a), Part::Centre(b)) => near(*a, *b),
        (Part::Side(a), Part::Side(b)) => {
            let straight = |e: &Edge| matches!(e.carrier(), Carrier::Line { .. });
            let middle = b.at(0.5);
            straight(a) == straight(b)
                && a.nearest(middle).1 <= SAME
                && a.nearest(b.at(0.25)).1 <= SAME
        }
        _ => false,
    };
    // What is where it was keeps its name.
    if before.noun == after.noun && after.find(name).is_some_and(same) {
        return Some(name.to_owned());
    }
    after.named.iter().find(|(_, other)| same(other)).map(|(name, _)| name.clone())
}
