//! What stands around the entities: header, tables, and the objects that every program looks for.

use super::super::curve::P;
use super::Version;
use super::file::{File, Handles};
use super::layers::{Layers, line_type};
use super::model::{Model, View};

/// A layout with the handles that are given to it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Handed {
    pub(super) name: String,
    /// Millimetres.
    pub(super) size: P,
    /// The name of its block.
    pub(super) block: String,
    pub(super) record: u32,
    pub(super) layout: u32,
}

/// The view of a part of the model on the paper of `owner`; the first of a paper, which has number 1,
/// is the paper itself.
pub(super) fn view(file: &mut File, owner: u32, number: usize, view: &View) {
    file.record("VIEWPORT", owner, "AcDbEntity");
    file.whole(67, 1);
    file.text(8, "0");
    file.class("AcDbViewport");
    file.point(10, view.at);
    file.real(40, view.size[0]);
    file.real(41, view.size[1]);
    file.whole(68, number as i64);
    file.whole(69, number as i64);
    file.flat(12, view.of);
    for (code, at) in [(13, [0.0, 0.0]), (14, [10.0, 10.0]), (15, [10.0, 10.0])] {
        file.flat(code, at);
    }
    // Seen from above, not turned.
    for (code, z) in [(16, 1.0), (17, 0.0)] {
        file.flat(code, [0.0, 0.0]);
        file.exact(code + 20, z);
    }
    file.exact(42, 50.0);
    file.exact(43, 0.0);
    file.exact(44, 0.0);
    file.real(45, view.height);
    file.exact(50, 0.0);
    file.exact(51, 0.0);
    file.whole(72, 1_000);
    file.whole(90, 32_864);
    file.text(1, "");
    for (code, value) in [(281, 0), (71, 1), (74, 0)] {
        file.whole(code, value);
    }
    file.point(110, [0.0, 0.0]);
    file.point(111, [1.0, 0.0]);
    file.point(112, [0.0, 1.0]);
    file.whole(79, 0);
    file.exact(146, 0.0);
}

/// What the header says of the drawing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) insunits: i64,
    pub(super) is_metric: bool,
    /// Least and greatest coordinates.
    pub(super) extents: [P; 2],
}

/// The header. The seed of handles is one above all that can be given.
pub(super) fn header(file: &mut File, header: &Header, seed: u32) {
    let Header { insunits, is_metric, extents: [low, high] } = *header;
    file.section("HEADER");
    file.text(9, "$ACADVER");
    file.text(1, file.version.acad());
    if file.version != Version::R12 {
        file.text(9, "$DWGCODEPAGE");
        file.text(3, "ANSI_1252");
        file.text(9, "$INSUNITS");
        file.whole(70, insunits);
        file.text(9, "$MEASUREMENT");
        file.whole(70, i64::from(is_metric));
        file.text(9, "$HANDSEED");
        file.reference(5, seed);
    }
    file.text(9, "$INSBASE");
    file.point(10, [0.0, 0.0]);
    for (name, at) in [("$EXTMIN", low), ("$EXTMAX", high)] {
        file.text(9, name);
        file.point(10, at);
    }
    for (name, at) in [("$LIMMIN", low), ("$LIMMAX", high)] {
        file.text(9, name);
        file.flat(10, at);
    }
    file.text(9, "$LTSCALE");
    file.exact(40, 1.0);
    file.text(9, "$CLAYER");
    file.text(8, "0");
    file.text(9, "$PDMODE");
    file.whole(70, 0);
    file.end("ENDSEC");
    if file.version != Version::R12 {
        file.section("CLASSES");
        file.end("ENDSEC");
    }
}

pub(super) fn table(file: &mut File, name: &str, count: usize) -> u32 {
    file.text(0, "TABLE");
    file.text(2, name);
    let handle = file.handle();
    table_at(file, handle, count);
    handle
}

fn table_at(file: &mut File, handle: u32, count: usize) {
    if !file.is_old() {
        file.reference(5, handle);
        file.reference(330, 0);
        file.class("AcDbSymbolTable");
    }
    file.whole(70, count as i64);
}

pub(super) fn symbol(file: &mut File, kind: &str, table: u32, class: &str, name: &str) -> u32 {
    let handle = file.record(kind, table, "AcDbSymbolTableRecord");
    file.class(class);
    file.text(2, name);
    handle
}

/// The tables. `records`: the handles of the records of the blocks.
pub(super) fn tables(
    file: &mut File,
    model: &Model,
    layers: &Layers,
    handles: &Handles,
    records: &[u32],
    papers: &[Handed],
    [low, high]: [P; 2],
) {
    file.section("TABLES");
    let view = table(file, "VPORT", 1);
    symbol(file, "VPORT", view, "AcDbViewportTableRecord", "*ACTIVE");
    viewport(file, low, high);
    file.end("ENDTAB");
    line_types(file, model);
    let count = layers.0.len();
    let table_of_layers = table(file, "LAYER", count);
    for layer in &layers.0 {
        symbol(file, "LAYER", table_of_layers, "AcDbLayerTableRecord", &layer.name);
        let state = layer.state;
        file.whole(70, if state.locked { 4 } else { 0 });
        // A layer that is off has a colour below zero.
        file.whole(62, if state.visible { 1 } else { -1 } * i64::from(layer.index));
        if let Some(rgb) = layer.rgb.filter(|_| file.version == Version::R2018) {
            file.whole(420, i64::from(rgb));
        }
        file.text(6, &line_type(layer.dash, file.is_old()));
        if !file.is_old() {
            if !state.printable {
                file.whole(290, 0);
            }
            file.whole(370, layer.weight);
            file.reference(390, handles.plot_style);
        }
    }
    file.end("ENDTAB");
    let styles = table(file, "STYLE", 1);
    file.record_at(handles.style, "STYLE", styles, "AcDbSymbolTableRecord");
    file.class("AcDbTextStyleTableRecord");
    file.text(2, if file.is_old() { "STANDARD" } else { "Standard" });
    file.whole(70, 0);
    for (code, value) in [(40, 0.0), (41, 1.0), (50, 0.0)] {
        file.exact(code, value);
    }
    file.whole(71, 0);
    file.exact(42, 2.5);
    file.text(3, "txt");
    file.text(4, "");
    file.end("ENDTAB");
    for name in ["VIEW", "UCS"] {
        table(file, name, 0);
        file.end("ENDTAB");
    }
    let applications = table(file, "APPID", 1);
    symbol(file, "APPID", applications, "AcDbRegAppTableRecord", "ACAD");
    file.whole(70, 0);
    file.end("ENDTAB");
    if file.is_old() {
        file.end("ENDSEC");
        return;
    }
    super::dimension::styles(file, &model.styles, handles);
    file.text(0, "TABLE");
    file.text(2, "BLOCK_RECORD");
    table_at(file, handles.block_records, model.blocks.len() + 1 + papers.len());
    let own = [(handles.model, "*Model_Space", handles.model_layout)];
    let papers = papers.iter().map(|paper| (paper.record, paper.block.as_str(), paper.layout));
    let others = records.iter().zip(&model.blocks).map(|(h, block)| (*h, block.name.as_str(), 0));
    for (handle, name, layout) in own.into_iter().chain(papers).chain(others) {
        file.record_at(handle, "BLOCK_RECORD", handles.block_records, "AcDbSymbolTableRecord");
        file.class("AcDbBlockTableRecord");
        file.text(2, name);
        file.reference(340, layout);
        if file.version == Version::R2018 {
            file.whole(70, 0);
            file.whole(280, 1);
            file.whole(281, 0);
        }
    }
    file.end("ENDTAB");
    file.end("ENDSEC");
}

/// A view of all that is drawn.
fn viewport(file: &mut File, low: P, high: P) {
    file.whole(70, 0);
    let (w, h) = (high[0] - low[0], high[1] - low[1]);
    let middle = [(low[0] + high[0]) / 2.0, (low[1] + high[1]) / 2.0];
    for (code, at) in [
        (10, [0.0, 0.0]),
        (11, [1.0, 1.0]),
        (12, middle),
        (13, [0.0, 0.0]),
        (14, [10.0, 10.0]),
        (15, [10.0, 10.0]),
    ] {
        file.flat(code, at);
    }
    for (code, z) in [(16, 1.0), (17, 0.0)] {
        file.flat(code, [0.0, 0.0]);
        file.exact(code + 20, z);
    }
    let height = h.max(w / 1.5);
    file.real(40, if height > 0.0 { height * 1.05 } else { 1.0 });
    for (code, value) in [(41, 1.5), (42, 50.0), (43, 0.0), (44, 0.0), (50, 0.0), (51, 0.0)] {
        file.exact(code, value);
    }
    for (code, value) in
        [(71, 0), (72, 1_000), (73, 1), (74, 3), (75, 0), (76, 0), (77, 0), (78, 0)]
    {
        file.whole(code, value);
    }
}

/// The name of the line type of some dashes.
pub(super) fn dashes(at: usize, is_old: bool) -> String {
    format!("{}{}", if is_old { "DASHES_" } else { "Dashes-" }, at + 1)
}

fn line_types(file: &mut File, model: &Model) {
    let is_old = file.is_old();
    let usual: &[&str] =
        if is_old { &["CONTINUOUS"] } else { &["ByBlock", "ByLayer", "Continuous"] };
    let table = table(file, "LTYPE", usual.len() + model.line_types.len());
    let none: &[f64] = &[];
    let usual = usual.iter().map(|name| ((*name).to_owned(), none));
    let own = model.line_types.iter().enumerate();
    let own = own.map(|(at, dashes)| (self::dashes(at, is_old), dashes.as_slice()));
    for (name, lengths) in usual.chain(own) {
        symbol(file, "LTYPE", table, "AcDbLinetypeTableRecord", &name);
        file.whole(70, 0);
        file.text(3, if lengths.is_empty() { "" } else { "__ __ __" });
        file.whole(72, 65);
        file.whole(73, lengths.len() as i64);
        file.real(40, lengths.iter().sum());
        for (at, length) in lengths.iter().enumerate() {
            // A gap is a negative dash.
            file.real(49, if at % 2 == 0 { *length } else { -length });
            if !is_old {
                file.whole(74, 0);
            }
        }
    }
    file.end("ENDTAB");
}

/// The objects that every drawing has from R2000 on.
pub(super) fn objects(file: &mut File, handles: &Handles, papers: &[Handed], extents: [P; 2]) {
    file.section("OBJECTS");
    let root = file.handle();
    let names = ["ACAD_GROUP", "ACAD_LAYOUT", "ACAD_MLINESTYLE", "ACAD_PLOTSETTINGS"];
    let [groups, layouts, lines, plots] = names.map(|_| file.handle());
    let styles = file.handle();
    dictionary(file, root, 0, "DICTIONARY");
    for (name, handle) in names
        .into_iter()
        .zip([groups, layouts, lines, plots])
        .chain([("ACAD_PLOTSTYLENAME", styles)])
    {
        file.text(3, name);
        file.reference(350, handle);
    }
    for empty in [groups, lines, plots] {
        dictionary(file, empty, root, "DICTIONARY");
    }
    dictionary(file, styles, root, "ACDBDICTIONARYWDFLT");
    file.text(3, "Normal");
    file.reference(350, handles.plot_style);
    file.class("AcDbDictionaryWithDefault");
    file.reference(340, handles.plot_style);
    file.record_at(handles.plot_style, "ACDBPLACEHOLDER", styles, "");
    dictionary(file, layouts, root, "DICTIONARY");
    let model = Handed {
        name: "Model".to_owned(),
        size: [420.0, 297.0],
        block: String::new(),
        record: handles.model,
        layout: handles.model_layout,
    };
    for one in std::iter::once(&model).chain(papers) {
        file.text(3, &one.name);
        file.reference(350, one.layout);
    }
    layout(file, layouts, &model, 0, extents);
    for (at, paper) in papers.iter().enumerate() {
        layout(file, layouts, paper, at + 1, [[0.0, 0.0], paper.size]);
    }
    file.end("ENDSEC");
}

fn dictionary(file: &mut File, handle: u32, owner: u32, kind: &str) {
    file.record_at(handle, kind, owner, "AcDbDictionary");
    file.whole(281, 1);
}

/// `at`: the number of its tab, 0 for the model; what is on it is between `low` and `high`.
fn layout(file: &mut File, owner: u32, of: &Handed, at: usize, [low, high]: [P; 2]) {
    file.record_at(of.layout, "LAYOUT", owner, "AcDbPlotSettings");
    file.text(1, "");
    file.text(2, "none_device");
    let [width, height] = of.size;
    let name = if of.size == [420.0, 297.0] { "A3" } else { "User" };
    file.text(4, name);
    file.text(6, "");
    // Margins, paper, origin and window of the plot; one to one.
    for (code, value) in [(40, 7.5), (41, 20.0), (42, 7.5), (43, 20.0), (44, width), (45, height)] {
        file.exact(code, value);
    }
    for code in [46, 47, 48, 49, 140, 141] {
        file.exact(code, 0.0);
    }
    file.exact(142, 1.0);
    file.exact(143, 1.0);
    // The model is plotted as it fits.
    file.whole(70, if at == 0 { 1_712 } else { 688 });
    file.whole(72, 1);
    file.whole(73, 0);
    file.whole(74, 5);
    file.text(7, "");
    file.whole(75, 16);
    file.exact(147, 1.0);
    file.exact(148, 0.0);
    file.exact(149, 0.0);
    file.class("AcDbLayout");
    file.text(1, &of.name);
    file.whole(70, 1);
    file.whole(71, at as i64);
    file.flat(10, low);
    file.flat(11, high);
    file.point(12, [0.0, 0.0]);
    file.point(14, low);
    file.point(15, high);
    file.exact(146, 0.0);
    file.point(13, [0.0, 0.0]);
    file.point(16, [1.0, 0.0]);
    file.point(17, [0.0, 1.0]);
    file.whole(76, 0);
    file.reference(330, of.record);
}
