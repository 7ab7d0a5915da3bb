//! `GET /sessions/{session}/tiles`: the live picture of a session, as the tiles that changed.
//!
//! The form of the answer is in `docs/tiles.md`.

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, STANDARD};
use bytes::Bytes;
use kurbo::Rect;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::admission::body::Body;
use crate::admission::input;
use crate::admission::reply::{Call, Reply};
use crate::protocol::problem::{self, Error, Problem};
use crate::protocol::query;
use svgx_base::machine;
use svgx_session::Tiles;
use svgx_tiles::{Body as Shown, Request, SIZE, ZOOMS};

/// The media types of the answer, the usual one first.
pub(crate) const MEDIA: &[&str] = &["application/vnd.svgx.tiles", "application/json"];
/// What an answer begins with: the form and its version.
const MAGIC: &[u8; 4] = b"SVT1";
/// Elements that an answer names.
const NAMED: usize = 100;

/// Which tiles.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "it describes what is read by hand, with messages of our own")]
pub(crate) struct TilesQuery {
    /// The `token` of the answer at hand: only tiles that changed since, and those of the area
    /// that were not in it, are answered. All are for a token that is no longer known.
    #[param(example = "00c0ffee00c0ffee.7.0.0.0.16.12")]
    since: Option<String>,
    /// The zoom: steps of a quarter of an octave from the drawing's own size, 0 without.
    #[param(minimum = -48, maximum = 48, example = 4)]
    zoom: Option<i32>,
    /// The area, as `x,y,width,height` in units of the root's `viewBox`; all of that without.
    #[param(example = "0,0,4000,3000")]
    rect: Option<String>,
}

/// What an answer of tiles begins with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TileIndex {
    /// Names the version, and the tiles that were asked for: `since` of the next request.
    token: String,
    /// The sequence of the session that the tiles show.
    sequence: u64,
    /// The zoom.
    zoom: i32,
    /// Pixels for a unit of the root's `viewBox`.
    scale: f64,
    /// Pixels along a side of a tile.
    size: u16,
    /// Whether these are all tiles of the area, and not only those that changed.
    complete: bool,
    /// The tiles, row by row.
    tiles: Vec<TileEntry>,
    /// Elements in the area that are painted with their whole group by the renderer of
    /// `/render`, because they take more than outlines in plain colours.
    otherwise: Vec<PaintedOtherwise>,
    /// How many more such elements there are than are named.
    #[serde(skip_serializing_if = "is_zero")]
    otherwise_more: usize,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// A tile: of one colour, or a PNG file behind the index.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TileEntry {
    /// Its column: it begins at `x` times `size` pixels from the drawing's origin.
    x: i32,
    /// Its row.
    y: i32,
    /// The colour of all of it, `#rrggbbaa`, not premultiplied.
    #[serde(skip_serializing_if = "Option::is_none")]
    colour: Option<String>,
    /// Where its file begins, in bytes from the end of the index.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<usize>,
    /// How long the file is.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<usize>,
    /// The file in base64, in an answer that is JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    png: Option<String>,
}

/// An element that is painted with its whole group.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PaintedOtherwise {
    /// Its id, or its handle `@N`.
    element: String,
    /// What it takes: `paint-server`, `clip`, `mask`, `filter` and the like.
    why: &'static str,
}

/// The tiles of a session's picture that changed, edits included. The answer is one binary
/// frame: `SVT1`, the length of the index (32 bits, little-endian), the index in JSON
/// (`TileIndex`), and behind it the PNG files.
///
/// # Errors
/// A session that holds no drawing, an area with too many tiles, or no time.
#[utoipa::path(get, path = "/sessions/{session}/tiles", tag = "drawing",
    operation_id = "get_session_tiles",
    params(TilesQuery,
        ("session" = String, Path, description = "The session's name", example = "default")),
    responses((status = 200, description = "A frame: `SVT1`, the length of the index, the index, \
            the PNG files; or the index with the files in base64",
            content((Vec<u8> = "application/vnd.svgx.tiles"), (TileIndex = "application/json"))),
        (status = 404, content_type = "application/problem+json", body = Problem<'_>),
        (status = 422, content_type = "application/problem+json", body = Problem<'_>)))]
pub(crate) fn tiles(call: Call<'_>, _: Option<Body>) -> Result<Reply, Error> {
    let request = read_query(&call.query)?;
    let key = input::session_of_path(&call)?;
    let threads = (machine::cores() as usize).clamp(1, 4);
    let app = &call.app;
    let tiles = app.sessions.tiles(&key, &request, &app.fonts, threads, call.budget);
    let tiles = tiles.map_err(|e| problem::session(e, None))?;
    if tiles.sequence == 0 {
        return Err(input::no_session(&call, key.name()));
    }
    if call.media == "application/json" {
        let (index, _) = index(tiles, Some(&STANDARD));
        return call.json(&index, None);
    }
    let frame = frame(index(tiles, None))?;
    Ok(call.bytes("application/vnd.svgx.tiles", frame, None))
}

/// The index of an answer, and the files behind it: in it, where `within` says how.
fn index(tiles: Tiles, within: Option<&GeneralPurpose>) -> (TileIndex, Vec<u8>) {
    let Tiles { drawn, sequence, mut otherwise } = tiles;
    let mut files = Vec::new();
    let mut entries = Vec::with_capacity(drawn.tiles.len());
    for tile in &drawn.tiles {
        let (x, y) = tile.at;
        let mut entry = TileEntry { x, y, colour: None, at: None, bytes: None, png: None };
        match (&tile.body, within) {
            (Shown::Colour([r, g, b, a]), _) => {
                entry.colour = Some(format!("#{r:02x}{g:02x}{b:02x}{a:02x}"));
            }
            (Shown::Png(file), None) => {
                (entry.at, entry.bytes) = (Some(files.len()), Some(file.len()));
                files.extend_from_slice(file);
            }
            (Shown::Png(file), Some(coding)) => entry.png = Some(coding.encode(file)),
        }
        entries.push(entry);
    }
    let otherwise_more = otherwise.len().saturating_sub(NAMED);
    otherwise.truncate(NAMED);
    let otherwise = otherwise.into_iter();
    let index = TileIndex {
        token: drawn.token.to_string(),
        sequence,
        zoom: drawn.zoom,
        scale: drawn.scale,
        size: SIZE,
        complete: drawn.complete,
        tiles: entries,
        otherwise: otherwise.map(|(element, why)| PaintedOtherwise { element, why }).collect(),
        otherwise_more,
    };
    (index, files)
}

fn frame((index, files): (TileIndex, Vec<u8>)) -> Result<Bytes, Error> {
    let index = serde_json::to_vec(&index).map_err(|e| Error::Internal(e.to_string()))?;
    let length = u32::try_from(index.len()).map_err(|e| Error::Internal(e.to_string()))?;
    let mut frame = Vec::with_capacity(8 + index.len() + files.len());
    frame.extend_from_slice(MAGIC);
    frame.extend_from_slice(&length.to_le_bytes());
    frame.extend_from_slice(&index);
    frame.extend_from_slice(&files);
    Ok(Bytes::from(frame))
}

fn read_query(query: &str) -> Result<Request, Error> {
    let mut request = Request::default();
    for (name, value) in query::parameters(query, &["since", "zoom", "rect"])? {
        let wrong = |expected: &str| query::wrong(&name, &value, expected);
        match name.as_str() {
            "since" => {
                let token = value.parse().map_err(|()| wrong("the `token` of an answer"))?;
                request.since = Some(token);
            }
            "zoom" => {
                let zoom = value.parse().ok().filter(|zoom| (-ZOOMS..=ZOOMS).contains(zoom));
                let expected = || wrong(&format!("a whole number from -{ZOOMS} to {ZOOMS}"));
                request.zoom = zoom.ok_or_else(expected)?;
            }
            _ => {
                let area = area(&value);
                let expected = || wrong("four numbers `x,y,width,height`, sizes above 0");
                request.area = Some(area.ok_or_else(expected)?);
            }
        }
    }
    Ok(request)
}

fn area(text: &str) -> Option<Rect> {
    let mut numbers = text.split(',').map(|n| n.trim().parse::<f64>().ok());
    let mut next = || numbers.next().flatten().filter(|n| n.is_finite());
    let (x, y, width, height) = (next()?, next()?, next()?, next()?);
    let ends = numbers.next().is_none();
    (ends && width > 0.0 && height > 0.0).then(|| Rect::new(x, y, x + width, y + height))
}
