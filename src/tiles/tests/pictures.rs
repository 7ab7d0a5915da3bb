//! What the tiles show, against other ways to the same picture.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kurbo::Rect;
use svgx_base::budget::{Budget, Cancel, Class, Tier};
use svgx_base::random::{SplitMix64, unit};
use svgx_engine::compile::{Fonts, PngOptions, png};
use svgx_engine::document::{Document, Limits, Ns, parse};
use svgx_engine::geometry::Scene;
use svgx_tiles::{Body, Drawn, Error, Live, Request, SIZE};

/// A drawing, its scene and its picture.
pub(crate) struct Desk {
    pub(crate) document: Document,
    scene: Scene,
    live: Live,
    fonts: Fonts,
    bytes: Arc<AtomicU64>,
}

pub(crate) fn budget() -> Budget {
    Budget::unlimited(Class::Redraw, Tier::Compute)
}

impl Desk {
    pub(crate) fn new(source: &str) -> Desk {
        Desk::with(source, svgx_tiles::Limits::default())
    }

    fn with(source: &str, limits: svgx_tiles::Limits) -> Desk {
        let document = parse(source, &Limits::default()).expect("a document");
        let scene = Scene::build(&document, &Limits::default(), &budget()).expect("a scene");
        let bytes = Arc::new(AtomicU64::new(0));
        let live = Live::new(limits, Arc::clone(&bytes));
        Desk { document, scene, live, fonts: Fonts::built_in(), bytes }
    }

    pub(crate) fn ask(&mut self, request: &Request, threads: usize) -> Result<Drawn, Error> {
        let limits = Limits::default();
        let Desk { document, scene, live, fonts, .. } = self;
        let plan = live.plan(document, scene, request, fonts, &limits, &budget())?;
        let drawn = plan.draw(threads, &budget())?;
        live.keep(&drawn);
        Ok(drawn)
    }

    fn set(&mut self, id: &str, name: &str, value: &str) {
        let node = self.document.by_id(id).expect("an element");
        self.document.set_attribute(node, Ns::None, name, value);
        self.scene.update(&self.document, node, &Limits::default()).expect("an update");
    }

    /// The picture as somebody draws it who sees the drawing for the first time.
    fn anew(&self, request: &Request) -> BTreeMap<(i32, i32), Vec<u8>> {
        let scene = Scene::build(&self.document, &Limits::default(), &budget());
        let mut other = Desk {
            document: self.document.clone(),
            scene: scene.expect("a scene"),
            live: Live::new(svgx_tiles::Limits::default(), Arc::default()),
            fonts: Fonts::built_in(),
            bytes: Arc::default(),
        };
        let request = Request { since: None, ..*request };
        pixels(&other.ask(&request, 1).expect("a picture"))
    }
}

/// The pixels of each tile: RGBA, not premultiplied.
pub(crate) fn pixels(drawn: &Drawn) -> BTreeMap<(i32, i32), Vec<u8>> {
    let side = usize::from(SIZE);
    drawn
        .tiles
        .iter()
        .map(|tile| {
            let pixels = match &tile.body {
                Body::Colour(colour) => colour.repeat(side * side),
                Body::Png(file) => decoded(file).1,
            };
            (tile.at, pixels)
        })
        .collect()
}

/// The size of a PNG file and its pixels.
pub(crate) fn decoded(file: &[u8]) -> ((usize, usize), Vec<u8>) {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(file));
    // Few colours are sent as their numbers.
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::ALPHA);
    let mut reader = decoder.read_info().expect("a PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    let frame = reader.next_frame(&mut pixels).expect("a frame");
    ((frame.width as usize, frame.height as usize), pixels)
}

/// The pixels of a picture that begins at the origin, put together from tiles.
pub(crate) fn joined(
    tiles: &BTreeMap<(i32, i32), Vec<u8>>,
    width: usize,
    height: usize,
) -> Vec<u8> {
    let side = usize::from(SIZE);
    let mut all = vec![0; width * height * 4];
    for (&(x, y), tile) in tiles {
        let (x, y) = (x as usize * side, y as usize * side);
        for row in 0..side.min(height.saturating_sub(y)) {
            let count = side.min(width.saturating_sub(x)) * 4;
            let to = ((y + row) * width + x) * 4;
            let from = row * side * 4;
            all[to..to + count].copy_from_slice(&tile[from..from + count]);
        }
    }
    all
}

const ROOMS: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" width="320" height="200" viewBox="0 0 3200 2000">
  <defs><linearGradient id="shine"><stop stop-color="#fff"/><stop id="dark" offset="1" stop-color="#036"/></linearGradient>
    <filter id="soft"><feGaussianBlur stdDeviation="20"/></filter></defs>
  <rect id="room" x="100" y="100" width="1400" height="900" fill="#e8ecf1" stroke="#333" stroke-width="24"/>
  <g id="group"><circle id="lamp" cx="600" cy="500" r="150" fill="#c62828" stroke="#000" stroke-width="7"/>
    <path id="door" d="M1500 600a400 400 0 0 1 400 400" fill="none" stroke="#607080" stroke-width="15" stroke-dasharray="60 30"/></g>
  <text id="name" x="200" y="1300" font-size="180">Hall 1</text>
  <rect id="glass" x="2000" y="200" width="800" height="500" fill="url(#shine)"/>
  <g id="cloud" filter="url(#soft)"><rect id="blob" x="2100" y="1000" width="500" height="400" fill="#0a0"/></g>
  <g id="veil" opacity="0.5"><rect id="front" x="500" y="900" width="700" height="700" fill="#00f"/><circle cx="1200" cy="1500" r="300" fill="#ff0"/></g>
</svg>"##;

#[test]
fn tiles_brought_up_to_date_are_those_drawn_anew() {
    let mut desk = Desk::new(ROOMS);
    let request = Request::default();
    let mut held = pixels(&desk.ask(&request, 1).expect("a picture"));
    let mut token = desk.ask(&request, 1).expect("a picture").token;
    let edits = [
        ("lamp", "cx", "900"),
        ("lamp", "fill", "#00ff00"),
        ("door", "stroke-width", "90"),
        ("group", "transform", "translate(300 200) rotate(10)"),
        ("name", "x", "700"),
        ("name", "font-size", "300"),
        ("dark", "stop-color", "#f00"),
        ("blob", "x", "1500"),
        ("front", "x", "0"),
        ("veil", "opacity", "1"),
        ("glass", "fill", "#123456"),
        ("lamp", "fill", "url(#shine)"),
        ("lamp", "visibility", "hidden"),
        ("cloud", "filter", "none"),
        ("room", "filter", "url(#soft)"),
        ("room", "style", "mix-blend-mode:multiply"),
        ("lamp", "visibility", "visible"),
        ("room", "style", ""),
        ("name", "vector-effect", "non-scaling-stroke"),
        ("name", "stroke", "#f0f"),
    ];
    let whole =
        |value: &str| ["mix-blend-mode:multiply", "", "non-scaling-stroke"].contains(&value);
    for (id, name, value) in edits {
        desk.set(id, name, value);
        let since = Request { since: Some(token), ..request };
        let drawn = desk.ask(&since, 2).expect("a picture");
        // What blends, or has lines that do not scale, may be all over the picture.
        assert_eq!(drawn.complete, whole(value), "{id} {name}={value}");
        token = drawn.token;
        held.extend(pixels(&drawn));
        assert!(held == desk.anew(&request), "{id} {name}={value}");
    }
}

/// How much of a pixel lies between two places.
fn share(pixel: usize, from: f64, to: f64) -> f64 {
    let pixel = pixel as f64;
    (to.min(pixel + 1.0) - from.max(pixel)).clamp(0.0, 1.0)
}

#[test]
fn a_bordered_rectangle_covers_of_each_pixel_what_geometry_says() {
    let mut random = SplitMix64::new(5);
    let mut between = |least: f64, most: f64| least + unit(random.next_u64()) * (most - least);
    for _ in 0..60 {
        let (x, y, w, h) =
            (between(5.0, 9.0), between(5.0, 9.0), between(8.0, 40.0), between(8.0, 40.0));
        // A border that ends in the pixel where it begins is off by a sixteenth at the most.
        let line = between(0.5, 5.0);
        let mut desk = Desk::new(&format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><rect width="64" height="64" fill="#fff"/>
            <rect x="{x}" y="{y}" width="{w}" height="{h}" fill="#f00" stroke="#00f" stroke-width="{line}"/></svg>"##
        ));
        let drawn = desk.ask(&Request::default(), 1).expect("a picture");
        let picture = joined(&pixels(&drawn), 64, 64);
        let half = line / 2.0;
        for row in 0..64 {
            for column in 0..64 {
                let covered =
                    |by: f64| share(column, x - by, x + w + by) * share(row, y - by, y + h + by);
                let (outer, inner) = (covered(half), covered(-half));
                let exact = [1.0 - outer + inner, 1.0 - outer, 1.0 - inner];
                let at = (row * 64 + column) * 4;
                for (seen, exact) in picture[at..at + 3].iter().zip(exact) {
                    let off = (f64::from(*seen) - exact * 255.0).abs();
                    assert!(off <= 18.0, "{x} {y} {w} {h} {line}: {column} {row}: {seen} {exact}");
                }
            }
        }
    }
}

#[test]
fn only_tiles_that_may_have_changed_are_sent_and_others_are_kept() {
    let mut desk = Desk::new(ROOMS);
    let request = Request::default();
    let first = desk.ask(&request, 1).expect("a picture");
    assert!(first.complete);
    assert_eq!(first.tiles.len(), 5 * 4);
    let since = |token| Request { since: Some(token), ..request };
    let same = desk.ask(&since(first.token), 1).expect("a picture");
    assert!(!same.complete && same.tiles.is_empty());
    // A circle of 31 pixels across moves by 10 pixels: at most 2 by 2 tiles and their edges.
    desk.set("lamp", "cx", "700");
    let moved = desk.ask(&since(first.token), 1).expect("a picture");
    assert!(!moved.complete);
    assert!((1..=4).contains(&moved.tiles.len()), "{}", moved.tiles.len());
    // Of another zoom, or of another picture, a token is none; a token knows its own area.
    let zoomed = Request { zoom: 4, ..since(moved.token) };
    assert!(desk.ask(&zoomed, 1).expect("a picture").complete);
    let other = Desk::new(ROOMS).ask(&request, 1).expect("a picture").token;
    assert!(desk.ask(&since(other), 1).expect("a picture").complete);
    let part = Request { area: Some(Rect::new(0.0, 0.0, 640.0, 640.0)), ..request };
    let part = desk.ask(&part, 1).expect("a picture");
    let rest = desk.ask(&since(part.token), 1).expect("a picture");
    assert_eq!((part.tiles.len(), rest.tiles.len()), (1, 19));
}

#[test]
fn a_token_is_read_as_it_is_written() {
    let token = Desk::new(ROOMS).ask(&Request::default(), 1).expect("a picture").token;
    assert_eq!(token.to_string().parse(), Ok(token));
    for wrong in ["", "1", "zz", "0123456789abcdef.1.0.0.0.1", "0123456789abcdef.1.0.0.0.1.1.1"] {
        assert!(wrong.parse::<svgx_tiles::Token>().is_err(), "{wrong}");
    }
}

#[test]
fn two_threads_draw_what_one_draws() {
    let request = Request { zoom: 6, ..Request::default() };
    let one = Desk::new(ROOMS).ask(&request, 1).expect("a picture");
    let two = Desk::new(ROOMS).ask(&request, 2).expect("a picture");
    assert!(one.tiles == two.tiles);
    assert!(one.tiles.len() > 100);
}

#[test]
fn what_does_not_fit_is_forgotten_and_drawn_again() {
    let tight = svgx_tiles::Limits { bytes: 40_000 };
    let mut desk = Desk::with(ROOMS, tight);
    for zoom in [0, 3, -4, 5, 0, 3] {
        let request = Request { zoom, ..Request::default() };
        let drawn = desk.ask(&request, 2).expect("a picture");
        assert!(pixels(&drawn) == desk.anew(&request), "{zoom}");
        assert!(desk.live.bytes() <= 60_000, "{} at {zoom}", desk.live.bytes());
        assert_eq!(desk.bytes.load(Ordering::Relaxed), desk.live.bytes());
    }
    let bytes = Arc::clone(&desk.bytes);
    drop(desk);
    assert_eq!(bytes.load(Ordering::Relaxed), 0);
}

#[test]
fn what_takes_more_than_plain_colours_is_named_and_text_does_not() {
    let mut desk = Desk::new(ROOMS);
    let drawn = desk.ask(&Request::default(), 1).expect("a picture");
    let named: Vec<_> = drawn
        .otherwise
        .iter()
        .map(|(unit, why)| (desk.document.id(*unit).unwrap_or_default(), why.name()))
        .collect();
    assert_eq!(named, [("glass", "paint-server"), ("cloud", "filter"), ("veil", "opacity")]);
}

#[test]
fn the_union_of_tiles_is_the_picture_in_one_piece_but_for_rounding() {
    // Outlines alone: pieces are laid in as they are.
    let plain = ROOMS.replace("url(#shine)", "#9cf").replace("filter=\"url(#soft)\"", "");
    let plain = plain.replace("opacity=\"0.5\"", "");
    let mut desk = Desk::new(&plain);
    let tiles = pixels(&desk.ask(&Request::default(), 1).expect("a picture"));
    let request = Request::default();
    let limits = Limits::default();
    let Desk { document, scene, fonts, .. } = &mut desk;
    let mut live = Live::new(svgx_tiles::Limits::default(), Arc::default());
    let mut fresh = Scene::build(document, &limits, &budget()).expect("a scene");
    let _ = scene;
    let plan = live.plan(document, &mut fresh, &request, fonts, &limits, &budget());
    let whole = plan.expect("a plan").in_one_piece(320, 256);
    let joined = joined(&tiles, 320, 256);
    let premultiplied = |pixels: &[u8]| -> Vec<u8> {
        let whole = |pixel: &[u8; 4]| {
            pixel.map(|c| ((u32::from(c) * u32::from(pixel[3]) + 127) / 255) as u8)
        };
        let (pixels, _) = pixels.as_chunks::<4>();
        pixels
            .iter()
            .flat_map(|pixel| [whole(pixel)[0], whole(pixel)[1], whole(pixel)[2], pixel[3]])
            .collect()
    };
    let (whole, joined) = (premultiplied(&whole), premultiplied(&joined));
    let off = whole.iter().zip(&joined).filter(|(a, b)| a.abs_diff(**b) > 1).count();
    assert_eq!((whole.len(), off), (joined.len(), 0));
}

#[test]
fn tiles_show_what_the_other_renderer_shows() {
    let mut desk = Desk::new(ROOMS);
    let tiles = pixels(&desk.ask(&Request::default(), 1).expect("a picture"));
    let joined = joined(&tiles, 320, 200);
    let options = PngOptions::default();
    let file = png(&desk.document, &options, &Limits::default(), &budget()).expect("a picture");
    let (_, theirs) = decoded(&file);
    let share = share_off(&joined, &theirs);
    assert!(share < 0.005, "{share}");
}

/// The share of pixels that differ by more than 48 of 255 on white.
pub(crate) fn share_off(ours: &[u8], theirs: &[u8]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    let on_white = |pixel: &[u8], at: usize| {
        let (c, a) = (f64::from(pixel[at]), f64::from(pixel[3]) / 255.0);
        c * a + 255.0 * (1.0 - a)
    };
    let pixels = ours.chunks_exact(4).zip(theirs.chunks_exact(4));
    let off =
        pixels.filter(|(a, b)| (0..3).any(|at| (on_white(a, at) - on_white(b, at)).abs() > 48.0));
    off.count() as f64 / (ours.len() / 4) as f64
}

#[test]
fn hostile_numbers_are_refused_or_drawn_but_never_fatal() {
    for body in [
        r#"<path d="M0 0L1e9 1e9" stroke="red" stroke-width="1e8"/>"#,
        r#"<path d="M0 0C1e8 0 0 1e8 1e8 1e8" stroke="red" stroke-dasharray="0.001"/>"#,
        r#"<rect width="1e-30" height="1e-30" stroke="red" stroke-width="1e-30"/>"#,
        r#"<g transform="scale(1e6 1e-6)"><circle r="5" stroke="blue" stroke-width="3"/></g>"#,
        r#"<text font-size="1e5" x="-1e6">x</text>"#,
    ] {
        let source = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">{body}</svg>"#
        );
        let mut desk = Desk::new(&source);
        for zoom in [0, 48, -48] {
            let area = Some(Rect::new(0.0, 0.0, 100.0, 100.0)).filter(|_| zoom <= 0);
            let area = area.or(Some(Rect::new(0.0, 0.0, 0.05, 0.05)));
            let drawn = desk.ask(&Request { zoom, area, since: None }, 1).expect("a picture");
            assert!(!drawn.tiles.is_empty(), "{body}");
        }
    }
    let mut desk = Desk::new(ROOMS);
    let far = Request { zoom: 48, ..Request::default() };
    assert!(matches!(desk.ask(&far, 1), Err(Error::Tiles { .. } | Error::Area)));
}

#[test]
fn what_was_broken_off_is_made_up_for_by_the_next_request() {
    let mut desk = Desk::new(ROOMS);
    let request = Request::default();
    let mut held = pixels(&desk.ask(&request, 1).expect("a picture"));
    let token = desk.ask(&request, 1).expect("a picture").token;
    let cancel = Cancel::default();
    cancel.cancel();
    let stopped = budget().cancelled_by(cancel);
    let limits = Limits::default();
    for (id, name, value) in [("name", "x", "900"), ("lamp", "cx", "300")] {
        desk.set(id, name, value);
        // A text is made anew while planning, a circle is only drawn.
        let since = Request { since: Some(token), ..request };
        let Desk { document, scene, live, fonts, .. } = &mut desk;
        let plan = live.plan(document, scene, &since, fonts, &limits, &stopped);
        let broken_off = plan.and_then(|plan| plan.draw(2, &stopped));
        assert!(matches!(broken_off, Err(Error::Stopped(_))), "{id}");
    }
    let since = Request { since: Some(token), ..request };
    held.extend(pixels(&desk.ask(&since, 1).expect("a picture")));
    assert!(held == desk.anew(&request));
}
