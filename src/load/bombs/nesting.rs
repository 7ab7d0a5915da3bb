//! Drawings whose references multiply: a level shows the next one several times, and the last
//! one a square. Ten lines of text can ask for more squares than there are atoms.

use std::fmt::Write as _;

use svgx_base::random::SplitMix64;

/// How a level shows the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// At the vertices of a path.
    Marker,
    /// As the fill of a shape.
    Pattern,
    /// As its mask.
    Mask,
    /// As its clip path.
    ClipPath,
    /// Blurred and widened.
    Filter,
    /// By `use`.
    Use,
    /// By a translucent `use`: a layer for each.
    Opacity,
}

impl Way {
    /// All of them.
    pub const ALL: [Way; 7] =
        [Way::Marker, Way::Pattern, Way::Mask, Way::ClipPath, Way::Filter, Way::Use, Way::Opacity];

    const fn name(self) -> &'static str {
        match self {
            Way::Marker => "markers",
            Way::Pattern => "patterns",
            Way::Mask => "masks",
            Way::ClipPath => "clip paths",
            Way::Filter => "filters",
            Way::Use => "use",
            Way::Opacity => "translucent use",
        }
    }
}

/// A drawing and what is in it.
#[derive(Clone, Debug)]
pub struct Nesting {
    /// Which ways, how deep, how often.
    pub name: String,
    /// The drawing.
    pub text: String,
}

impl Nesting {
    fn new(ways: &[Way], depth: usize, times: usize, size: usize) -> Nesting {
        let names: Vec<&str> = ways.iter().map(|way| way.name()).collect();
        let name = format!("{}, {depth} deep, {times} times, {size} px", names.join(" in "));
        Nesting { name, text: nested(ways, depth, times, size) }
    }
}

/// The same two hundred at every call: each way alone at every depth from 2 to 12, then mixed.
///
/// ```
/// let nestings = svgx_load::bombs::nestings();
/// assert_eq!(nestings.len(), 200);
/// assert!(nestings.iter().all(|nesting| nesting.text.len() < 200_000));
/// ```
pub fn nestings() -> Vec<Nesting> {
    const COUNT: usize = 200;
    let mut random = SplitMix64::new(0x5eed_0007);
    // The remainder is smaller than `n`, which is small.
    let mut below = |n: usize| usize::try_from(random.next_u64() % n as u64).unwrap_or(0);
    let mut nestings = Vec::with_capacity(COUNT);
    for depth in 2..=12 {
        for way in Way::ALL {
            let (times, size) = (2 + below(5), 100 + below(4) * 300);
            nestings.push(Nesting::new(&[way], depth, times, size));
        }
    }
    while nestings.len() < COUNT {
        let mut ways = Vec::new();
        for _ in 0..2 + below(4) {
            ways.extend(Way::ALL.get(below(Way::ALL.len())));
        }
        let (depth, times, size) = (2 + below(11), 1 + below(8), 100 + below(4) * 300);
        nestings.push(Nesting::new(&ways, depth, times, size));
    }
    nestings
}

/// A drawing of `depth` levels, each of which shows the next `times` times, in `ways` by turns.
pub fn nested(ways: &[Way], depth: usize, times: usize, size: usize) -> String {
    let mut text = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100" width="{size}" height="{size}">"#
    );
    let way = |level: usize| ways.get(level % ways.len().max(1)).copied().unwrap_or(Way::Use);
    for level in 0..depth {
        let inner = shapes(way(level + 1), level + 1, depth, times);
        let units = if level % 2 == 0 { "" } else { r#" patternContentUnits="objectBoundingBox""# };
        let whole = r#"x="0" y="0" width="100" height="100""#;
        // Writing into a String cannot fail.
        let _ = match way(level) {
            Way::Marker => write!(
                text,
                r#"<marker id="n{level}" markerWidth="90" markerHeight="90" overflow="visible">{inner}</marker>"#
            ),
            Way::Pattern => write!(
                text,
                r#"<pattern id="n{level}" width=".5" height=".5"{units}>{inner}</pattern>"#
            ),
            Way::Mask => write!(
                text,
                r#"<mask id="n{level}" maskUnits="userSpaceOnUse" {whole}>{inner}</mask>"#
            ),
            Way::ClipPath => write!(text, r#"<clipPath id="n{level}">{inner}</clipPath>"#),
            Way::Filter => write!(
                text,
                r#"<filter id="n{level}"><feGaussianBlur stdDeviation="9"/><feMorphology radius="4"/></filter><g id="m{level}" filter="url(#n{level})">{inner}</g>"#
            ),
            Way::Use | Way::Opacity => write!(text, r#"<g id="n{level}">{inner}</g>"#),
        };
    }
    let _ = write!(text, "{}</svg>", shapes(way(0), 0, depth, times));
    text
}

/// What a level shows: the next one.
fn shapes(way: Way, level: usize, depth: usize, times: usize) -> String {
    let mut text = String::new();
    if level == depth {
        return r#"<rect width="90" height="90" fill="red" stroke="blue"/>"#.to_owned();
    }
    for i in 0..times {
        let rect = format!(r#"<rect x="{i}" y="{i}" width="90" height="90""#);
        let _ = match way {
            Way::Marker => write!(
                text,
                r#"<path d="M0 0L9 9L{i} 50L50 {i}" stroke="red" marker-start="url(#n{level})" marker-mid="url(#n{level})" marker-end="url(#n{level})"/>"#
            ),
            Way::Pattern => write!(text, r#"{rect} fill="url(#n{level})"/>"#),
            Way::Mask => write!(text, r#"{rect} mask="url(#n{level})"/>"#),
            Way::ClipPath => write!(text, r#"{rect} clip-path="url(#n{level})"/>"#),
            Way::Filter => write!(text, r##"<use href="#m{level}" x="{i}"/>"##),
            Way::Use => write!(text, r##"<use href="#n{level}" x="{i}"/>"##),
            Way::Opacity => write!(text, r##"<use href="#n{level}" x="{i}" opacity=".9"/>"##),
        };
    }
    text
}
