//! The drawing: rooms in rows, ten shapes to a room.

use std::fmt::Write;

/// Shapes of one room: floor, four walls, door, window, light, outlet, cable.
const SHAPES: usize = 10;
/// Rooms in a row, 4 m wide and 3 m deep.
const ROW: usize = 40;

/// A building with `elements` shapes. The text depends on nothing else.
pub(crate) fn building(elements: usize) -> String {
    let rows = elements.div_ceil(SHAPES).div_ceil(ROW).max(1);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:arx=\"http://arxos.io/svgx\" \
         viewBox=\"0 0 {} {}\" arx:units=\"mm\">\n",
        ROW * 4000,
        rows * 3000,
    );
    for i in 0..elements {
        let (room, part) = (i / SHAPES, i % SHAPES);
        let (x, y) = (room % ROW * 4000, room / ROW * 3000);
        // Writing to a string cannot fail.
        let _ = shape(&mut text, room, part, x, y);
    }
    text.push_str("</svg>\n");
    text
}

fn shape(
    text: &mut String,
    room: usize,
    part: usize,
    x: usize,
    y: usize,
) -> Result<(), std::fmt::Error> {
    let rect = |id: &str, dx: usize, dy: usize, width: usize, height: usize, rest: &str| {
        format!(
            "  <rect id=\"r{room}_{id}\" x=\"{}\" y=\"{}\" width=\"{width}\" height=\"{height}\" {rest}",
            x + dx,
            y + dy,
        )
    };
    let kind = |name: &str| {
        format!("arx:object=\"architecture.{name}.r{room}\" arx:type=\"architecture.{name}\"")
    };
    let wall = "fill=\"#3a3a3a\" arx:layer=\"walls\"/>";
    let line = match part {
        0 => rect("floor", 0, 0, 4000, 3000, &format!("fill=\"#eef3f7\" {}/>", kind("room"))),
        1 => rect("north", 0, 0, 4000, 100, wall),
        2 => rect("south", 0, 2900, 4000, 100, wall),
        3 => rect("west", 0, 100, 100, 2800, wall),
        4 => rect("east", 3900, 100, 100, 2800, wall),
        5 => rect("door", 2600, 2900, 900, 100, &format!("fill=\"#a05a2c\" {}/>", kind("door"))),
        6 => rect("window", 800, 0, 1600, 100, &format!("fill=\"#afdde9\" {}/>", kind("window"))),
        7 => {
            let volts = 220 + room % 20;
            let open = "fill=\"#ffe680\" arx:type=\"electrical.light_fixture\">";
            rect("light", 1400, 1400, 1200, 150, open)
                + &format!(
                    "<arx:behavior><arx:variables><arx:variable name=\"voltage\" value=\"{volts}\" unit=\"V\"/>\
                     <arx:variable name=\"current\" value=\"160\" unit=\"mA\"/></arx:variables>\
                     <arx:calculations><arx:calculation name=\"power\" formula=\"voltage * current\" unit=\"W\"/>\
                     </arx:calculations></arx:behavior></rect>"
                )
        }
        8 => format!(
            "  <circle id=\"r{room}_outlet\" cx=\"{}\" cy=\"{}\" r=\"80\" fill=\"#ffffff\" \
             stroke=\"#1f4e8c\" stroke-width=\"16\" arx:layer=\"electrical\"/>",
            x + 200,
            y + 800,
        ),
        _ => format!(
            "  <path id=\"r{room}_cable\" d=\"M{} {}V{}H{}\" fill=\"none\" stroke=\"#d2342f\" \
             stroke-width=\"20\" arx:layer=\"electrical\"/>",
            x + 200,
            y + 880,
            y + 1475,
            x + 1400,
        ),
    };
    writeln!(text, "{line}")
}
