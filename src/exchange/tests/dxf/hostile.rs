//! Files that are wrong, huge or meant to harm.

use svgx_base::budget::Stop;
use svgx_base::random::SplitMix64;
use svgx_engine::document;
use svgx_exchange::dxf::{Error, Limits, Options, import};

use super::{file, read, unlimited};

const SMALL: &str = "#HEADER\n9 $ACADVER\n1 AC1027\n9 $INSUNITS\n70 4
    #TABLES\n0 LTYPE\n2 DASHED\n49 3\n49 -1\n0 BLOCK_RECORD\n5 3A\n2 A\n0 BLOCK_RECORD\n5 1B\n2 *Paper_Space\n0 DIMSTYLE\n2 D\n41 2\n40 1\n0 LAYER\n2 0\n62 7\n6 DASHED\n370 50
    #BLOCKS
    0 BLOCK\n2 A\n10 1\n20 2\n0 LINE\n8 0\n10 0\n20 0\n11 9\n21 9\n0 CIRCLE\n8 0\n10 0\n20 0\n40 3\n0 ENDBLK
    0 BLOCK\n2 B\n10 0\n20 0\n0 INSERT\n8 0\n2 A\n10 1\n20 1\n41 2\n50 30\n0 ENDBLK
    #ENTITIES
    0 INSERT\n5 1F\n8 0\n2 B\n66 1\n10 0\n20 0\n70 3\n71 2\n44 20\n45 20
    0 ATTRIB\n8 0\n10 0\n20 0\n40 2\n1 text\n2 TAG\n70 0
    0 SEQEND
    0 ARC\n5 20\n8 0\n10 0\n20 0\n40 10\n50 10\n51 100\n210 0\n220 0\n230 -1
    0 ELLIPSE\n8 0\n10 0\n20 0\n11 20\n21 5\n40 .5\n41 0\n42 3
    0 LWPOLYLINE\n8 0\n90 3\n70 1\n10 0\n20 0\n40 1\n41 2\n42 .5\n10 9\n20 0\n10 9\n20 9\n42 -2
    0 SPLINE\n8 0\n70 8\n71 3\n72 9\n73 5\n40 0\n40 0\n40 0\n40 0\n40 1\n40 2\n40 2\n40 2\n40 2\n10 0\n20 0\n10 1\n20 9\n10 2\n20 -9\n10 3\n20 0\n10 7\n20 7\n41 1\n41 2\n41 1\n41 1\n41 1
    0 POLYLINE\n8 0\n66 1\n70 16\n71 2\n72 2\n0 VERTEX\n10 0\n20 0\n0 VERTEX\n10 9\n20 0\n0 VERTEX\n10 0\n20 9\n0 VERTEX\n10 9\n20 9\n0 SEQEND
    0 HATCH\n8 0\n2 SOLID\n70 1\n71 0\n91 1\n92 1\n93 2\n72 1\n10 -5\n20 0\n11 5\n21 0\n72 2\n10 0\n20 0\n40 5\n50 0\n51 180\n73 1\n97 0\n75 0\n76 1
    0 HATCH\n8 0\n2 USER\n70 0\n71 0\n91 1\n92 1\n93 2\n72 1\n10 5\n20 0\n11 -5\n21 0\n72 2\n10 0\n20 0\n40 5\n50 180\n51 360\n73 1\n97 0\n75 0\n76 1\n78 2\n53 45\n43 0\n44 2\n45 0\n46 1\n79 2\n49 .3\n49 -.1\n53 90\n43 0\n44 0\n45 -1\n46 0\n79 1\n49 0\n98 0
    0 MTEXT\n8 0\n10 0\n20 0\n40 3\n71 5\n1 {\\fArial;one}\\Ptwo \\S1^2; %%c
    0 MLINE\n8 0\n71 1\n72 2\n73 1\n11 0\n21 0\n13 0\n23 1\n74 1\n41 2\n75 0\n11 9\n21 0\n13 0\n23 1\n74 1\n41 2\n75 0
    0 XLINE\n8 0\n10 0\n20 0\n11 1\n21 1
    0 DIMENSION\n8 0\n2 A\n70 0
    0 HATCH\n8 0\n2 SOLID\n70 1\n71 0\n91 1\n92 3\n72 1\n73 1\n93 3\n10 0\n20 0\n42 1\n10 9\n20 0\n42 0\n10 9\n20 5\n42 -2\n97 0\n75 0\n76 1\n98 0\n450 1\n451 0\n460 1\n461 1\n452 0\n462 1\n453 2\n463 0\n63 1\n463 1\n63 5\n421 255\n470 SPHERICAL
    0 LEADER\n8 0\n3 D\n71 1\n72 1\n10 0\n20 0\n10 9\n20 9\n10 20\n20 9
    0 MULTILEADER\n8 0\n300 CONTEXT_DATA{\n41 4\n140 2\n290 1\n304 one\\Ptwo\n12 52\n22 32\n13 1\n23 0\n43 9\n45 1\n171 2\n302 LEADER{\n290 1\n10 40\n20 30\n11 1\n21 0\n40 8\n304 LEADER_LINE{\n10 0\n20 0\n10 5\n20 9\n305 }\n303 }\n301 }\n170 2\n291 1\n172 2
    0 MULTILEADER\n8 0\n300 CONTEXT_DATA{\n140 2\n341 3A\n15 50\n25 0\n16 2\n26 2\n46 1\n301 }\n342 3A\n172 1\n330 3B\n302 17
    0 VIEWPORT\n67 1\n8 0\n10 110\n20 160\n40 200\n41 100\n68 2\n69 2\n12 5\n22 2\n17 1\n27 1\n45 50\n51 0\n331 7
    0 CIRCLE\n67 1\n8 0\n10 9\n20 9\n40 3
    0 INSERT\n67 1\n8 0\n2 B\n10 9\n20 9\n50 20
    #OBJECTS
    0 LAYOUT\n5 2A\n100 AcDbPlotSettings\n40 5\n41 5\n44 420\n45 297\n72 1\n73 1\n142 1\n143 1\n100 AcDbLayout\n1 Plan\n71 2\n10 0\n20 0\n11 420\n21 297\n330 1B";

/// Values that programs do not expect.
const NASTY: &[&str] = &[
    "",
    "0",
    "-1",
    "1e308",
    "-1e308",
    "1e-320",
    "nan",
    "inf",
    "2147483648",
    "-2147483648",
    "99999999999999999999",
    "%%",
    "\\U+D800",
    "\\",
    "{",
    "A",
    "B",
    "é",
    "1e12",
    "\u{1}",
];

fn below(random: &mut SplitMix64, end: u64) -> usize {
    usize::try_from(random.next_u64() % end).unwrap_or(0)
}

/// A file with one to eight changes.
fn mutated(whole: &str, random: &mut SplitMix64) -> Vec<u8> {
    let mut lines: Vec<String> = whole.lines().map(str::to_owned).collect();
    for _ in 0..=below(random, 8) {
        let at = below(random, lines.len() as u64);
        let other = below(random, lines.len() as u64);
        match below(random, 7) {
            0 => lines[at] = NASTY[below(random, NASTY.len() as u64)].to_owned(),
            1 => lines.truncate(at.max(1)),
            2 => drop(lines.remove(at)),
            3 => lines.swap(at, other),
            4 => {
                let copied = lines[at..(at + 40).min(lines.len())].to_vec();
                lines.splice(other..other, copied);
            }
            5 => lines[at] = lines[other].clone(),
            _ => lines[at] = below(random, 1_100).to_string(),
        }
        if lines.is_empty() {
            lines.push(String::new());
        }
    }
    let mut bytes = lines.join("\n").into_bytes();
    if below(random, 4) == 0 {
        let at = below(random, bytes.len() as u64 + 1);
        bytes.insert(at, random.next_u64() as u8);
    }
    bytes
}

#[test]
fn two_thousand_mutated_files_are_read_or_refused() {
    let whole = file(SMALL);
    let mut random = SplitMix64::new(20_261_130);
    let limits = Limits { output_bytes: 1 << 20, ..Limits::default() };
    let (mut was_read, mut refused) = (0, 0);
    for round in 0..2_000 {
        let bytes = mutated(&whole, &mut random);
        match import(&bytes, &Options::default(), &limits, &unlimited()) {
            Ok(imported) => {
                was_read += 1;
                assert!(imported.svgx.len() <= 1 << 20, "{round}");
                for counts in [&imported.report.model, &imported.report.blocks] {
                    let sum: usize = counts.drawn.values().chain(counts.not_drawn.values()).sum();
                    assert_eq!(sum, counts.entities, "{round}");
                }
                let parsed = document::parse(&imported.svgx, &document::Limits::default());
                let text = String::from_utf8_lossy(&bytes);
                assert!(parsed.is_ok(), "{round}: {:?}\n{}\n{text}", parsed.err(), imported.svgx);
            }
            Err(_) => refused += 1,
        }
    }
    // Neither is everything refused, nor is everything taken.
    assert!(was_read > 500 && refused > 100, "{was_read} {refused}");
}

#[test]
fn a_count_in_the_file_sizes_nothing() {
    for entity in [
        "0 HATCH\n8 0\n70 1\n91 2147483647\n92 2\n93 2147483647\n10 0\n20 0\n10 1\n20 1\n10 1\n20 0",
        "0 HATCH\n8 0\n70 0\n91 1\n92 2\n93 3\n10 0\n20 0\n10 1e9\n20 1\n10 1\n20 1e9\n75 0\n78 1\n53 45\n43 0\n44 0\n45 0\n46 1e-6\n79 1\n49 1e-6",
        "0 HATCH\n8 0\n70 0\n91 1\n92 2\n93 3\n10 0\n20 0\n10 1e9\n20 0\n10 1\n20 10\n75 0\n78 1\n53 0\n43 0\n44 0\n45 0\n46 1\n79 2\n49 1e-6\n49 -1e-6",
        "0 HATCH\n8 0\n70 0\n91 1\n92 2\n93 3\n10 1e12\n20 0\n10 999999999999\n20 0\n10 999999999999\n20 10\n75 0\n78 1\n53 0\n43 0\n44 0\n45 0\n46 1\n79 1\n49 -1e-8",
        "0 LWPOLYLINE\n8 0\n90 2147483647\n10 0\n20 0\n10 1\n20 1",
        "0 SPLINE\n8 0\n71 3\n72 2147483647\n73 2147483647\n74 2147483647\n11 0\n21 0\n11 1\n21 1",
        "0 POLYLINE\n8 0\n70 16\n71 2147483647\n72 2147483647\n0 VERTEX\n10 0\n20 0\n0 SEQEND",
        "0 MLINE\n8 0\n72 2147483647\n73 2147483647\n11 0\n21 0",
    ] {
        let imported = read(file(&format!("#ENTITIES\n{entity}")).as_bytes());
        assert_eq!(imported.expect("a file that is read").report.model.entities, 1, "{entity}");
    }
}

#[test]
fn what_passes_a_limit_is_refused_by_its_name() {
    let insert = |name: &str| format!("0 INSERT\n8 0\n2 {name}\n10 0\n20 0\n");
    // Each block holds ten of the next.
    let laughs: String = (0..30)
        .map(|i| {
            let inside = insert(&format!("L{}", i + 1)).repeat(10);
            format!("0 BLOCK\n2 L{i}\n10 0\n20 0\n0 LINE\n8 0\n10 0\n20 0\n11 1\n21 1\n{inside}0 ENDBLK\n")
        })
        .collect();
    let nested: String = (0..40)
        .map(|i| {
            format!("0 BLOCK\n2 L{i}\n10 0\n20 0\n{}0 ENDBLK\n", insert(&format!("L{}", i + 1)))
        })
        .collect();
    let block = "0 BLOCK\n2 L0\n10 0\n20 0\n0 LINE\n8 0\n10 0\n20 0\n11 1\n21 1\n0 ENDBLK\n";
    let lines = "0 LINE\n8 0\n10 0\n20 0\n11 1\n21 1\n".repeat(20);
    let small = Limits::default();
    for (what, pairs, limits) in [
        ("instances", format!("#BLOCKS\n{laughs}\n#ENTITIES\n{}", insert("L0")), small),
        ("dxf_insert_depth", format!("#BLOCKS\n{nested}\n#ENTITIES\n{}", insert("L0")), small),
        (
            "instances",
            format!("#BLOCKS\n{block}#ENTITIES\n{}70 2000000000\n71 2000000000", insert("L0")),
            small,
        ),
        ("dxf_entities", format!("#ENTITIES\n{lines}"), Limits { dxf_entities: 10, ..small }),
        ("dxf_points", format!("#ENTITIES\n{lines}"), Limits { dxf_points: 10, ..small }),
        ("dxf_tags", format!("#ENTITIES\n{lines}"), Limits { dxf_tags: 10, ..small }),
        ("dxf_bytes", format!("#ENTITIES\n{lines}"), Limits { dxf_bytes: 10, ..small }),
        ("output_bytes", format!("#ENTITIES\n{lines}"), Limits { output_bytes: 1_000, ..small }),
        ("dxf_blocks", format!("#BLOCKS\n{block}{block}"), Limits { dxf_blocks: 1, ..small }),
        (
            "dxf_layers",
            "#TABLES\n0 LAYER\n2 A\n0 LAYER\n2 B".to_owned(),
            Limits { dxf_layers: 1, ..small },
        ),
    ] {
        let refused = import(file(&pairs).as_bytes(), &Options::default(), &limits, &unlimited());
        match refused {
            Err(Error::Limit { what: named, .. }) => assert_eq!(named, what),
            other => panic!("{what}: {other:?}"),
        }
    }
}

#[test]
fn what_is_no_dxf_is_refused_with_the_line() {
    for (bytes, said) in [
        (b"AutoCAD Binary DXF\r\n\x1a\0".as_slice(), "binary DXF"),
        (b"AC1027\0\0\0".as_slice(), "DWG"),
        (b"".as_slice(), "line 1: no SECTION"),
        (b"<svg/>\n\n".as_slice(), "line 1: a group code was expected, \"<svg/>\" was found"),
        (b"0\nSECTION\n2\nENTITIES\nx\n0\n".as_slice(), "line 5: a group code was expected"),
    ] {
        let error = read(bytes).expect_err("no DXF").to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn a_budget_that_was_cancelled_ends_the_work() {
    let budget = unlimited();
    budget.cancel().cancel();
    let ended = import(file(SMALL).as_bytes(), &Options::default(), &Limits::default(), &budget);
    assert_eq!(ended.expect_err("a stop"), Error::Stopped(Stop::Cancelled));
}

#[test]
fn nested_arrays_that_are_turned_cost_what_was_counted() {
    // Two copies in each of fifteen blocks, each turned, so that no box can stand for it.
    let blocks: String = (0..17)
        .map(|i| {
            let next = i + 1;
            format!(
                "0 BLOCK\n2 L{i}\n10 0\n20 0\n0 INSERT\n8 0\n2 L{next}\n10 1\n20 0\n50 30\n70 2\n44 3\n0 ENDBLK\n"
            )
        })
        .collect();
    let last = "0 BLOCK\n2 L17\n10 0\n20 0\n0 LINE\n8 0\n10 0\n20 0\n11 1\n21 1\n0 ENDBLK\n";
    let model = "#ENTITIES\n0 INSERT\n8 0\n2 L2\n10 0\n20 0\n";
    let imported = read(file(&format!("#BLOCKS\n{blocks}{last}{model}")).as_bytes());
    assert!(imported.expect("a file that is read").report.extents.is_some());
}

#[test]
fn many_blocks_with_one_name_left_have_names_of_their_own() {
    let names = ["$", "%", "&", "-2", "-", "--2"];
    let blocks: String = names
        .iter()
        .map(|n| format!("0 BLOCK\n2 {n}\n10 0\n20 0\n0 POINT\n8 0\n10 0\n20 0\n0 ENDBLK\n"))
        .collect();
    let inserts: String =
        names.iter().map(|n| format!("0 INSERT\n8 0\n2 {n}\n10 0\n20 0\n")).collect();
    let imported = read(file(&format!("#BLOCKS\n{blocks}#ENTITIES\n{inserts}")).as_bytes());
    let text = imported.expect("a file that is read").svgx;
    let mut ids: Vec<&str> =
        text.lines().filter_map(|l| l.strip_prefix("<symbol id=\"")?.split('"').next()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), names.len(), "{ids:?}");
}
