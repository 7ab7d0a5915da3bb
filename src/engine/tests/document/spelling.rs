//! Misspelt names, and what is said about them. Names that exist are never reported.

use svgx_engine::check;
use svgx_engine::document::{Code, Diagnostic, Limits, Severity};

fn findings(inside: &str) -> Vec<Diagnostic> {
    let text = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' xmlns:arx='http://arxos.io/svgx' \
         viewBox='0 0 200 200'>{inside}</svg>"
    );
    check(&text, &Limits::default()).diagnostics
}

/// A drawing, and the code and words of one of its findings.
const SLIPS: &[(&str, Code, &str)] = &[
    // Elements.
    ("<rectt width='3' height='3'/>", Code::UnknownElement, "did you mean rect?"),
    ("<lineargradient id='a'/>", Code::UnknownElement, "did you mean linearGradient?"),
    ("<objct id='a'/>", Code::UnknownElement, "did you mean arx:object?"),
    ("<arx:objct id='a'/>", Code::UnknownElement, "did you mean object?"),
    ("<banana/>", Code::UnknownElement, "`banana` is no element of SVG; it is not drawn"),
    // Attributes.
    ("<rect widht='3' height='3'/>", Code::UnknownAttribute, "did you mean width?"),
    ("<rect fil='red'/>", Code::UnknownAttribute, "did you mean fill?"),
    ("<path D='M0 0h1'/>", Code::UnknownAttribute, "did you mean d?"),
    ("<g viewbox='0 0 1 1'/>", Code::UnknownAttribute, "did you mean viewBox?"),
    ("<line strokeWidth='2'/>", Code::UnknownAttribute, "did you mean stroke-width?"),
    ("<rect fil='red'/><rect fil='red'/><rect fil='red'/>", Code::UnknownAttribute, "2 times more"),
    ("<rect arx:layr='walls'/>", Code::UnknownAttribute, "did you mean arx:layer?"),
    (
        "<arx:object id='a' type='t'/><rect layer='walls'/>",
        Code::UnknownAttribute,
        "did you mean arx:layer?",
    ),
    ("<arx:object id='a' typ='t'/>", Code::UnknownAttribute, "did you mean type?"),
    (
        "<arx:system id='s' type='hvac'><arx:connection form='a' to='b'/></arx:system>",
        Code::UnknownAttribute,
        "did you mean from?",
    ),
    // A measure of another shape.
    ("<circle radius='3'/>", Code::UnknownAttribute, "it has cx, cy, r"),
    ("<circle x='1' y='2' r='3'/>", Code::UnknownAttribute, "`x` has no meaning on `circle`"),
    ("<rect cx='3' width='1' height='1'/>", Code::UnknownAttribute, "it has x, y, width, height"),
    ("<ellipse r='3'/>", Code::UnknownAttribute, "it has cx, cy, rx, ry"),
    ("<line x='3'/>", Code::UnknownAttribute, "it has x1, y1, x2, y2"),
    ("<path points='0 0 1 1'/>", Code::UnknownAttribute, "it has d"),
    ("<polygon d='M0 0h1v1z'/>", Code::UnknownAttribute, "it has points"),
    ("<use href='#a' cx='3'/>", Code::UnknownAttribute, "it has x, y, width, height"),
    // Properties and values.
    ("<rect style='fil: red'/>", Code::UnknownProperty, "did you mean fill?"),
    ("<style>a{fill:red} b{stroke-widht:2}</style>", Code::UnknownProperty, "stroke-width?"),
    ("<rect fill='gren'/>", Code::PropertyValue, "did you mean green?"),
    ("<rect style='stroke-linecap:rond'/>", Code::PropertyValue, "did you mean round?"),
    ("<g display='non'/>", Code::PropertyValue, "did you mean none?"),
    ("<g pointer-events='nome'/>", Code::PropertyValue, "did you mean none?"),
    ("<pattern patternUnits='userSpaceOnUs'/>", Code::PropertyValue, "userSpaceOnUse?"),
    // Words of the language.
    ("<rect arx:layer='wals'/>", Code::UnknownLayer, "did you mean walls?"),
    ("<arx:system id='s' type='hvacc'/>", Code::UnknownSystem, "did you mean hvac?"),
    (
        "<rect id='a'><arx:physics><arx:anchor point='celing'/></arx:physics></rect>",
        Code::UnknownAnchor,
        "did you mean ceiling?",
    ),
    (
        "<rect id='a'><arx:physics><arx:anchor type='hnige'/></arx:physics></rect>",
        Code::PhysicsAnchor,
        "did you mean hinge?",
    ),
    (
        "<rect id='a' width='1' height='1'><arx:physics><arx:mass value='3' unit='KG'/>\
         </arx:physics></rect>",
        Code::PhysicsValue,
        "did you mean kg?",
    ),
    (
        "<rect id='a'><arx:physics><arx:forces><arx:force name='f' direction='dwon' \
         magnitude='1'/></arx:forces></arx:physics></rect>",
        Code::BadForce,
        "did you mean down?",
    ),
    (
        "<rect id='a'><arx:behavior><arx:triggers><arx:trigger event='click' action='togle'/>\
         </arx:triggers></arx:behavior></rect>",
        Code::TriggerAction,
        "did you mean toggle?",
    ),
    (
        "<rect id='a'><arx:behavior><arx:triggers><arx:trigger event='clik' action='toggle'/>\
         </arx:triggers></arx:behavior></rect>",
        Code::UnknownEvent,
        "did you mean click?",
    ),
    // Ids.
    ("<g id='lamp'/><use href='#lmap'/>", Code::UnknownElementId, "did you mean lamp?"),
    (
        "<arx:object id='panel' type='t'/><arx:object id='b' type='t' upstream='panle'/>",
        Code::UnknownObject,
        "did you mean panel?",
    ),
    (
        "<arx:behavior id='blink'/><rect arx:behavior='blnik'/>",
        Code::UnknownBehavior,
        "did you mean blink?",
    ),
    (
        "<g id='pump'/><arx:system id='s' type='hvac'><arx:connection from='pump' to='pmup'/>\
         </arx:system>",
        Code::UnknownConnectionEnd,
        "did you mean pump?",
    ),
    ("<g transform='rotat(3)'/>", Code::BadTransform, "did you mean rotate?"),
];

#[test]
fn a_slip_is_answered_with_what_was_meant() {
    for (inside, code, words) in SLIPS {
        let found = findings(inside);
        let told = |d: &Diagnostic| format!("{} {}", d.message, d.help.as_deref().unwrap_or(""));
        let fits = |d: &Diagnostic| d.code == *code && told(d).contains(words);
        assert!(found.iter().any(fits), "{inside}: {found:#?}");
    }
}

/// What SVG, CSS, HTML and other people's programs write, and none of it a mistake.
const SILENT: &[&str] = &[
    "<rect data-widht='3' aria-lable='a' onclick='f()' tabindex='0' xml:space='preserve'/>",
    "<g xmlns:a='http://example.org/a' a:fil='red'><a:rectt widht='3'/></g>",
    "<foreignObject><div widht='3'><spam/></div></foreignObject>",
    "<metadata><rdf><wrok/></rdf></metadata>",
    "<font horiz-adv-x='3'><glyph unicode='a' d=''/><missing-glyph/></font>",
    "<text x='1' y='2' font-family='DejaVu Sans' style='line-height:1.2;-inkscape-x:1'>a</text>",
    "<flowRoot><flowRegion/><flowPara/></flowRoot>",
    "<filter id='f'><feDropShadow dx='1' stdDeviation='2'/></filter>",
    "<rect node='3' key='a' label='b' swatch='c'/>",
    "<rect fill='RebeccaPurple' stroke='url(#a) none' fill-rule='inherit' opacity='50%'/>",
    "<g style='display:block;overflow:visible;border-width:1px;mask-image:none'/>",
    "<arx:object id='a' type='t' fireRating='60'><arx:properties><arx:property name='p' \
     value='1' source='survey'/><depth value='3'/></arx:properties></arx:object>",
];

#[test]
fn names_that_exist_or_are_nobodys_business_are_not_reported() {
    const ABOUT_NAMES: [Code; 5] = [
        Code::UnknownElement,
        Code::UnknownAttribute,
        Code::UnknownProperty,
        Code::PropertyValue,
        Code::UnknownEvent,
    ];
    for inside in SILENT {
        let found = findings(inside);
        let wrong = found.iter().find(|d| ABOUT_NAMES.contains(&d.code));
        assert!(wrong.is_none(), "{inside}: {wrong:?}");
    }
}

#[test]
fn what_an_element_of_the_language_does_not_read_is_a_note() {
    let found =
        findings("<rect id='a'><arx:physics><arx:mass value='3' colour='x'/></arx:physics></rect>");
    let note = found.iter().find(|d| d.code == Code::UnknownAttribute).expect("a finding");
    assert_eq!(note.severity, Severity::Note);
    assert_eq!(note.help.as_deref(), Some("it has value, unit"));
}

#[test]
fn many_slips_do_not_take_long_and_are_counted() {
    let many = |one: fn(usize) -> String| findings(&(0..20_000).map(one).collect::<String>());
    let slips = many(|i| format!("<rect widht='1' wid{i}='2'/>"));
    assert!(slips.iter().any(|d| d.message.contains("(and 19999 times more)")));
    // Each of so many ids cannot be compared with each of the others.
    let ids = many(|i| format!("<use id='a{i}' href='#b{i}'/>"));
    assert!(ids.iter().all(|d| d.code != Code::UnknownElementId || d.help.is_none()));
}
