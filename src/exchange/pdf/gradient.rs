//! Gradients as shadings.

use pdf_writer::{Dict, Finish as _, Name};
use svgx_engine::compile::{Between, Gradient};

/// Writes a shading whose ends go on for ever (ISO 32000-1, 8.7.4.5).
pub(super) fn write(mut dict: Dict<'_>, gradient: &Gradient) {
    let (kind, coordinates): (i32, Vec<f64>) = match gradient.between {
        Between::Points([x1, y1], [x2, y2]) => (2, vec![x1, y1, x2, y2]),
        Between::Circles(([fx, fy], fr), ([cx, cy], r)) => (3, vec![fx, fy, fr, cx, cy, r]),
    };
    dict.pair(Name(b"ShadingType"), kind);
    dict.pair(Name(b"ColorSpace"), Name(b"DeviceRGB"));
    dict.insert(Name(b"Coords")).array().items(coordinates.into_iter().map(|n| n as f32));
    dict.insert(Name(b"Extend")).array().items([true, true]);
    function(dict.insert(Name(b"Function")).dict(), &gradient.stops);
}

/// From 0 to 1 to colours: between two stops straight, several pieces one after the other.
fn function(mut dict: Dict<'_>, stops: &[(f64, [u8; 3])]) {
    let stops = whole(stops);
    dict.pair(Name(b"FunctionType"), 3);
    dict.insert(Name(b"Domain")).array().items([0.0_f32, 1.0]);
    let mut functions = dict.insert(Name(b"Functions")).array();
    for pair in stops.windows(2) {
        let mut piece = functions.push().dict();
        piece.pair(Name(b"FunctionType"), 2);
        piece.insert(Name(b"Domain")).array().items([0.0_f32, 1.0]);
        for (name, (_, colour)) in [Name(b"C0"), Name(b"C1")].into_iter().zip(pair) {
            piece.insert(name).array().items(colour.map(|c| f32::from(c) / 255.0));
        }
        piece.pair(Name(b"N"), 1.0_f32);
    }
    functions.finish();
    let inner = stops.iter().skip(1).take(stops.len().saturating_sub(2));
    dict.insert(Name(b"Bounds")).array().items(inner.map(|(at, _)| *at as f32));
    let pieces = stops.len().saturating_sub(1);
    dict.insert(Name(b"Encode")).array().items((0..pieces).flat_map(|_| [0.0_f32, 1.0]));
}

/// The stops with one at each end. Those of one place are told apart by the least that numbers of the
/// file can.
fn whole(stops: &[(f64, [u8; 3])]) -> Vec<(f64, [u8; 3])> {
    let mut all: Vec<(f64, [u8; 3])> = Vec::with_capacity(stops.len() + 2);
    if let Some((_, colour)) = stops.first().filter(|(at, _)| *at > 0.0) {
        all.push((0.0, *colour));
    }
    all.extend_from_slice(stops);
    if let Some((_, colour)) = stops.last().filter(|(at, _)| *at < 1.0) {
        all.push((1.0, *colour));
    }
    const LEAST: f64 = 1e-6;
    let many = all.len();
    for at in 1..many {
        let before = all.get(at - 1).map_or(0.0, |(at, _)| *at);
        if let Some((own, _)) = all.get_mut(at) {
            *own = own.max(before + LEAST);
        }
    }
    // What was pushed beyond the end goes back from there.
    let mut most = 1.0;
    for (own, _) in all.iter_mut().rev() {
        *own = own.min(most);
        most = *own - LEAST;
    }
    if let Some((first, _)) = all.first_mut() {
        *first = 0.0;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_go_from_end_to_end_and_never_back() {
        let (red, blue) = ([255, 0, 0], [0, 0, 255]);
        for stops in [
            vec![(0.0, red), (1.0, blue)],
            vec![(0.5, red), (0.5, blue)],
            vec![(0.0, red), (0.0, blue), (0.0, red)],
            vec![(1.0, red), (1.0, blue), (1.0, blue)],
        ] {
            let all = whole(&stops);
            assert_eq!((all.first().map(|s| s.0), all.last().map(|s| s.0)), (Some(0.0), Some(1.0)));
            assert!(all.windows(2).all(|pair| pair[0].0 < pair[1].0), "{all:?}");
        }
    }
}
