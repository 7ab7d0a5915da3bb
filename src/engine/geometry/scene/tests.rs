use kurbo::{ParamCurveNearest, Shape, Vec2};
use proptest::prelude::*;

use crate::document::{Ns, parse};

use svgx_base::budget::Stop;

use super::hit::touches;
use super::*;

fn document(body: &str) -> Document {
    let source = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 100 100">{body}</svg>"#
    );
    parse(&source, &Limits::default()).unwrap()
}

fn build(document: &Document) -> Scene {
    let budget = Budget::unlimited(Class::Ui, Tier::Compute);
    Scene::build(document, &Limits::default(), &budget).unwrap()
}

fn bounds_of(body: &str, id: &str) -> Option<Rect> {
    let d = document(body);
    build(&d).bounds(d.by_id(id).unwrap())
}

fn names<'d>(d: &'d Document, nodes: &[NodeId]) -> Vec<&'d str> {
    nodes.iter().map(|n| d.id(*n).unwrap_or("?")).collect()
}

#[test]
fn every_shape_has_the_bounds_the_standard_gives_it() {
    let cases = [
        (r#"<rect id="a" x="1" y="2" width="3" height="4"/>"#, Some((1.0, 2.0, 4.0, 6.0))),
        (r#"<rect id="a" width="10%" height="50%"/>"#, Some((0.0, 0.0, 10.0, 50.0))),
        (r#"<rect id="a" width="0" height="4"/>"#, None),
        (r#"<rect id="a" width="-1" height="4"/>"#, None),
        (r#"<rect id="a" width="10mm" height="1in"/>"#, Some((0.0, 0.0, 960.0 / 25.4, 96.0))),
        (r#"<rect id="a" width="1m" height="1ft"/>"#, Some((0.0, 0.0, 1000.0, 304.8))),
        (r#"<circle id="a" cx="5" cy="6" r="2"/>"#, Some((3.0, 4.0, 7.0, 8.0))),
        (r#"<ellipse id="a" rx="2" ry="1"/>"#, Some((-2.0, -1.0, 2.0, 1.0))),
        (r#"<line id="a" x1="5" y1="1" x2="2" y2="1"/>"#, Some((2.0, 1.0, 5.0, 1.0))),
        (r#"<polyline id="a" points="0,0 5 5,7"/>"#, Some((0.0, 0.0, 5.0, 5.0))),
        (r#"<polygon id="a" points="0 0 5 5 0 5"/>"#, Some((0.0, 0.0, 5.0, 5.0))),
        (r#"<path id="a" d="M0 0Q5 10 10 0"/>"#, Some((0.0, 0.0, 10.0, 5.0))),
        (r#"<path id="a" d="M5 5"/>"#, None),
        (r#"<image id="a" x="1" y="1" width="2" height="2"/>"#, Some((1.0, 1.0, 3.0, 3.0))),
        (
            r#"<g id="a" transform="translate(5)"><rect width="1" height="1"/><g transform="scale(2)"><rect width="1" height="3"/></g></g>"#,
            Some((5.0, 0.0, 7.0, 6.0)),
        ),
        (
            r#"<rect id="a" transform="rotate(90)" width="2" height="1"/>"#,
            Some((-1.0, 0.0, 0.0, 2.0)),
        ),
        (r#"<rect id="a" transform="scale(0)" width="2" height="1"/>"#, None),
        (r#"<rect id="a" display="none" width="2" height="1"/>"#, None),
        (r#"<rect id="a" style="display: none" width="2" height="1"/>"#, None),
        (
            r#"<style>.off{display:none}</style><rect id="a" class="x off" width="2" height="1"/>"#,
            None,
        ),
        (
            r#"<svg id="a" x="10" y="10" width="20" height="10" viewBox="0 0 1 1"><rect width="1" height="1"/></svg>"#,
            Some((15.0, 10.0, 25.0, 20.0)),
        ),
        (r#"<defs><rect id="a" width="1" height="1"/></defs>"#, None),
        (
            r##"<defs><rect id="r" width="1" height="1"/></defs><use id="a" xlink:href="#r" x="5" y="6"/>"##,
            Some((5.0, 6.0, 6.0, 7.0)),
        ),
        (
            r##"<symbol id="s" viewBox="0 0 10 10"><rect width="10" height="5"/></symbol><use id="a" href="#s" width="20" height="20"/>"##,
            Some((0.0, 0.0, 20.0, 10.0)),
        ),
        (
            r#"<switch id="a"><rect systemLanguage="xx" width="9" height="9"/><rect width="2" height="1"/><rect width="5" height="5"/></switch>"#,
            Some((0.0, 0.0, 2.0, 1.0)),
        ),
        (
            r#"<arx:object id="a" type="x.y"><arx:geometry x="50" y="5cm" width="100mm" height="150"/></arx:object>"#,
            Some((50.0, 50.0, 150.0, 200.0)),
        ),
        (
            r#"<arx:object id="a" type="x.y"><rect width="2" height="1"/></arx:object>"#,
            Some((0.0, 0.0, 2.0, 1.0)),
        ),
    ];
    for (body, expected) in cases {
        let seen = bounds_of(body, "a");
        let close = match (seen, expected) {
            (None, None) => true,
            (Some(r), Some((x0, y0, x1, y1))) => {
                let e = Rect::new(x0, y0, x1, y1);
                (r.origin() - e.origin()).hypot()
                    + (r.size().to_vec2() - e.size().to_vec2()).hypot()
                    < 1e-9
            }
            _ => false,
        };
        assert!(close, "{body}: {seen:?}, expected {expected:?}");
    }
}

#[test]
fn the_pointer_meets_what_is_painted_topmost_first() {
    let d = document(
        r##"<rect id="floor" width="100" height="100"/>
            <rect id="frame" x="10" y="10" width="50" height="50" fill="none" stroke="red" stroke-width="4"/>
            <rect id="ghost" width="100" height="100" visibility="hidden"/>
            <rect id="glass" width="100" height="100" pointer-events="none"/>
            <path id="ring" fill-rule="evenodd" d="M20 20h20v20h-20zM25 25h10v10h-10z"/>
            <g id="g" transform="translate(70 70) rotate(45)"><rect id="turned" width="10" height="10"/></g>
            <path id="open" d="M80 10h10v10"/>
            <defs><circle id="c" r="3"/></defs><use id="lamp" href="#c" x="50" y="90"/>"##,
    );
    let scene = build(&d);
    let cases: [(f64, f64, f64, &[&str]); 10] = [
        (5.0, 5.0, 0.0, &["floor"]),
        (11.5, 30.0, 0.0, &["frame", "floor"]),
        (15.0, 30.0, 0.0, &["floor"]),
        (15.0, 30.0, 4.0, &["frame", "floor"]),
        (22.0, 22.0, 0.0, &["ring", "floor"]),
        (30.0, 30.0, 0.0, &["floor"]),
        (70.0, 75.0, 0.0, &["turned", "floor"]),
        (88.0, 12.0, 0.0, &["open", "floor"]),
        (51.0, 91.0, 0.0, &["lamp", "floor"]),
        (-5.0, -5.0, 1.0, &[]),
    ];
    for (x, y, tolerance, expected) in cases {
        let hit = scene.hit(Point::new(x, y), tolerance);
        assert_eq!(names(&d, &hit), expected, "at {x}, {y} within {tolerance}");
    }
    assert!(scene.hit(Point::new(f64::NAN, 0.0), 1.0).is_empty());
    let all = scene.region(Rect::new(78.0, 8.0, 92.0, 22.0));
    assert_eq!(names(&d, &all), ["floor", "ghost", "glass", "open"]);
}

#[test]
fn a_use_that_shows_itself_is_reported_and_does_not_hang() {
    let cases = [
        (r##"<g id="a"><use id="u" href="#a"/></g>"##, 1),
        (r##"<use id="u" href="#u"/>"##, 1),
        (r##"<g id="a"><use href="#b"/></g><g id="b"><use href="#a"/></g>"##, 2),
        (r##"<use id="u" href="#v"/><use id="v" href="#u"/>"##, 2),
        (r##"<use href="#svg"/>"##, 0),
    ];
    for (body, expected) in cases {
        let scene = build(&document(body));
        assert_eq!(scene.cyclic().len(), expected, "{body}");
    }
}

#[test]
fn multiplying_uses_meet_the_limit() {
    let mut body = r#"<rect id="l0" width="1" height="1"/>"#.to_owned();
    for level in 1..12 {
        let uses = format!(r##"<use href="#l{}"/>"##, level - 1).repeat(10);
        body.push_str(&format!(r#"<g id="l{level}">{uses}</g>"#));
    }
    let budget = Budget::unlimited(Class::Ui, Tier::Compute);
    let limits = Limits::default();
    let document = document(&body);
    let result = Scene::build(&document, &limits, &budget);
    let Some(Error::Limit { limit: "instances", max, seen, node: Some(node) }) = result.err()
    else {
        panic!("not refused");
    };
    assert_eq!((max, seen), (limits.instances, limits.instances + 1));
    assert_eq!(document.name(node).map(|(_, name)| name), Some("use"));
}

#[test]
fn a_cancelled_budget_stops_the_build() {
    let budget = Budget::unlimited(Class::Ui, Tier::Compute);
    budget.cancel().cancel();
    let result = Scene::build(&document(""), &Limits::default(), &budget);
    assert_eq!(result.err(), Some(Error::Stopped(Stop::Cancelled)));
}

#[test]
fn an_update_gives_what_a_fresh_build_gives() {
    let body = r##"<style>.off{display:none}</style>
        <defs><g id="def"><rect id="inner" width="2" height="2"/></g></defs>
        <g id="g" transform="translate(1 1)"><rect id="r" width="5" height="5"/><circle id="c" r="4"/></g>
        <use id="u" href="#def" x="20"/><use id="v" href="#u" y="20"/>
        <text id="t" x="1" y="2">one <tspan id="s" x="9" y="9">two</tspan></text>
        <arx:object id="o"><arx:geometry id="box" x="1" y="1" width="5" height="5"/></arx:object>
        <rect id="last" x="90" width="5" height="5"/>"##;
    let edits = [
        ("r", "width", "50"),
        ("r", "class", "off"),
        ("r", "class", ""),
        ("g", "transform", "scale(3)"),
        ("g", "display", "none"),
        ("c", "r", "9"),
        ("g", "display", "inline"),
        ("inner", "height", "7"),
        ("def", "transform", "rotate(30)"),
        ("u", "x", "33"),
        ("u", "href", "#r"),
        ("v", "href", "#c"),
        ("s", "x", "44"),
        ("box", "width", "70mm"),
        ("inner", "id", "other"),
        ("u", "href", "#v"),
        ("last", "id", "def"),
    ];
    let mut d = document(body);
    let mut scene = build(&d);
    for (id, name, value) in edits {
        let node = d.by_id(id).unwrap();
        d.set_attribute(node, Ns::None, name, value);
        scene.update(&d, node, &Limits::default()).unwrap();
        let fresh = build(&d);
        let list = |s: &Scene| -> Vec<_> {
            s.items.iter().map(|i| (i.key, i.host, i.source, i.bounds)).collect()
        };
        assert_eq!(list(&scene), list(&fresh), "after {id} {name}={value}");
        assert_eq!(scene.index().size(), fresh.index().size(), "after {id} {name}={value}");
        for (x, y) in [(2.0, 2.0), (21.0, 1.0), (3.5, 6.0), (91.0, 3.0)] {
            let p = Point::new(x, y);
            assert_eq!(scene.hit(p, 0.5), fresh.hit(p, 0.5), "after {id} {name}={value}");
        }
    }
}

#[test]
fn a_structural_edit_is_noticed() {
    let mut d = document(r#"<g id="g"><rect id="a" width="1" height="1"/></g>"#);
    let mut scene = build(&d);
    let g = d.by_id("g").unwrap();
    let added = d.append_element(g, Ns::Svg, "rect");
    d.set_attribute(added, Ns::None, "width", "9");
    d.set_attribute(added, Ns::None, "height", "9");
    scene.update(&d, g, &Limits::default()).unwrap();
    assert_eq!(scene.bounds(g), Some(Rect::new(0.0, 0.0, 9.0, 9.0)));
    d.detach(added);
    scene.update(&d, g, &Limits::default()).unwrap();
    assert_eq!(scene.bounds(g), Some(Rect::new(0.0, 0.0, 1.0, 1.0)));
}

#[test]
fn nesting_does_not_exhaust_the_stack() {
    let deep = 1_000;
    let body = format!(
        "{}<rect id=\"a\" width=\"1\" height=\"1\"/>{}",
        "<g transform=\"translate(1)\">".repeat(deep),
        "</g>".repeat(deep)
    );
    assert_eq!(bounds_of(&body, "a"), Some(Rect::new(1_000.0, 0.0, 1_001.0, 1.0)));
}

fn any_shape() -> impl Strategy<Value = String> {
    let n = || (-50..50_i32).prop_map(|n| f64::from(n) / 2.0);
    let p = || (1..40_i32).prop_map(|n| f64::from(n) / 2.0);
    prop_oneof![
        (n(), n(), p(), p(), p()).prop_map(|(x, y, w, h, r)| format!(
            r#"<rect id="a" x="{x}" y="{y}" width="{w}" height="{h}" rx="{r}""#
        )),
        (n(), n(), p(), p()).prop_map(|(x, y, a, b)| format!(
            r#"<ellipse id="a" cx="{x}" cy="{y}" rx="{a}" ry="{b}""#
        )),
        prop::collection::vec((n(), n()), 3..7).prop_map(|points| {
            let list: Vec<String> = points.iter().map(|(x, y)| format!("{x},{y}")).collect();
            format!(r#"<polygon id="a" points="{}""#, list.join(" "))
        }),
        (n(), n(), n(), n(), n(), n(), n(), n(), p(), p(), n()).prop_map(
            |(a, b, c, d, e, f, g, h, rx, ry, turn)| format!(
                r#"<path id="a" d="M{a} {b}C{c} {d} {e} {f} {g} {h}q{a} {c} {d} {b}A{rx} {ry} {turn} 1 0 {h} {a}""#
            )
        ),
    ]
}

fn any_transform() -> impl Strategy<Value = String> {
    let n = || (-40..40_i32).prop_map(f64::from);
    prop_oneof![
        (n(), n()).prop_map(|(x, y)| format!("translate({x} {y})")),
        n().prop_map(|a| format!("rotate({a})")),
        (n(), n(), n()).prop_map(|(a, x, y)| format!("rotate({a} {x} {y})")),
        (1..5_i32, 1..5_i32).prop_map(|(x, y)| format!("scale({x} -{y})")),
        n().prop_map(|a| format!("skewX({a})")),
        n().prop_map(|a| format!("matrix(1 .5 -.25 2 {a} 3)")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn bounds_contain_every_point_of_the_outline_and_touch_it(
        shape in any_shape(), outer in any_transform(), inner in any_transform(),
    ) {
        let d = document(&format!(r#"<g transform="{outer}">{shape} transform="{inner}"/></g>"#));
        let scene = build(&d);
        let a = d.by_id("a").unwrap();
        let r = scene.bounds(a).unwrap();
        let outline = scene.transform(a) * scene.outline(a).unwrap().path().into_owned();
        let slack = 1e-6 * (1.0 + r.width() + r.height());
        let grown = r.inflate(slack, slack);
        let mut seen: Option<Rect> = None;
        for segment in outline.segments() {
            for step in 0..=64 {
                let p = kurbo::ParamCurve::eval(&segment, f64::from(step) / 64.0);
                prop_assert!(touches(grown, p), "{p:?} is outside {r:?}");
                seen = Some(seen.map_or(Rect::from_points(p, p), |s| s.union_pt(p)));
            }
        }
        let loose = 1e-2 * (1.0 + r.width() + r.height());
        let s = seen.unwrap();
        let gap = (r.origin() - s.origin()).hypot() + (r.size().to_vec2() - s.size().to_vec2()).hypot();
        prop_assert!(gap < loose, "{r:?} is wider than {s:?}");
    }

    #[test]
    fn a_hit_agrees_with_the_winding_of_the_placed_outline(
        shape in any_shape(), transform in any_transform(), x in -60.0..60.0_f64, y in -60.0..60.0_f64,
    ) {
        let d = document(&format!(r#"{shape} transform="{transform}"/>"#));
        let scene = build(&d);
        let a = d.by_id("a").unwrap();
        let mut outline = scene.transform(a) * scene.outline(a).unwrap().path().into_owned();
        outline.close_path();
        let p = Point::new(x, y);
        // On the very edge either answer is right.
        let edge = outline.segments().any(|s| s.nearest(p, 1e-9).distance_sq < 1e-12);
        prop_assume!(!edge);
        prop_assert_eq!(scene.hit(p, 0.0) == [a], outline.winding(p) != 0);
        let far = p + Vec2::new(1e6, 0.0);
        prop_assert!(scene.hit(far, 0.0).is_empty());
    }
}

#[test]
fn what_is_cut_away_is_not_met() {
    let clip = r#"<clipPath id="c"><rect width="50" height="100"/></clipPath>"#;
    let shape = r#"id="a" width="100" height="100""#;
    // Met at (25, 50), not at (75, 50).
    let cases = [
        format!(r#"{clip}<rect {shape} clip-path="url(#c)"/>"#),
        format!(r##"{clip}<rect {shape} style="clip-path: url('#c')"/>"##),
        format!(r#"{clip}<style>rect{{clip-path:url(#c)}}</style><rect {shape}/>"#),
        format!(r#"{clip}<g clip-path="url(#c)"><rect {shape}/></g>"#),
        format!(
            r#"{clip}<g transform="scale(.5)"><rect {shape} transform="scale(2)" clip-path="url(#c)"/></g>"#
        ),
        format!(
            r#"<clipPath id="c" clipPathUnits="objectBoundingBox"><rect width=".5" height="1"/></clipPath><rect {shape} clip-path="url(#c)"/>"#
        ),
        format!(
            r#"<clipPath id="c"><circle cx="25" cy="50" r="20"/></clipPath><rect {shape} clip-path="url(#c)"/>"#
        ),
        format!(
            r#"<clipPath id="c"><path clip-rule="evenodd" d="M0 0h100v100H0zM50 0h50v100H50z"/></clipPath><rect {shape} clip-path="url(#c)"/>"#
        ),
        format!(
            r##"<defs><rect id="half" width="50" height="100"/></defs><clipPath id="c"><use href="#half"/></clipPath><rect {shape} clip-path="url(#c)"/>"##
        ),
        format!(r#"<rect {shape} clip-path="inset(0 50px 0 0)"/>"#),
        format!(r#"<rect {shape} style="clip-path:circle(20px at 25% 50%)"/>"#),
        format!(r#"<style>rect{{clip-path:polygon(0 0, 50% 0, 50% 100%, 0 100%)}}</style><rect {shape}/>"#),
        format!(r#"<rect {shape} clip-path="path('M0 0h50v100h-50z')"/>"#),
        format!(r#"<g style="clip-path:xywh(0 0 50% 100%)"><rect {shape}/></g>"#),
        format!(r#"<g transform="translate(50 0) scale(.5)" style="clip-path:rect(auto 50% auto auto) fill-box"><rect {shape} transform="translate(-100 0) scale(2)"/></g>"#),
        format!(r#"<rect {shape} stroke="red" stroke-width="100" style="clip-path:inset(50px 100px 50px 50px)"/>"#),
        format!(r#"<rect {shape} style="clip-path:circle(25% at 25% 50%) view-box"/>"#),
        r##"<defs><rect id="r" width="100" height="100"/></defs><use id="a" href="#r" clip-path="inset(0 50% 0 0)"/>"##.to_owned(),
        format!(r#"<rect {shape} style="clip-path:inset(0 50px 0 0);clip-path:blob()"/>"#),
        format!(r#"<svg width="50" height="100"><rect {shape}/></svg>"#),
        r##"<symbol id="s" width="50" height="100"><rect width="100" height="100"/></symbol><use id="a" href="#s"/>"##.to_owned(),
    ];
    for body in cases {
        let d = document(&body);
        let scene = build(&d);
        let met = |x| names(&d, &scene.hit(Point::new(x, 50.0), 0.0)).join(" ");
        assert_eq!((met(25.0).as_str(), met(75.0).as_str()), ("a", ""), "{body}");
    }
    let open = [
        format!(r#"<rect {shape} clip-path="none"/>"#),
        format!(r#"<rect {shape} clip-path="url(#missing)"/>"#),
        format!(r#"<rect {shape} clip-path="circle(1)"/>"#),
        format!(r#"<g clip-path="inset(0)"><g clip-path="inset(0)"><rect {shape}/></g></g>"#),
        format!(r#"<svg width="50" height="100" overflow="visible"><rect {shape}/></svg>"#),
    ];
    for body in open {
        let d = document(&body);
        let hit = build(&d).hit(Point::new(75.0, 50.0), 0.0);
        assert_eq!(names(&d, &hit), ["a"], "{body}");
    }
}

#[test]
fn the_transforms_and_sizes_of_css_place_the_bounds() {
    let cases = [
        r#"<rect id="a" width="10" height="10" style="transform: translate(50px, 50px) scale(2)"/>"#,
        r#"<style>#a{transform:matrix(2,0,0,2,50,50)}</style><rect id="a" width="10" height="10" transform="scale(9)"/>"#,
        r#"<rect id="a" x="55" y="55" width="10" height="10" style="transform: scale(2); transform-origin: 60px 60px"/>"#,
        r#"<rect id="a" x="55" y="55" width="10" height="10" style="transform: scale(2); transform-box: fill-box; transform-origin: 50% 50%"/>"#,
        r#"<g id="a" style="transform: translate(50%, 50%)"><rect width="20" height="20"/></g>"#,
        r#"<style>rect{x:50px;y:50px;width:20px;height:20px}</style><rect id="a"/>"#,
        r#"<rect id="a" width="10" height="10" style="translate:50px 50px;scale:2"/>"#,
        r#"<rect id="a" width="20" height="20" style="translate:70px 50px;rotate:90deg"/>"#,
        r#"<rect id="a" width="10" height="10" style="scale:2;transform:translate(25px, 25px)"/>"#,
        r#"<circle id="a" r="1" style="cx:60px;cy:60px;r:10px"/>"#,
    ];
    for body in cases {
        let r = bounds_of(body, "a").unwrap();
        let gap = (r.origin() - Point::new(50.0, 50.0)).hypot() + (r.max_x() - 70.0).abs();
        assert!(gap < 1e-9, "{body}: {r:?}");
    }
}

/// Both met at (50, 50) beside a line at x = 46, or not.
#[test]
fn a_line_of_stated_width_is_met_at_that_width() {
    let cases = [
        (r#"<path id="a" d="M46 0v100" stroke="red" stroke-width="10"/>"#, true),
        (r#"<path id="a" d="M46 0v100" stroke="red" stroke-width="6"/>"#, false),
        (
            r#"<g transform="scale(.1)"><path id="a" d="M460 0v1000" stroke="red" stroke-width="10" vector-effect="non-scaling-stroke"/></g>"#,
            true,
        ),
        (
            r#"<g transform="scale(10)"><path id="a" d="M4.6 0v10" stroke="red" stroke-width="6" vector-effect="non-scaling-stroke"/></g>"#,
            false,
        ),
    ];
    for (body, met) in cases {
        let d = document(body);
        let hit = build(&d).hit(Point::new(50.0, 50.0), 0.0);
        assert_eq!(!hit.is_empty(), met, "{body}");
    }
}

/// Groups with shapes inside each other cost no more than their limit.
#[test]
fn shapes_of_nested_groups_are_bounded() {
    let limits = Limits { instances: 100, ..Limits::default() };
    let deep = |n: usize| {
        let open = r#"<g clip-path="inset(0)">"#.repeat(n);
        let body = r#"<rect width="9" height="9"/>"#.repeat(200);
        document(&format!("{open}{body}{}", "</g>".repeat(n)))
    };
    let budget = Budget::unlimited(Class::Ui, Tier::Compute);
    let build = |n| Scene::build(&deep(n), &limits, &budget);
    assert!(build(1).is_ok());
    assert!(matches!(build(40), Err(Error::Limit { limit: "instances", .. })));
}
