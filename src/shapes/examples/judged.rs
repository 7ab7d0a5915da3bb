//! Booleans and parallels of random outlines, one JSON object in a line, for a judge that is not of our
//! making: `tests/shapes.sh`. Usage: judged COUNT. Arcs are written as chords.

use std::io::{BufWriter, Write as _};

use svgx_shapes::{
    Edge, Join, Operation, Outline, Point, Region, Rule, Vertex, combine, offset, region,
};

/// Chords of a whole turn.
const CHORDS: f64 = 720.0;

/// xorshift64* (Vigna 2016).
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % n
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.below(1_000_001) as f64 / 1e6
    }
}

/// A ring on a grid of eight by eight millimetres that may do anything.
fn ring(random: &mut Random) -> Option<Outline> {
    let points = (0..3 + random.below(8))
        .map(|_| Point::new(random.below(8) as i64 * 1_000, random.below(8) as i64 * 1_000));
    Outline::polygon(points.collect::<Vec<_>>()).ok()
}

/// A closed outline about a place, some of its edges arcs.
fn star(random: &mut Random) -> Option<Outline> {
    let (x, y) = (random.between(-60e3, 60e3), random.between(-60e3, 60e3));
    let corners = 5 + random.below(8);
    let vertices = (0..corners).map(|n| {
        let angle = std::f64::consts::TAU * n as f64 / corners as f64;
        let away = random.between(50e3, 100e3);
        let bulge = if random.below(2) == 0 { random.between(-0.25, 0.25) } else { 0.0 };
        let at = Point::new(
            (x + away * angle.cos()).round() as i64,
            (y + away * angle.sin()).round() as i64,
        );
        Vertex { at, bulge }
    });
    Outline::new(vertices.collect(), true).ok()
}

fn points(outline: &Outline) -> String {
    let mut all = Vec::new();
    for edge in outline.edges() {
        let steps = match edge {
            Edge::Line { .. } => 1,
            Edge::Arc { sweep, .. } => {
                (sweep.abs() / std::f64::consts::TAU * CHORDS).ceil().max(1.0) as usize
            }
        };
        for step in 0..steps {
            let at = edge.at(step as f64 / steps as f64);
            all.push(format!("[{},{}]", at.x, at.y));
        }
    }
    format!("[{}]", all.join(","))
}

fn parts(region: &Region) -> String {
    let part = |part: &svgx_shapes::Part| {
        let holes = part.holes.iter().map(points).collect::<Vec<_>>().join(",");
        format!("[{},[{holes}]]", points(&part.outer))
    };
    format!("[{}]", region.parts().iter().map(part).collect::<Vec<_>>().join(","))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count: u64 = std::env::args().nth(1).map_or(Ok(500), |n| n.parse())?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let operations = [
        ("union", Operation::Union),
        ("intersection", Operation::Intersection),
        ("difference", Operation::Difference),
        ("symmetric_difference", Operation::Xor),
    ];
    for number in 0..count {
        let (name, operation) = operations[number as usize % operations.len()];
        let bent = number % 2 == 1;
        let make = |random: &mut Random| if bent { star(random) } else { ring(random) };
        let (Some(one), Some(two)) = (make(&mut random), make(&mut random)) else { continue };
        let (rule, even_odd) = match random.below(2) {
            0 => (Rule::NonZero, false),
            _ => (Rule::EvenOdd, true),
        };
        let a = region(std::slice::from_ref(&one), rule)?.value;
        let b = region(std::slice::from_ref(&two), rule)?.value;
        let made = combine(&a, &b, operation)?.value;
        writeln!(
            out,
            r#"{{"kind":"boolean","operation":"{name}","even_odd":{even_odd},"one":{},"two":{},"a":{},"b":{},"made":{},"area":{}}}"#,
            points(&one),
            points(&two),
            parts(&a),
            parts(&b),
            parts(&made),
            made.area()
        )?;
        let Some(shape) = star(&mut random) else { continue };
        let distance = random.between(-25e3, 60e3);
        let Ok(parallel) = offset(&shape, distance, Join::Round) else { continue };
        let area: f64 = parallel.value.iter().map(Outline::area).sum();
        writeln!(
            out,
            r#"{{"kind":"offset","distance":{distance},"one":{},"area":{area}}}"#,
            points(&shape)
        )?;
    }
    Ok(())
}
