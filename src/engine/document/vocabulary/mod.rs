//! The vocabulary: which names and URIs mean what.

pub(crate) mod names;

/// URIs that were used for the language before 1.0 settled on one. Read as
/// the language, with a warning.
pub(super) const ALIASES: [&str; 7] = [
    "http://arxos.dev/svgx",
    "http://arxos.dev/bim",
    "http://arxos.com/svgx",
    "http://www.svgx.org/schema/1.0",
    "http://www.svgx.org/schema",
    "http://svgx.org",
    "http://arx.com/svgx",
];

/// What an undeclared prefix most likely meant.
pub(super) fn usual_uri(prefix: &str) -> Option<&'static str> {
    Some(match prefix {
        "arx" | "svgx" => super::ARX,
        "svg" => super::SVG,
        "xlink" => super::XLINK,
        "inkscape" => "http://www.inkscape.org/namespaces/inkscape",
        "sodipodi" => "http://sodipodi.sourceforge.net/DTD/sodipodi-0.dtd",
        "rdf" => "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        "cc" => "http://creativecommons.org/ns#",
        "dc" => "http://purl.org/dc/elements/1.1/",
        _ => return None,
    })
}

/// Element names of the language that SVG does not have. They are the
/// language's in the SVG namespace and in none, too: there is nothing else
/// they could be.
pub(super) fn is_language(name: &str) -> bool {
    matches!(
        name,
        "object"
            | "tags"
            | "tag"
            | "properties"
            | "property"
            | "behavior"
            | "behaviors"
            | "variables"
            | "variable"
            | "calculations"
            | "calculation"
            | "triggers"
            | "trigger"
            | "on-click"
            | "on-hover"
            | "on-drag"
            | "set-attribute"
            | "action"
            | "physics"
            | "mass"
            | "anchor"
            | "forces"
            | "force"
            | "friction"
            | "elasticity"
            | "constraints"
            | "constraint"
            | "geometry"
            | "system"
            | "components"
            | "component"
            | "connections"
            | "connection"
            | "building"
            | "floor"
            | "room"
            | "panel"
    )
}

/// Elements of the language that stand only in their own namespace.
pub(super) fn is_record(name: &str) -> bool {
    matches!(
        name,
        "document-info"
            | "content-summary"
            | "metadata"
            | "document"
            | "elements"
            | "element"
            | "name"
            | "description"
            | "version"
            | "author"
            | "results"
            | "controls"
            | "control"
            | "result"
    )
}

/// Elements of the language about how a drawing is presented. They stand only in its namespace.
pub(super) fn is_drafting(name: &str) -> bool {
    matches!(
        name,
        "layers"
            | "layer"
            | "dimensions"
            | "dimension"
            | "attribute"
            | "sheet"
            | "view"
            | "title-block"
    )
}

/// Elements of SVG that keep that meaning when a document puts them into the
/// namespace of the language, or into none.
pub(super) fn is_svg(name: &str) -> bool {
    matches!(
        name,
        "svg"
            | "g"
            | "defs"
            | "symbol"
            | "use"
            | "rect"
            | "circle"
            | "ellipse"
            | "line"
            | "polyline"
            | "polygon"
            | "path"
            | "text"
            | "tspan"
            | "textPath"
            | "image"
            | "style"
            | "title"
            | "desc"
            | "script"
            | "switch"
            | "a"
            | "clipPath"
            | "mask"
            | "marker"
            | "pattern"
            | "filter"
            | "linearGradient"
            | "radialGradient"
            | "stop"
            | "foreignObject"
            | "view"
    )
}

/// Elements of SVG whose white space is content.
pub(super) fn keeps_space(name: &str) -> bool {
    matches!(
        name,
        "text"
            | "tspan"
            | "textPath"
            | "tref"
            | "title"
            | "desc"
            | "style"
            | "script"
            | "foreignObject"
    )
}

/// Lengths of the language.
pub(super) const LENGTH_UNITS: [&str; 5] = ["mm", "cm", "m", "in", "ft"];

/// Systems of a building.
pub(super) const SYSTEMS: [&str; 11] = [
    "electrical",
    "mechanical",
    "plumbing",
    "architecture",
    "fire_alarm",
    "security",
    "hvac",
    "network",
    "building_controls",
    "av",
    "other",
];

/// Layers known by name.
pub(super) const LAYERS: [&str; 8] =
    ["electrical", "mechanical", "plumbing", "hvac", "architecture", "walls", "doors", "windows"];

/// Places a body can hang from or stand on without further definition.
pub(super) const ANCHORS: [&str; 23] = [
    "wall",
    "ceiling",
    "floor",
    "ground",
    "fixed",
    "roof",
    "hinge",
    "pin",
    "roller",
    "slider",
    "rope",
    "cable",
    "top",
    "bottom",
    "left",
    "right",
    "center",
    "centre",
    "mass",
    "top-left",
    "top-right",
    "bottom-left",
    "bottom-right",
];

/// What a trigger can do; `-` counts as `_`.
pub(crate) const ACTIONS: [&str; 12] = [
    "toggle",
    "turn_on",
    "turn_off",
    "auto_off",
    "highlight",
    "animate",
    "set_state",
    "set_attribute",
    "update",
    "calculate",
    "trigger",
    "log",
];

/// Shorter names for actions.
pub(super) const SHORT_ACTIONS: [&str; 3] = ["on", "off", "state"];

/// Events that the engine itself brings about.
pub(crate) const EVENTS: [&str; 10] = [
    "click",
    "hover",
    "drag",
    "drag_start",
    "drag_end",
    "select",
    "deselect",
    "change",
    "time",
    "condition",
];

/// Directions a force can be given by word.
pub(super) const DIRECTIONS: [&str; 6] = ["down", "up", "left", "right", "forward", "backward"];

/// Names that most attributes and elements have, the commonest last.
pub(super) const COMMON: &[&str] = &[
    "cable",
    "metadata",
    "tspan",
    "symbol",
    "use",
    "defs",
    "polygon",
    "polyline",
    "line",
    "ellipse",
    "title",
    "text",
    "component",
    "connection",
    "forces",
    "anchor",
    "mass",
    "trigger",
    "triggers",
    "calculation",
    "calculations",
    "variables",
    "behavior",
    "physics",
    "geometry",
    "property",
    "properties",
    "formula",
    "event",
    "action",
    "point",
    "direction",
    "magnitude",
    "from",
    "to",
    "ref",
    "name",
    "value",
    "unit",
    "depth",
    "z",
    "href",
    "viewBox",
    "points",
    "rx",
    "ry",
    "x1",
    "y1",
    "x2",
    "y2",
    "font-size",
    "text-anchor",
    "stroke-dasharray",
    "opacity",
    "variable",
    "upstream",
    "system",
    "object",
    "type",
    "precision",
    "layer",
    "style",
    "class",
    "transform",
    "circle",
    "cx",
    "cy",
    "r",
    "stroke-width",
    "stroke",
    "path",
    "d",
    "g",
    "fill",
    "rect",
    "height",
    "width",
    "x",
    "y",
    "id",
];

/// The common names by [`place`], counted from 1; where two want one place, the commoner has it.
static PLACES: [u8; PLACES_LEN] = {
    assert!(COMMON.len() < 256);
    let mut places = [0; PLACES_LEN];
    let mut at = 0;
    while at < COMMON.len() {
        places[place(COMMON[at].as_bytes())] = at as u8 + 1;
        at += 1;
    }
    places
};

const fn place(name: &[u8]) -> usize {
    match name {
        [] => 0,
        [first, .., last] => {
            (name.len() * 59 + *first as usize * 7 + *last as usize * 31) % PLACES_LEN
        }
        [only] => (59 + *only as usize * 38) % PLACES_LEN,
    }
}

const PLACES_LEN: usize = 256;

/// Which of [`COMMON`] the name is, if it has a place of its own there.
#[inline]
pub(super) fn common_index(name: &str) -> Option<u8> {
    let at = PLACES.get(place(name.as_bytes()))?.checked_sub(1)?;
    COMMON.get(usize::from(at)).filter(|word| **word == name).map(|_| at)
}

/// The name as a word of the program, if it is a common one: no share of the
/// source has to be counted for it.
pub(super) fn common(name: &str) -> Option<&'static str> {
    common_index(name).and_then(|at| COMMON.get(usize::from(at)).copied())
}
