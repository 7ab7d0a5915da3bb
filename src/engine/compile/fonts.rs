//! The fonts that text is drawn with: those in the binary, and those that are handed in.
//!
//! Nothing is looked up on the machine by itself, so that equal fonts give equal pictures.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, OnceLock};

use resvg::usvg::fontdb::{Database, Family, ID, Query, Source, Stretch, Style, Weight};
use resvg::usvg::{self, FontFamily, FontStretch, FontStyle};
use skrifa::{FontRef, MetadataProvider as _};
use svgx_base::budget::{Budget, Stop};

/// The family in the binary.
pub(crate) const BUILT_IN: &str = "DejaVu Sans";

/// Families of the same widths: what is asked for, and what may stand in.
const SAME_WIDTHS: &[(&[&str], &[&str])] = &[
    (&["arial", "helvetica"], &["liberation sans", "arimo"]),
    (&["times new roman", "times"], &["liberation serif", "tinos"]),
    (&["courier new", "courier"], &["liberation mono", "cousine"]),
    (&["arial narrow"], &["liberation sans narrow"]),
    (&["calibri"], &["carlito"]),
    (&["cambria"], &["caladea"]),
];
/// What generic families are taken from, where it was handed in.
const SERIF: &[&str] =
    &["dejavu serif", "liberation serif", "noto serif", "times new roman", "tinos", "free serif"];
const MONOSPACE: &[&str] = &[
    "dejavu sans mono",
    "liberation mono",
    "noto sans mono",
    "courier new",
    "cousine",
    "free mono",
];
const CURSIVE: &[&str] = &["comic neue", "comic sans ms", "z003", "apple chancery"];
const FANTASY: &[&str] = &["impact", "papyrus"];

/// A font file that is handed in.
#[derive(Clone)]
pub struct FontFile {
    /// What it is called in messages.
    pub name: String,
    /// TrueType or OpenType, or a collection of them.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for FontFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FontFile({}, {} bytes)", self.name, self.bytes.len())
    }
}

/// The fonts that text may be drawn with.
#[derive(Clone)]
pub struct Fonts {
    database: Arc<Database>,
    names: Arc<HashMap<String, String>>,
    skipped: Arc<[String]>,
}

impl fmt::Debug for Fonts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fonts({} faces)", self.database.len())
    }
}

impl Default for Fonts {
    fn default() -> Fonts {
        Fonts::built_in()
    }
}

/// What was asked for, and the face that it gets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice {
    pub(crate) id: ID,
    /// It is of the family that was asked for first, or one of the same widths.
    pub(crate) first: bool,
    /// Italic was asked for, and it is upright.
    pub(crate) upright: bool,
    /// Bold was asked for, and it is not.
    pub(crate) thin: bool,
}

impl Fonts {
    /// The fonts in the binary: DejaVu Sans, book and bold. Read once.
    pub fn built_in() -> Fonts {
        static FONTS: OnceLock<Fonts> = OnceLock::new();
        FONTS.get_or_init(|| Fonts::with(Vec::new())).clone()
    }

    /// These, and after them `files` in their order.
    pub fn with(files: Vec<FontFile>) -> Fonts {
        let mut database = Database::new();
        let own: [&'static [u8]; 2] = [
            include_bytes!("../../../assets/fonts/DejaVuSans.ttf"),
            include_bytes!("../../../assets/fonts/DejaVuSans-Bold.ttf"),
        ];
        for file in own {
            database.load_font_source(Source::Binary(Arc::new(file)));
        }
        let mut skipped = Vec::new();
        for FontFile { name, bytes } in files {
            if database.load_font_source(Source::Binary(Arc::new(bytes))).is_empty() {
                skipped.push(name);
            }
        }
        let mut names = HashMap::new();
        for face in database.faces() {
            for (name, _) in &face.families {
                names.entry(name.to_lowercase()).or_insert_with(|| name.clone());
            }
        }
        Fonts { database: Arc::new(database), names: Arc::new(names), skipped: skipped.into() }
    }

    /// Files that hold no font that can be read.
    pub fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// The family of a text that asks for none: a serif, as in browsers, where there is one.
    pub(crate) fn usual(&self) -> String {
        self.first_of(SERIF).unwrap_or(BUILT_IN).to_owned()
    }

    fn first_of(&self, families: &[&str]) -> Option<&str> {
        families.iter().find_map(|name| self.names.get(*name)).map(String::as_str)
    }

    /// The family that is drawn for one that is asked for, if there is any.
    fn family(&self, asked: &FontFamily) -> Option<&str> {
        match asked {
            FontFamily::SansSerif => Some(BUILT_IN),
            FontFamily::Serif => self.first_of(SERIF),
            FontFamily::Monospace => self.first_of(MONOSPACE),
            FontFamily::Cursive => self.first_of(CURSIVE),
            FontFamily::Fantasy => self.first_of(FANTASY),
            FontFamily::Named(name) => {
                let name = name.trim().to_lowercase();
                if let Some(known) = self.names.get(&name) {
                    return Some(known);
                }
                match name.as_str() {
                    "system-ui" | "ui-sans-serif" | "ui-rounded" => return Some(BUILT_IN),
                    "ui-serif" => return self.first_of(SERIF),
                    "ui-monospace" => return self.first_of(MONOSPACE),
                    _ => {}
                }
                let alike = SAME_WIDTHS.iter().find(|(asked, _)| asked.contains(&name.as_str()));
                alike.and_then(|(_, alike)| self.first_of(alike))
            }
        }
    }

    /// The face for a list of families.
    pub(crate) fn choose(
        &self,
        families: &[FontFamily],
        weight: u16,
        style: Style,
        stretch: Stretch,
    ) -> Option<Choice> {
        let found = families.iter().enumerate().find_map(|(at, f)| Some((at, self.family(f)?)));
        let (at, family) = found.unwrap_or((usize::MAX, BUILT_IN));
        let families = [Family::Name(family), Family::Name(BUILT_IN)];
        let query = Query { families: &families, weight: Weight(weight), stretch, style };
        let face = self.database.face(self.database.query(&query)?)?;
        Some(Choice {
            id: face.id,
            first: at == 0,
            upright: style != Style::Normal && face.style == Style::Normal,
            thin: weight >= 600 && face.weight.0 < 600,
        })
    }

    /// The name of a face's family.
    pub(crate) fn name(&self, id: ID) -> &str {
        let families = self.database.face(id).map(|face| face.families.as_slice());
        families.and_then(|f| f.first()).map_or(BUILT_IN, |(name, _)| name)
    }

    /// Those of `letters` that no face has a glyph for.
    pub(crate) fn missing(
        &self,
        mut letters: BTreeSet<char>,
        budget: &Budget,
    ) -> Result<BTreeSet<char>, Stop> {
        for face in self.database.faces() {
            budget.checkpoint()?;
            if letters.is_empty() {
                break;
            }
            self.database.with_face_data(face.id, |data, index| {
                if let Ok(font) = FontRef::from_index(data, index) {
                    let map = font.charmap();
                    letters.retain(|c| map.map(*c).is_none());
                }
            });
        }
        Ok(letters)
    }

    pub(super) fn database(&self) -> Arc<Database> {
        Arc::clone(&self.database)
    }

    /// How the renderer finds faces.
    pub(super) fn resolver(&self) -> usvg::FontResolver<'static> {
        let fonts = self.clone();
        let select = move |font: &usvg::Font, _: &mut Arc<Database>| {
            let style = match font.style() {
                FontStyle::Normal => Style::Normal,
                FontStyle::Italic => Style::Italic,
                FontStyle::Oblique => Style::Oblique,
            };
            let choice = fonts.choose(font.families(), font.weight(), style, stretch(font));
            choice.map(|choice| choice.id)
        };
        usvg::FontResolver {
            select_font: Box::new(select),
            select_fallback: usvg::FontResolver::default_fallback_selector(),
        }
    }
}

fn stretch(font: &usvg::Font) -> Stretch {
    match font.stretch() {
        FontStretch::UltraCondensed => Stretch::UltraCondensed,
        FontStretch::ExtraCondensed => Stretch::ExtraCondensed,
        FontStretch::Condensed => Stretch::Condensed,
        FontStretch::SemiCondensed => Stretch::SemiCondensed,
        FontStretch::Normal => Stretch::Normal,
        FontStretch::SemiExpanded => Stretch::SemiExpanded,
        FontStretch::Expanded => Stretch::Expanded,
        FontStretch::ExtraExpanded => Stretch::ExtraExpanded,
        FontStretch::UltraExpanded => Stretch::UltraExpanded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use svgx_base::budget::{Class, Tier};

    #[test]
    fn the_font_in_the_binary_has_every_printable_letter_of_ascii() {
        let letters: BTreeSet<char> = (' '..='~').collect();
        let budget = Budget::unlimited(Class::Redraw, Tier::Ui);
        let missing = Fonts::built_in().missing(letters, &budget).expect("nothing stops it");
        assert!(missing.is_empty(), "{missing:?}");
        let rare = BTreeSet::from(['a', '\u{F8FF}', '\u{10FFFD}']);
        let missing = Fonts::built_in().missing(rare, &budget).expect("nothing stops it");
        assert_eq!(missing.len(), 2, "{missing:?}");
    }
}
