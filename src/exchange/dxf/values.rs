//! Attributes: templates of blocks, and the values that inserts state of them.
//!
//! A value is one of the language only where it would be drawn as the file has it: in the place, the
//! size and the colour that follow from the template. Others are texts.

use std::collections::{HashMap, HashSet};

use super::colour::Colour;
use super::curve::{Affine, P, length, sub};
use super::shape::{Insert, Item, Shape, Text};
use super::text;

/// Whether a text can be the template of an attribute of a symbol.
pub(super) fn is_template(name: &str, text: &Text) -> bool {
    let [a, b, c, d, ..] = text.place.0;
    is_plain(text)
        && (a * a + b * b - 1.0).abs() < 1e-9
        && (a - d).abs() < 1e-9
        && (b + c).abs() < 1e-9
        && !name.is_empty()
        && name.len() <= 64
        && text::plain(name) == name
        && !name.contains(['"', '<', '&'])
}

fn is_plain(text: &Text) -> bool {
    text.rise == 0.0 && text.fit.is_none() && text.lines.len() == 1
}

/// The attributes of the model that are values: by the numbers of their inserts, and all of their
/// own numbers.
pub(super) fn values(
    model: &[Item<'_>],
    blocks: &[Vec<Item<'_>>],
) -> (HashMap<usize, Vec<usize>>, HashSet<usize>) {
    let (mut values, mut all) = (HashMap::new(), HashSet::new());
    let mut templates: HashMap<usize, HashMap<&str, &Text>> = HashMap::new();
    let mut of: Option<(usize, &Item<'_>, Insert)> = None;
    for (at, item) in model.iter().enumerate() {
        match (item.kind, item.shapes.as_slice()) {
            // Those of an insert stand behind it.
            ("ATTRIB", [Shape::Text(own), ..]) => {
                let (Some((number, insert, place)), Some(name)) = (&of, item.tag) else { continue };
                let of_block = templates.entry(place.block).or_insert_with(|| {
                    templates_of(blocks.get(place.block).map(Vec::as_slice).unwrap_or_default())
                });
                let Some(template) = of_block.get(name) else { continue };
                let stated: &mut Vec<usize> = values.entry(*number).or_default();
                let is_known =
                    stated.iter().any(|v| model.get(*v).is_some_and(|v| v.tag == item.tag));
                if !is_known && is_coloured(item, insert) && is_alike(own, template, place) {
                    stated.push(at);
                    all.insert(at);
                }
            }
            ("INSERT", [Shape::Insert(insert)]) => {
                of = Some((at, item, *insert));
            }
            _ => of = None,
        }
    }
    values.retain(|_, values: &mut Vec<usize>| !values.is_empty());
    (values, all)
}

fn templates_of<'i>(items: &'i [Item<'_>]) -> HashMap<&'i str, &'i Text> {
    let mut templates = HashMap::new();
    for item in items {
        if let ([Shape::Template(text)], Some(name)) = (item.shapes.as_slice(), item.tag) {
            templates.entry(name).or_insert(text);
        }
    }
    templates
}

/// Whether an attribute looks as its insert makes it look.
fn is_coloured(item: &Item<'_>, insert: &Item<'_>) -> bool {
    let (own, around) = (&item.style, &insert.style);
    let is_shown = |style: &super::shape::Style<'_>| !style.is_invisible && style.opacity == 1.0;
    own.layer == around.layer && own.colour == Colour::ByLayer && is_shown(own) && is_shown(around)
}

/// Whether an attribute stands where its template says.
fn is_alike(own: &Text, template: &Text, insert: &Insert) -> bool {
    let place = insert.place.after(&template.place);
    let sides = |by: &Affine, height: f64| [by.vector([height, 0.0]), by.vector([0.0, height])];
    let [had, has] = [sides(&own.place, own.height), sides(&place, template.height)];
    let near = 1e-6 * own.height;
    let is_near = |a: P, b: P| length(sub(a, b)) <= near;
    let [along, up] = has;
    // What would stand on its head would be turned.
    let is_read = along[0] > near || along[0].abs() <= near && along[1] > 0.0;
    let shows = own.lines.iter().any(|line| !line.trim().is_empty());
    is_plain(own)
        && own.anchor == template.anchor
        && is_near(own.place.point([0.0; 2]), place.point([0.0; 2]))
        && is_near(had[0], along)
        && is_near(had[1], up)
        && is_read
        && shows
}
