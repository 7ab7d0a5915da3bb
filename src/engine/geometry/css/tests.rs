use super::*;
use crate::document::{Limits, parse};

const DRAWING: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 400 300">
  <g id="floor" class="zone outer"><g id="inner" class="zone">
    <rect id="r1" class="wall thick" data-fire="EI60" lang="en-GB"/>
    <rect id="r2" class="wall"/>
    <circle id="c1"/>
    <rect id="r3"/>
  </g></g>
  <a id="link" xlink:href="#r1"><text id="t1">x</text></a>
  <g id="empty"/>
  <path id="p:1" class="1st"/>
</svg>"##;

fn drawing(sheet: &str) -> Document {
    let source =
        DRAWING.replace("<g id=\"floor\"", &format!("<style>{sheet}</style><g id=\"floor\""));
    parse(&source, &Limits::default()).expect("a document")
}

#[test]
fn a_selector_matches_what_it_says() {
    for (selector, expected) in [
        ("rect", "r1 r2 r3"),
        ("*|rect, svg|circle", "r1 r2 c1 r3"),
        (".wall", "r1 r2"),
        (".wall.thick", "r1"),
        ("#r2#r2", "r2"),
        ("#r1#r2", ""),
        ("rect.wall[data-fire]", "r1"),
        ("[data-fire=ei60 i]", "r1"),
        ("[data-fire=ei60]", ""),
        ("[data-fire^='EI']", "r1"),
        ("[data-fire$=\"60\"]", "r1"),
        ("[data-fire*=I6]", "r1"),
        ("[data-fire*='']", ""),
        ("[lang|=en]", "r1"),
        ("[class~=outer]", "floor"),
        ("[href]", "link"),
        ("[xlink|href='#r1']", "link"),
        (".zone > .zone rect", "r1 r2 r3"),
        // The nearest zone is no child of the outer one's: a match needs the one beyond.
        (".outer > g rect", "r1 r2 r3"),
        ("svg > .zone .zone > rect", "r1 r2 r3"),
        ("svg > g rect", "r1 r2 r3"),
        ("svg > .zone > rect", ""),
        ("rect + rect", "r2"),
        ("rect ~ rect", "r2 r3"),
        ("rect ~ circle + rect", "r3"),
        ("circle ~ *", "r3"),
        ("g>rect:first-child", "r1"),
        ("g rect:last-child", "r3"),
        ("circle:only-of-type", "c1"),
        ("text:only-child", "t1"),
        ("rect:nth-child(2)", "r2"),
        ("rect:nth-child(2n)", "r2 r3"),
        ("rect:nth-child(odd)", "r1"),
        ("#inner > :nth-child(-n+2)", "r1 r2"),
        ("#inner > :nth-last-child(2)", "c1"),
        ("rect:nth-of-type(3)", "r3"),
        ("rect:nth-last-of-type(1)", "r3"),
        ("#inner > *:nth-child(3n + 1)", "r1 r3"),
        ("rect:not(.wall)", "r3"),
        ("rect:not(.thick, #r3)", "r2"),
        ("#inner > :not(rect)", "c1"),
        ("g:not(:not(.zone))", "floor inner"),
        ("#inner :is(circle, .thick)", "r1 c1"),
        (":where(#inner) > circle", "c1"),
        ("g:empty", "empty"),
        ("a:link text", "t1"),
        ("rect:hover", ""),
        ("rect:not(:hover)", "r1 r2 r3"),
        ("#p\\:1", "p:1"),
        (".\\31 st", "p:1"),
        // Not selectors, or not known: they match nothing.
        ("rect::before", ""),
        ("rect:has(> a)", ""),
        ("rect:nonsense", ""),
        ("> rect", ""),
        ("rect >", ""),
        ("rect > > a", ""),
        ("rect..a", ""),
        ("rect[", ""),
        ("rect:not(", ""),
        ("", ""),
    ] {
        let document = drawing(&format!("{selector} {{ fill: red }}"));
        let sheet = Sheet::of(&document);
        let mut work = 0;
        let found: Vec<&str> = document
            .elements()
            .filter(|&node| !sheet.cascade(&document, node, &mut work).is_empty())
            .filter_map(|node| document.id(node))
            .collect();
        assert_eq!(found.join(" "), expected, "{selector}");
    }
}

/// What `fill` of the element `id` comes to.
fn fill(document: &Document, id: &str) -> Option<String> {
    let node = document.by_id(id).expect("an element");
    let sheet = Sheet::of(document);
    let all = sheet.cascade(document, node, &mut 0);
    all.iter().rev().find(|d| d.name == "fill").map(|d| d.value.clone())
}

#[test]
fn the_strongest_declaration_wins() {
    for (sheet, expected) in [
        ("rect{fill:red} rect{fill:blue}", Some("blue")),
        (".wall{fill:red} rect{fill:blue}", Some("red")),
        ("rect{fill:red!important} #r1{fill:blue}", Some("red")),
        (":is(#r1, a){fill:red} .wall.thick{fill:blue}", Some("red")),
        (":where(#r1){fill:red} rect{fill:blue}", Some("blue")),
        ("rect:not(#x){fill:red} .wall.thick{fill:blue}", Some("red")),
        ("rect:nth-child(1){fill:red} .wall{fill:blue}", Some("red")),
        ("@media print{#r1{fill:red}} rect{fill:blue}", Some("blue")),
        ("@media screen{#r1{fill:red}} rect{fill:blue}", Some("red")),
        ("@media (min-width:300px){@media (max-width:500px){rect{fill:red}}}", Some("red")),
        ("@media (min-width:500px){rect{fill:red}}", None),
        ("@supports (fill:red){rect{fill:red}}", Some("red")),
        ("@supports not (fill:red){rect{fill:red}}", None),
        ("@import url(x.css); rect{fill:red}", Some("red")),
        ("@font-face{font-family:x} @page{margin:0} rect{fill:red}", Some("red")),
        ("/* rect{fill:blue} */ rect{/*x*/fill:red}", Some("red")),
    ] {
        let document = drawing(sheet);
        assert_eq!(fill(&document, "r1").as_deref(), expected, "{sheet}");
    }
}

#[test]
fn custom_properties_are_inherited_and_put_in_place() {
    for (sheet, expected) in [
        ("svg{--c:red} rect{fill:var(--c)}", Some("red")),
        ("svg{--c:red} #inner{--c:blue} rect{fill:var(--c)}", Some("blue")),
        ("svg{--C:red} rect{fill:var(--c, green)}", Some("green")),
        ("rect{fill:var(--none)}", None),
        ("rect{fill:blue} rect{fill:var(--none)}", None),
        ("rect{fill:var(--none, var(--other, red))}", Some("red")),
        ("svg{--a:var(--b);--b:red} rect{fill:var(--a)}", Some("red")),
        ("svg{--a:var(--b);--b:var(--a)} rect{fill:var(--a)}", None),
        ("svg{--r:10;--g:20} rect{fill:rgb(var(--r),var(--g),30)}", Some("rgb(10,20,30)")),
        ("rect{fill:var(--c} svg{--c:red}", None),
    ] {
        let document = drawing(sheet);
        assert_eq!(fill(&document, "r1").as_deref(), expected, "{sheet}");
    }
    let doubling: String =
        (1..40).map(|i| format!("--a{i}:var(--a{0}) var(--a{0});", i - 1)).collect();
    let document = drawing(&format!("svg{{--a0:x;{doubling}}} rect{{fill:var(--a39)}}"));
    assert_eq!(fill(&document, "r1"), None, "properties that double one another");
}

#[test]
fn a_sheet_of_another_medium_does_not_apply() {
    for (attribute, applies) in [
        ("", true),
        (r#"media="screen""#, true),
        (r#"media="print""#, false),
        (r#"media="(min-width: 900px)""#, false),
    ] {
        let source = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 300"><style {attribute}>rect{{fill:red}}</style><rect id="r1"/></svg>"#
        );
        let document = parse(&source, &Limits::default()).expect("a document");
        assert_eq!(fill(&document, "r1").is_some(), applies, "{attribute}");
    }
}

#[test]
fn hostile_selectors_cost_a_bounded_number_of_steps() {
    let deep = "<g class=\"a\">".repeat(300) + "<rect class=\"b\"/>" + &"</g>".repeat(300);
    let wide = "<rect class=\"a\"/>".repeat(2_000);
    for (body, selector) in [
        (&deep, ".a ".repeat(30) + "> .x .b"),
        (&wide, ".a ~ ".repeat(20) + ".x"),
        (&wide, ".a ~ ".repeat(20) + ".a"),
        (&wide, ":nth-child(2n):not(:nth-last-child(3n))".to_owned()),
    ] {
        let source = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 3"><style>{selector}{{fill:red}}</style>{body}</svg>"#
        );
        let document = parse(&source, &Limits::default()).expect("a document");
        let sheet = Sheet::of(&document);
        let last = document.elements().last().expect("an element");
        let mut work = 0;
        sheet.cascade(&document, last, &mut work);
        assert!(work < 10_000_000, "{selector}: {work} steps");
    }
}
