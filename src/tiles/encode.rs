//! Pixels as they are sent.

use svgx_engine::compile;

use crate::Error;
use crate::draw::Body;
use crate::grid::SIZE;

/// Colours that a picture of one byte a pixel can have.
const PALETTE: usize = 256;
/// Places of the table that finds a colour's number. A power of two.
const PLACES: usize = 1_024;
/// Fours of pixels in a row of a tile.
const ROW: usize = SIZE as usize / 4;

/// A tile of premultiplied pixels as it is sent.
pub(crate) fn tile_body(pixels: &[u8]) -> Result<Body, Error> {
    let side = u32::from(SIZE);
    let (quads, _) = pixels.as_chunks::<4>();
    let Some(Indexed { colours, pixels: numbers }) = indexed(quads) else {
        let file = if quads.iter().all(|pixel| pixel[3] == u8::MAX) {
            let opaque: Vec<u8> = quads.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect();
            encode(&opaque, (side, side), png::ColorType::Rgb)?
        } else {
            encode(&straight(pixels), (side, side), png::ColorType::Rgba)?
        };
        return Ok(Body::Png(file.into()));
    };
    let colours = straight(colours.as_flattened());
    let (colours, _) = colours.as_chunks::<4>();
    if let [colour] = colours {
        return Ok(Body::Colour(*colour));
    }
    Ok(Body::Png(write(&numbers, (side, side), png::ColorType::Indexed, colours)?.into()))
}

/// Pixels by the number of their colour.
struct Indexed {
    colours: Vec<[u8; 4]>,
    pixels: Vec<u8>,
}

/// Numbers the colours of a picture as they come; `None` if there are too many. Pixels are looked at in
/// fours: most are like the ones above them, or like the one before.
fn indexed(pixels: &[[u8; 4]]) -> Option<Indexed> {
    let mut colours = Colours { list: Vec::with_capacity(PALETTE), table: [0; PLACES] };
    let mut numbers: Vec<u8> = Vec::with_capacity(pixels.len());
    let (fours, _) = pixels.as_chunks::<4>();
    let mut last = None;
    for (at, four) in fours.iter().enumerate() {
        let above = at.checked_sub(ROW).and_then(|above| fours.get(above));
        let from = (at * 4).wrapping_sub(ROW * 4);
        if above == Some(four)
            && let Some(&above) = numbers.get(from..).and_then(|above| above.first_chunk::<4>())
        {
            numbers.extend_from_slice(&above);
            continue;
        }
        for &pixel in four {
            let number = match last {
                Some((colour, number)) if colour == pixel => number,
                _ => colours.number(pixel)?,
            };
            numbers.push(number);
            last = Some((pixel, number));
        }
    }
    Some(Indexed { colours: colours.list, pixels: numbers })
}

/// The colours of a picture by number, and what finds the number of one.
struct Colours {
    list: Vec<[u8; 4]>,
    /// The number of a colour and one more; 0 where none is.
    table: [u16; PLACES],
}

impl Colours {
    /// The number of a colour; `None` where there are too many.
    fn number(&mut self, colour: [u8; 4]) -> Option<u8> {
        let mut place = (u32::from_le_bytes(colour).wrapping_mul(0x9e37_79b1) >> 22) as usize;
        loop {
            // The table has four times as many places as there are colours.
            let held = self.table.get_mut(place % PLACES)?;
            match held.checked_sub(1) {
                None if self.list.len() == PALETTE => return None,
                None => {
                    self.list.push(colour);
                    *held = self.list.len() as u16;
                    return Some((self.list.len() - 1) as u8);
                }
                Some(number) if self.list.get(usize::from(number)) == Some(&colour) => {
                    return Some(number as u8);
                }
                Some(_) => place += 1,
            }
        }
    }
}

/// Pixels that are not premultiplied any more.
pub(crate) fn straight(pixels: &[u8]) -> Vec<u8> {
    let mut straight = pixels.to_vec();
    for pixel in straight.as_chunks_mut::<4>().0 {
        let a = pixel[3];
        if a.wrapping_add(1) > 1 {
            let [r, g, b, _] = *pixel;
            // 255 / a in 16 bits behind the point; the product fits.
            let share = (255 * 65_536 + u32::from(a) / 2) / u32::from(a);
            let whole = |c: u8| ((u32::from(c) * share + 32_768) >> 16).min(255) as u8;
            *pixel = [whole(r), whole(g), whole(b), a];
        }
    }
    straight
}

/// Pixels as a PNG file, soon rather than small.
pub(crate) fn encode(
    pixels: &[u8],
    size: (u32, u32),
    colour: png::ColorType,
) -> Result<Vec<u8>, compile::Error> {
    write(pixels, size, colour, &[])
}

fn write(
    pixels: &[u8],
    (width, height): (u32, u32),
    colour: png::ColorType,
    palette: &[[u8; 4]],
) -> Result<Vec<u8>, compile::Error> {
    let failed = |e: png::EncodingError| compile::Error::Renderer(e.to_string());
    let mut out = Vec::with_capacity(pixels.len() / 4 + 256);
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(colour);
    encoder.set_depth(png::BitDepth::Eight);
    if !palette.is_empty() {
        encoder
            .set_palette(palette.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect::<Vec<u8>>());
        encoder.set_trns(palette.iter().map(|colour| colour[3]).collect::<Vec<u8>>());
    }
    encoder.set_compression(png::Compression::Fast);
    // Rows of drawings are much like those above. Choosing for each costs more than it saves.
    encoder.set_filter(png::Filter::Up);
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(pixels).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use svgx_base::random::SplitMix64;

    use super::*;

    fn decoded(file: &[u8]) -> Vec<u8> {
        let mut decoder = png::Decoder::new(std::io::Cursor::new(file));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().expect("a PNG");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
        reader.next_frame(&mut pixels).expect("a frame");
        pixels
    }

    #[test]
    fn a_tile_is_sent_as_it_was_painted_whatever_its_colours() {
        let mut random = SplitMix64::new(7);
        for most in [2, 3, 16, 255, 256, 257, 300, 4_096] {
            let colours: Vec<[u8; 4]> = (0..most)
                .map(|at: u32| {
                    let [r, g, a, ..] = random.next_u64().to_le_bytes();
                    // Premultiplied, and no two alike.
                    let [low, high, ..] = at.to_le_bytes();
                    [r.min(a), g.min(a).max(1), low.min(a), a.max(high)]
                })
                .collect();
            let side = usize::from(SIZE);
            let pixels: Vec<u8> = (0..side * side)
                .flat_map(|at| match at < most as usize {
                    true => colours[at],
                    false => colours[random.next_u64() as usize % most as usize],
                })
                .collect();
            let Ok(Body::Png(file)) = tile_body(&pixels) else { panic!("a picture of {most}") };
            assert!(decoded(&file) == straight(&pixels), "{most} colours");
        }
    }

    #[test]
    fn a_tile_of_many_colours_that_hides_all_is_sent_without_alpha() {
        let mut random = SplitMix64::new(11);
        let pixels: Vec<u8> = (0..usize::from(SIZE).pow(2))
            .flat_map(|_| {
                let [r, g, b, ..] = random.next_u64().to_le_bytes();
                [r, g, b, 255]
            })
            .collect();
        let Ok(Body::Png(file)) = tile_body(&pixels) else { panic!("a picture") };
        let (quads, _) = pixels.as_chunks::<4>();
        let opaque: Vec<u8> = quads.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect();
        assert!(decoded(&file) == opaque);
    }

    #[test]
    fn a_tile_of_one_colour_is_that_colour() {
        let pixels = [64, 32, 0, 128].repeat(usize::from(SIZE).pow(2));
        assert_eq!(tile_body(&pixels), Ok(Body::Colour([128, 64, 0, 128])));
    }
}
