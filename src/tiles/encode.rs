//! Pixels as they are sent.

use svgx_engine::compile;

use crate::Error;
use crate::draw::Body;
use crate::grid::SIZE;

/// Colours that a picture of one byte a pixel can have.
const PALETTE: usize = 256;
/// Places of the table that finds a colour's number. A power of two.
const PLACES: usize = 1_024;

/// A tile of premultiplied pixels as it is sent.
pub(crate) fn tile_body(pixels: &[u8]) -> Result<Body, Error> {
    let side = u32::from(SIZE);
    let (quads, _) = pixels.as_chunks::<4>();
    let Some(Indexed { colours, pixels: numbers }) = indexed(quads) else {
        let file = encode(&straight(pixels), (side, side), png::ColorType::Rgba)?;
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

/// Numbers the colours of a picture as they come; `None` if there are too many.
fn indexed(pixels: &[[u8; 4]]) -> Option<Indexed> {
    let mut colours: Vec<[u8; 4]> = Vec::with_capacity(PALETTE);
    let mut numbers = Vec::with_capacity(pixels.len());
    // The number of a colour and one more; 0 where none is.
    let mut table = [0_u16; PLACES];
    let mut last = None;
    for &pixel in pixels {
        if let Some((colour, number)) = last
            && colour == pixel
        {
            numbers.push(number);
            continue;
        }
        let mut place = (u32::from_le_bytes(pixel).wrapping_mul(0x9e37_79b1) >> 22) as usize;
        let number = loop {
            // The table has four times as many places as there are colours.
            let held = table.get_mut(place % PLACES)?;
            match held.checked_sub(1) {
                None if colours.len() == PALETTE => return None,
                None => {
                    colours.push(pixel);
                    *held = colours.len() as u16;
                    break colours.len() - 1;
                }
                Some(number) if colours.get(usize::from(number)) == Some(&pixel) => {
                    break usize::from(number);
                }
                Some(_) => place += 1,
            }
        } as u8;
        numbers.push(number);
        last = Some((pixel, number));
    }
    Some(Indexed { colours, pixels: numbers })
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
    fn a_tile_of_one_colour_is_that_colour() {
        let pixels = [64, 32, 0, 128].repeat(usize::from(SIZE).pow(2));
        assert_eq!(tile_body(&pixels), Ok(Body::Colour([128, 64, 0, 128])));
    }
}
