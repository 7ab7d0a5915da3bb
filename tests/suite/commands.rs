//! Commands as people type them: what goes to which stream, what is written where, and what is
//! refused. Run without the settings of whoever runs the tests.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A drawing that is right, but declares less than it should.
const LOOSE: &str = "<svg viewBox='0 0 9 9'><rect  id = 'a' width='1' height='1'/></svg>\n";
/// Two lengths for one edge.
const IMPOSSIBLE: &str = "<svg xmlns='http://www.w3.org/2000/svg' xmlns:arx='http://arxos.io/svgx' viewBox='0 0 99 99'>\
    <line id='l' x1='0' y1='0' x2='10' y2='0'/><arx:constraints>\
    <arx:constraint id='a' type='distance' of='l.start l.end' value='10'/>\
    <arx:constraint id='b' type='distance' of='l.start l.end' value='20'/></arx:constraints></svg>";

fn svgx(arguments: &[&str], input: &str, folder: &Path) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_svgx"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    // A command that reads nothing has closed it already.
    let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
    child.wait_with_output().expect("it ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn example(name: &str) -> String {
    std::fs::read_to_string(root().join("examples").join(name)).expect("an example")
}

#[test]
fn every_command_that_takes_a_drawing_takes_it_from_standard_input() {
    let room = example("room.svgx");
    for arguments in [
        &["check", "-"][..],
        &["fmt", "-"],
        &["compile", "-"],
        &["compile", "-", "--to", "json", "-o", "-"],
        &["render", "-", "-o", "-"],
        &["evaluate", "-"],
        &["simulate", "-", "--duration", "100ms"],
    ] {
        let output = svgx(arguments, &room, root());
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
        assert!(!output.stdout.is_empty(), "{arguments:?}");
    }
    let solved = svgx(&["solve", "-"], &example("sketch.svgx"), root());
    assert!(solved.status.success(), "{}", text(&solved.stderr));
}

/// Arguments after the drawing, the exit code, the file that is there afterwards and how it
/// begins, and a part of what is said.
type Written = (&'static [&'static str], i32, Option<(&'static str, &'static [u8])>, &'static str);

#[test]
fn the_name_of_the_output_says_its_format_or_is_refused() {
    let room = root().join("examples/room.svgx").display().to_string();
    let cases: &[(&str, Written)] = &[
        ("compile", (&["-o", "a.svg"], 0, Some(("a.svg", b"<?xml")), "")),
        ("compile", (&["-o", "a.json"], 0, Some(("a.json", b"{")), "")),
        ("compile", (&["-o", "A.JSON"], 0, Some(("A.JSON", b"{")), "")),
        ("compile", (&["-o", "plain"], 0, Some(("plain", b"<?xml")), "")),
        ("compile", (&["-o", "a.txt", "--to", "json"], 0, Some(("a.txt", b"{")), "")),
        ("compile", (&["-o", "a.png"], 2, None, ".png cannot be written; known: .svg, .json")),
        ("compile", (&["-o", "b.svg", "--to", "json"], 2, None, "the name ends in .svg")),
        ("render", (&["-o", "a.png"], 0, Some(("a.png", b"\x89PNG")), "")),
        ("render", (&["-o", "a.jpg"], 2, None, ".jpg cannot be written; known: .png")),
    ];
    for (command, (arguments, code, written, said)) in cases {
        let folder = tempfile::tempdir().expect("a folder");
        let all = [&[*command, &room], *arguments].concat();
        let output = svgx(&all, "", folder.path());
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(*code), "{all:?}: {errors}");
        assert!(errors.contains(said), "{all:?}: {errors}");
        let names: Vec<_> = std::fs::read_dir(folder.path()).expect("a folder").flatten().collect();
        match written {
            Some((name, begins)) => {
                let bytes = std::fs::read(folder.path().join(name)).expect("written");
                let head = text(&bytes[..8.min(bytes.len())]);
                // SVG may begin with its declaration or with its root.
                let svg = begins.starts_with(b"<") && bytes.starts_with(b"<svg");
                assert!(bytes.starts_with(begins) || svg, "{all:?}: {head:?}");
            }
            None => assert!(names.is_empty(), "{all:?}: {names:?}"),
        }
    }
}

#[test]
fn what_is_doubtful_is_said_on_standard_error_and_the_result_is_whole() {
    for command in ["compile", "render"] {
        let output = svgx(&[command, "-"], LOOSE, root());
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{errors}");
        assert!(errors.contains("warning[missing-namespace]"), "{command}: {errors}");
        assert!(!output.stdout.is_empty(), "{command}");
    }
}

#[test]
fn what_is_drawn_otherwise_is_said_by_whoever_draws_and_fonts_are_read_from_folders() {
    let drawing = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'>\
        <text y='5' font-family='Nowhere' font-size='3'>a</text></svg>";
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("fonts")).expect("made");
    std::fs::write(folder.path().join("fonts/no.ttf"), "no font").expect("written");
    for (arguments, code, said) in [
        (&["check", "-"][..], 0, "[font-not-found]"),
        (&["check", "--fix", "-"], 0, "[font-not-found]"),
        (&["render", "-"], 0, "[font-not-found]"),
        (&["check", "-", "--font-dir", "fonts"], 0, "no.ttf holds no font that can be read"),
        (&["render", "-", "--font-dir", "fonts"], 0, "no.ttf holds no font that can be read"),
        (&["check", "-", "--font-dir", "none"], 2, "the fonts cannot be read: none"),
        (&["render", "-", "--font-dir", "none"], 2, "the fonts cannot be read: none"),
    ] {
        let output = svgx(arguments, drawing, folder.path());
        let both = text(&[output.stdout, output.stderr].concat());
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {both}");
        assert!(both.contains(said), "{arguments:?}: {both}");
    }
}

#[test]
fn a_check_counts_what_it_found_and_is_silent_when_asked_to_be() {
    for (input, code, totals) in [
        (LOOSE, 0, "1 warning in 1 drawing"),
        ("<svg", 1, "1 error in 1 drawing"),
        (&example("room.svgx"), 0, "in 1 drawing"),
    ] {
        let output = svgx(&["check", "-"], input, root());
        assert_eq!(output.status.code(), Some(code));
        assert!(text(&output.stderr).contains(totals), "{}", text(&output.stderr));
        assert!(!text(&output.stdout).contains('\x1b'), "no colours into a pipe");
        let quiet = svgx(&["check", "--quiet", "-"], input, root());
        assert_eq!(quiet.status.code(), Some(code));
        assert!(quiet.stdout.is_empty() && quiet.stderr.is_empty(), "{}", text(&quiet.stderr));
    }
    // Programs read the same as before: totals are for people.
    let json = svgx(&["check", "--format", "json", "-"], LOOSE, root());
    assert!(json.stderr.is_empty() && serde_json::from_slice::<Value>(&json.stdout).is_ok());
}

#[test]
fn a_fix_changes_what_has_one_answer_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("loose.svgx");
    std::fs::write(&file, LOOSE).expect("written");
    let fixed = svgx(&["check", "--fix", "loose.svgx"], "", folder.path());
    let said = text(&fixed.stderr);
    assert_eq!(fixed.status.code(), Some(0), "{said}");
    assert!(said.contains("1 fixed; nothing wrong in 1 drawing"), "{said}");
    let expected = LOOSE.replacen("<svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"", 1);
    assert_eq!(std::fs::read_to_string(&file).expect("read"), expected);
    let again = svgx(&["check", "--fix", "loose.svgx"], "", folder.path());
    assert!(text(&again.stderr).contains("0 fixed"), "{}", text(&again.stderr));
    let piped = svgx(&["check", "--fix", "-"], LOOSE, folder.path());
    assert_eq!(text(&piped.stdout), expected);
    // What is not plain text is left alone.
    let packed = [
        &[0xff, 0xfe][..],
        &"<svg/>".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>(),
    ]
    .concat();
    std::fs::write(&file, &packed).expect("written");
    let refused = svgx(&["check", "--fix", "loose.svgx"], "", folder.path());
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(std::fs::read(&file).expect("read"), packed);
}

#[test]
fn a_drawing_that_is_not_solved_is_written_only_when_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out.svgx");
    let failed = svgx(&["solve", "-", "-o", "out.svgx"], IMPOSSIBLE, folder.path());
    let said = text(&failed.stderr);
    assert_eq!(failed.status.code(), Some(1), "{said}");
    assert!(said.contains("not written") && said.contains("--even-unsolved"), "{said}");
    assert!(!out.exists());
    let asked = ["solve", "-", "-o", "out.svgx", "--even-unsolved"];
    assert_eq!(svgx(&asked, IMPOSSIBLE, folder.path()).status.code(), Some(1));
    assert!(out.exists());
}

#[test]
fn values_are_tables_for_people_and_json_for_programs() {
    let room = root().join("examples/room.svgx").display().to_string();
    let table = svgx(&["evaluate", &room], "", root());
    let shown = text(&table.stdout);
    assert!(shown.starts_with("OF ") && shown.contains("power_factor"), "{shown}");
    assert!(shown.contains("values, 0 without"), "{shown}");
    let lines = svgx(&["evaluate", &room, "--format", "ndjson", "--of", "window1"], "", root());
    let lines = text(&lines.stdout);
    let values: Vec<Value> =
        lines.lines().map(|l| serde_json::from_str(l).expect("a line of JSON")).collect();
    let loss = values.iter().find(|v| v["name"] == "heat_loss").expect("the loss");
    assert_eq!(loss["value"], 11.0);
    let json = svgx(&["evaluate", &room, "--format", "json"], "", root());
    assert_eq!(serde_json::from_slice::<Value>(&json.stdout).expect("JSON")["failed"], 0);
    // A formula without a value is a wrong answer, and says why.
    let broken = example("room.svgx").replacen("* conductance\"", "* no_such_name\"", 1);
    let wrong = svgx(&["evaluate", "-"], &broken, root());
    assert_eq!(wrong.status.code(), Some(1), "{}", text(&wrong.stdout));

    let simulate = |format: &str| {
        let arguments =
            ["simulate", "examples/pile.svgx", "--duration", "200ms", "--format", format];
        let output = svgx(&arguments, "", root());
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let shown = simulate("table");
    assert!(shown.contains("After 0.2 s") && shown.contains("bodies,"), "{shown}");
    let json: Value = serde_json::from_str(&simulate("json")).expect("JSON");
    assert_eq!(json["outcome"]["duration"], 0.2);
    let lines = simulate("ndjson");
    assert!(lines.lines().all(|l| serde_json::from_str::<Value>(l).is_ok()));
}

#[test]
fn an_exit_code_tells_wrong_input_from_wrong_surroundings() {
    let folder = tempfile::tempdir().expect("a folder");
    let slo = folder.path().join("slo");
    std::fs::create_dir(&slo).expect("made");
    std::fs::write(folder.path().join("log"), "no decision\n").expect("written");
    for (arguments, code) in [
        (&["slo", "show", "--slo-dir", "nowhere"][..], 2),
        (&["slo", "show", "--slo-dir", "slo"], 1),
        (&["slo", "replay", "nowhere"], 2),
        (&["slo", "replay", "log"], 1),
        (&["slo", "what-if", "nowhere"], 2),
        (&["slo", "what-if", "log"], 1),
        (&["slo", "preview", "--prometheus", "127.0.0.1:1"], 2),
        (&["check", "nowhere"], 2),
        (&["check", "log"], 1),
    ] {
        let output = svgx(arguments, "", folder.path());
        let said = text(&[output.stdout, output.stderr].concat());
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    }
}

#[test]
fn lengths_of_time_have_units_everywhere() {
    for (arguments, said) in [
        (&["simulate", "-", "--duration", "2x"][..], "expected a number and a unit"),
        (&["load", "--duration", "soon"], "expected a number and a unit"),
        (&["top", "--every", "1 fortnight"], "expected a number and a unit"),
        (&["staging", "rollback", "--timeout", "25h"], "longer than a day"),
        (&["staging", "validate", "--seconds", "-1"], "expected a number and a unit"),
        (&["staging", "validate", "--seconds=-1"], "expected a number and a unit"),
        (&["staging", "validate", "--seconds=-1s"], "\"-1s\" is no duration"),
        (&["staging", "validate", "--seconds", "1e99"], "expected a number and a unit"),
    ] {
        let output = svgx(arguments, "", root());
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {errors}");
        assert!(errors.contains(said), "{arguments:?}: {errors}");
    }
}

#[test]
fn an_address_may_be_a_name_or_a_port_alone() {
    for (given, shown) in [
        ("localhost:8000", Some("127.0.0.1:8000")),
        (":8001", Some("0.0.0.0:8001")),
        ("127.0.0.1:8002", Some("127.0.0.1:8002")),
        ("[::1]:8003", Some("[::1]:8003")),
        ("8000", None),
        ("localhost", None),
        (":99999", None),
        ("", None),
    ] {
        // The configuration is read as by `serve`; nothing listens.
        let arguments = ["config", "--api-key", "me:a-long-enough-key", "--listen", given];
        let output = svgx(&arguments, "", root());
        let both = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.success(), shown.is_some(), "{given}: {both}");
        if shown.is_none() {
            assert!(both.contains("localhost:8000 or :8000"), "{given}: {both}");
        }
    }
    let help = text(&svgx(&["serve", "--help"], "", root()).stdout);
    for heading in [
        "Network:",
        "Keys:",
        "Rates:",
        "Drawings and sessions:",
        "Controller:",
        "Stopping:",
        "Examples:",
    ] {
        assert!(help.contains(heading), "{heading}\n{help}");
    }
}

#[test]
fn nobody_is_let_in_without_a_key_from_everywhere() {
    let refused = svgx(&["serve", "--listen", ":0", "--internal-listen", "off"], "", root());
    let errors = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{errors}");
}

#[test]
fn the_stack_says_where_its_logs_would_be() {
    let folder = tempfile::tempdir().expect("a folder");
    let none = svgx(&["stack", "logs"], "", folder.path());
    assert_eq!(none.status.code(), Some(1));
    assert!(text(&none.stderr).contains("nothing was started"), "{}", text(&none.stderr));
    let state = folder.path().join("target/stack");
    std::fs::create_dir_all(&state).expect("made");
    std::fs::write(state.join("engine.log"), "one\ntwo\nthree\n").expect("written");
    let last = svgx(&["stack", "logs", "engine", "--lines", "2"], "", folder.path());
    assert_eq!(text(&last.stdout), "==> engine\ntwo\nthree\n");
    let past = svgx(&["stack", "up", "engine", "--port-base", "65530"], "", folder.path());
    assert!(text(&past.stderr).contains("no 14 ports from 65530"), "{}", text(&past.stderr));
}
