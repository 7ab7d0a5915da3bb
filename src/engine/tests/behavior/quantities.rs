//! Units in formulas: turns, levels, temperatures, percentages, and names of units.

use svgx_base::budget::{Budget, Class, Tier};
use svgx_engine::behavior::{Program, Value};
use svgx_engine::document::{Limits, parse};

/// What `formula` gives in `unit` (or in the unit that the engine chooses): a number and its
/// unit, a truth value, or `!` and the code of the first error. Warnings follow as `?code`.
fn result(variables: &str, formula: &str, unit: &str) -> String {
    let escape =
        |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('\'', "&apos;");
    let variables: String = variables
        .split(',')
        .filter(|v| !v.trim().is_empty())
        .map(|v| {
            let (name, value) = v.split_once('=').expect("name=value");
            format!("<arx:variable name='{}' value='{}'/>", name.trim(), value.trim())
        })
        .collect();
    let unit = if unit.is_empty() { String::new() } else { format!(" unit='{unit}'") };
    let text = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' xmlns:arx='http://arxos.io/svgx' viewBox='0 0 1 1'>\
         <arx:object id='o' type='a.b'><arx:behavior><arx:variables>{variables}</arx:variables>\
         <arx:calculations><arx:calculation name='result' formula='{}'{unit}/></arx:calculations>\
         </arx:behavior></arx:object></svg>",
        escape(formula)
    );
    let limits = Limits::default();
    let document = parse(&text, &limits).expect("the text is well formed");
    let program = Program::compile(&document, &limits);
    let evaluation =
        program.evaluate(&Budget::unlimited(Class::Ui, Tier::Compute)).expect("no limit was set");
    let outcome = program.results(&evaluation).next().expect("one calculation");
    let mut shown = match outcome.value {
        Ok(Value::Boolean(value)) => value.to_string(),
        Ok(Value::Number(value)) => {
            let rounded = (value * 1e6).round() / 1e6;
            format!("{rounded} {}", outcome.unit.unwrap_or_default()).trim().to_owned()
        }
        Err(failure) => format!("!{}", failure.code),
    };
    for d in program.diagnostics() {
        if !shown.ends_with(d.code.as_str()) {
            shown.push_str(&format!(" ?{}", d.code));
        }
    }
    shown
}

fn table(rows: &[(&str, &str, &str, &str)]) {
    let wrong: Vec<String> = rows
        .iter()
        .filter_map(|&(variables, formula, unit, expected)| {
            let got = result(variables, formula, unit);
            (got != expected)
                .then(|| format!("{variables}: {formula} in {unit:?} is {got}, not {expected}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn an_angle_beside_hz_counts_turns() {
    const MACHINE: &str = "speed=1500 rpm, mains=50 Hz, pairs=2, omega=100 rad/s";
    table(&[
        (MACHINE, "speed", "Hz", "25 Hz"),
        (MACHINE, "mains / pairs", "rpm", "1500 rpm"),
        (MACHINE, "speed > 26 Hz", "", "false"),
        (MACHINE, "speed < 26 Hz", "", "true"),
        (MACHINE, "speed * 1 min", "rev", "1500 rev"),
        (MACHINE, "speed * 1 min", "", "1500 rev"),
        (MACHINE, "mains * 1 min", "rev", "3000 rev"),
        (MACHINE, "mains * 2 s", "", "100"),
        (MACHINE, "mains == 3000 rpm", "", "true"),
        (MACHINE, "mains - speed", "", "25 Hz"),
        (MACHINE, "speed / mains", "", "0.5"),
        (MACHINE, "speed / mains", "%", "50 %"),
        (MACHINE, "max(speed, 30 Hz)", "", "1800 rpm"),
        (MACHINE, "10 rev / 2 s", "Hz", "5 Hz"),
        (MACHINE, "10 rev / 2 s", "", "5 rev/s"),
        (MACHINE, "10 rev / 2 s", "rpm", "300 rpm"),
        (MACHINE, "720 deg / 1 s", "Hz", "2 Hz"),
        (MACHINE, "omega", "rpm", "954.929659 rpm"),
        (MACHINE, "omega", "Hz", "15.915494 Hz"),
        (MACHINE, "omega", "1/s", "100 1/s"),
        (MACHINE, "1 / (20 ms)", "Hz", "50 Hz"),
        (MACHINE, "speed * 100 mm", "m/s", "15.707963 m/s"),
        (MACHINE, "10 N * 1 m * speed", "W", "1570.796327 W"),
        (MACHINE, "90 deg * 2 m", "", "3.141593 m"),
        (MACHINE, "sin(0.25 rev)", "", "1"),
        (MACHINE, "sin(180 deg) == 0", "", "true"),
        (MACHINE, "cos(0.25 rev)", "", "0"),
        (MACHINE, "tan(360 deg)", "", "0"),
        (MACHINE, "tan(90 deg)", "", "!not-finite"),
        (MACHINE, "tan(-270 deg)", "", "!not-finite"),
        (MACHINE, "mains * 2 s > 90 rev", "", "true"),
        (MACHINE, "mains * 2 s > 110 rev", "", "false"),
        // What authors write by hand counts once.
        (MACHINE, "2 * pi * mains", "rad/s", "314.159265 rad/s ?hand-conversion"),
        (MACHINE, "omega / (2 * pi)", "Hz", "15.915494 Hz ?hand-conversion"),
        (MACHINE, "2 * pi * speed / 60", "rad/s", "157.079633 rad/s ?hand-conversion"),
        (MACHINE, "60 * mains / pairs", "rpm", "1500 rpm ?hand-conversion"),
        (MACHINE, "2 * pi * mains * 1 H", "ohm", "314.159265 ohm"),
        // A ratio of turns is a number before it meets one.
        (MACHINE, "1 - speed * pairs / mains", "%", "0 %"),
        (MACHINE, "1 - 1450 rpm * pairs / mains", "%", "3.333333 %"),
        (MACHINE, "speed / mains + 1", "", "1.5"),
        (MACHINE, "speed / mains > 0.4", "", "true"),
        (MACHINE, "max(speed / mains, 0.2)", "", "0.5"),
        // The time of one revolution.
        (MACHINE, "1 / speed", "s", "0.04 s"),
        (MACHINE, "1 / speed", "ms", "40 ms"),
        (MACHINE, "1 / speed > 39 ms", "", "true"),
        (MACHINE, "2 * pi / speed", "s", "0.04 s ?hand-conversion"),
        (MACHINE, "1 / omega", "ms", "10 ms"),
    ]);
}

#[test]
fn levels_add_and_do_not_multiply() {
    const LINE: &str = "gain=10 dB, loss=0.2 dB/m, length=30 m, in=100 mW, out=1 mW";
    table(&[
        (LINE, "gain + 3 dB", "", "13 dB"),
        (LINE, "gain - loss * length", "", "4 dB"),
        (LINE, "2 * gain", "", "20 dB"),
        (LINE, "gain > 6 dB", "", "true"),
        (LINE, "6 dB / 30 m", "", "0.2 dB/m"),
        (LINE, "gain / 2 dB", "", "5"),
        (LINE, "10 * log10(in / out)", "dB", "20 dB"),
        (LINE, "10 * log10(in / out) + 3 dB", "", "23 dB"),
        (LINE, "in * 10^(gain / 10)", "mW", "1000 mW"),
        (LINE, "gain", "%", "!unit-mismatch"),
        (LINE, "gain * in", "", "!unit-mismatch"),
        (LINE, "in * gain", "", "!unit-mismatch"),
        (LINE, "in / gain", "", "!unit-mismatch"),
        (LINE, "1 / gain", "", "!unit-mismatch"),
        (LINE, "gain * gain", "", "!unit-mismatch"),
        (LINE, "gain ^ 2", "", "!unit-mismatch"),
        (LINE, "gain ^ 3", "", "!unit-mismatch"),
        (LINE, "gain ^ 1", "", "10 dB"),
        (LINE, "gain + 5 %", "", "!unit-mismatch"),
        (LINE, "exp(gain)", "", "!unit-argument"),
    ]);
}

#[test]
fn kelvins_beside_celsius_convert_or_are_refused() {
    const AIR: &str = "supply=300 K, room=20 C, rise=10 K, outside=50 F, flow=2 kg/s, \
                       cp=1000 J/(kg*K), heat=20 kW";
    const REFUSED: &str = "!temperature-scaled";
    table(&[
        (AIR, "supply - room", "", "6.85 K"),
        (AIR, "supply - room", "C", "6.85 C"),
        (AIR, "flow * cp * (supply - room)", "kW", "13.7 kW"),
        (AIR, "room + rise", "C", "30 C"),
        (AIR, "room + rise", "", "30 C"),
        (AIR, "rise + room", "", "30 C"),
        (AIR, "room - rise", "", "10 C"),
        (AIR, "room - 3 K", "", "17 C"),
        (AIR, "supply - outside", "K", "16.85 K"),
        (AIR, "outside + rise", "F", "68 F"),
        (AIR, "abs(supply - room)", "", "6.85 K"),
        (AIR, "sqrt((supply - room)^2)", "", "6.85 K"),
        (AIR, "supply / room", "", "1.023367"),
        (AIR, "room / supply", "", "0.977167"),
        (AIR, "(supply - room) / room", "", "0.023367"),
        (AIR, "avg(supply, room)", "", "23.425 C"),
        (AIR, "mean(room, supply)", "K", "296.575 K"),
        (AIR, "(supply + room) / 2", "", REFUSED),
        (AIR, "sum(supply, room) / 2", "", REFUSED),
        (AIR, "max(supply, room)", "", "26.85 C"),
        (AIR, "min(supply, room, outside)", "", "10 C"),
        (AIR, "clamp(room, 280 K, 290 K)", "", "16.85 C"),
        (AIR, "if(room > 0 C, supply, room)", "", "26.85 C"),
        (AIR, "supply > room", "", "true"),
        (AIR, "supply > 26.8 C && supply < 26.9 C", "", "true"),
        (AIR, "supply - room > 5 C", "", "true"),
        (AIR, "supply - room > 5 K", "", "true"),
        (AIR, "supply - room < 9 F", "", "false"),
        (AIR, "room - outside > 5 C", "", "true"),
        (AIR, "supply - room > room", "", REFUSED),
        (AIR, "(supply - room) - room", "", REFUSED),
        (AIR, "hypot(supply, room)", "", REFUSED),
        (AIR, "mod(supply, room)", "", REFUSED),
        (AIR, "atan2(supply, room)", "", REFUSED),
        (AIR, "copysign(supply, room)", "", REFUSED),
        (AIR, "supply / 20 C", "", REFUSED),
        (AIR, "heat / (flow * cp)", "", "10 K"),
        (AIR, "room + heat / (flow * cp)", "", "30 C"),
        (AIR, "heat / (flow * cp)", "C", REFUSED),
        (AIR, "heat / (flow * cp) > 5 C", "", REFUSED),
        (AIR, "heat / (flow * cp) > 5 K", "", "true"),
        (AIR, "supply", "C", "26.85 C"),
        (AIR, "supply", "F", "80.33 F"),
        // A plain number beside a temperature.
        (AIR, "room + 10", "C", "30 C"),
        (AIR, "room + 10", "", "30 C"),
        (AIR, "room + 10", "F", "86 F"),
        (AIR, "10 + room", "K", "303.15 K"),
        (AIR, "room - 10", "C", "10 C"),
        (AIR, "room - 10", "F", REFUSED),
        (AIR, "room * 9 / 5 + 32", "F", REFUSED),
        (AIR, "room * 2", "F", REFUSED),
        // The zero written by hand.
        (AIR, "supply - 273.15", "", "26.85 C ?hand-conversion"),
        (AIR, "supply - 273.15", "C", "26.85 C ?hand-conversion"),
        (AIR, "room + 273.15", "K", "293.15 K ?hand-conversion"),
        (AIR, "room + 273.15", "C", "20 C ?hand-conversion"),
        // The other order: K taken from C is a rise, unless that cannot be meant.
        (AIR, "room - supply", "K", "-6.85 K"),
        (AIR, "-room + supply", "K", "6.85 K"),
        (AIR, "sum(supply, -room)", "", "6.85 K"),
        (AIR, "abs(room - supply)", "", REFUSED),
        (AIR, "(room - supply)^2", "", REFUSED),
        (AIR, "flow * cp * (room - supply)", "kW", REFUSED),
        // Equal but for the dust of converting.
        (AIR, "supply == 26.85 C", "", "true"),
        (AIR, "supply != 26.85 C", "", "false"),
        (AIR, "26.85 C >= supply", "", "true"),
        (AIR, "supply > 26.85 C", "", "false"),
    ]);
}

#[test]
fn a_percentage_is_a_number() {
    const PLAN: &str = "base=200 W, spare=25 %, loss=10 %, humidity=45 %, factor=2, part=0.3";
    table(&[
        (PLAN, "base * (1 + spare)", "W", "250 W"),
        (PLAN, "1 + 25 %", "", "1.25"),
        (PLAN, "1 + spare", "", "1.25"),
        (PLAN, "1 + spare", "%", "125 %"),
        (PLAN, "2 - loss", "", "1.9"),
        (PLAN, "1.2 + spare", "", "1.45"),
        (PLAN, "100 + 10 %", "", "100.1"),
        (PLAN, "factor - loss", "", "1.9"),
        (PLAN, "1% + 2%", "", "3 %"),
        (PLAN, "spare + loss", "", "35 %"),
        (PLAN, "spare < 0.5", "", "true"),
        (PLAN, "spare == 0.25", "", "true"),
        (PLAN, "spare > part", "", "false"),
        (PLAN, "spare > 0", "", "true"),
        (PLAN, "humidity > 60", "", "false ?unit-assumed"),
        (PLAN, "humidity < 60 %", "", "true"),
        (PLAN, "max(spare, 0)", "", "25 %"),
        (PLAN, "clamp(spare, 0, 0.2)", "", "0.2"),
        (PLAN, "if(factor > 1, spare, 1)", "", "0.25"),
        (PLAN, "avg(spare, 0.75)", "", "0.5"),
        (PLAN, "base * spare", "", "50 W"),
        (PLAN, "base / (1 - loss)", "", "222.222222 W"),
        (PLAN, "48 kW / 24000 W + spare", "", "2.25"),
        (PLAN, "(1 + spare)^2", "", "1.5625"),
    ]);
}

#[test]
fn a_unit_with_a_digit_is_refused_and_areas_are_not() {
    table(&[
        ("", "3 m2", "", "3 m^2"),
        ("", "3 mm2", "m^2", "0.000003 m^2"),
        ("", "3 [m/s2]", "", "3 m/s^2"),
        ("", "3 V2", "", "!formula-syntax ?unknown-unit"),
        ("", "3 [volts2]", "", "!formula-syntax ?unknown-unit"),
        ("v=3 V2", "v", "", "!depends-on-error ?unknown-unit"),
    ]);
}

#[test]
fn units_as_people_write_them() {
    table(&[
        ("t=5 mins", "t", "s", "300 s"),
        ("t=2 weeks", "t", "d", "14 d"),
        ("t=2 hrs", "t", "min", "120 min"),
        ("p=5 kilowatts", "p", "W", "5000 W"),
        ("p=5 megapascals", "p", "bar", "50 bar"),
        ("i=20 milliamps", "i", "A", "0.02 A"),
        ("c=470 nF", "c", "uF", "0.47 uF"),
        ("c=10 pF", "c", "nF", "0.01 nF"),
        ("q=2600 mAh", "q", "Ah", "2.6 Ah"),
        ("m=12 Nm", "m", "J", "12 J"),
        ("m=1.5 kNm", "m", "N*m", "1500 N*m"),
        ("a=2 acres", "a", "ha", "0.809371 ha"),
        ("v=36 kmh", "v", "m/s", "10 m/s"),
        ("m=5 kgs", "m", "kg", "5 kg"),
        ("v=5 cbm", "v", "L", "5000 L"),
    ]);
}

#[test]
fn what_does_not_fit_is_named_and_what_was_meant_is_guessed() {
    // A formula over a, b and c; a piece of the message or the help.
    let rows = [
        ("volts + amps", "a voltage and a current cannot be added"),
        ("volts > amps", "a voltage and a current cannot be compared"),
        ("if(true, volts, amps)", "a voltage and a current cannot be alternatives"),
        ("volts + 1 Nm", "a voltage and a torque cannot be added"),
        ("volts + 1 kWh", "a voltage and an energy cannot be added"),
        ("volts + 90 deg", "a voltage and an angle cannot be added"),
        ("max(amps, 3 m)", "a current and a length cannot be compared"),
        ("volt * 2", "did you mean volts?"),
        ("o.vlots * 2", "did you mean o.volts?"),
        ("o.widht * 2", "did you mean o.width?"),
        ("volts * 1 N*m", "a compound one is written [N*m]"),
        ("sqr(volts)", "did you mean sqrt"),
    ];
    for (formula, said) in rows {
        let text = format!(
            "<svg xmlns='http://www.w3.org/2000/svg' xmlns:arx='http://arxos.io/svgx'>\
             <arx:object id='o' type='a.b'><arx:behavior><arx:variables>\
             <arx:variable name='volts' value='5 V'/><arx:variable name='amps' value='2 A'/>\
             </arx:variables><arx:calculations><arx:calculation name='result' formula='{}'/>\
             </arx:calculations></arx:behavior></arx:object></svg>",
            formula.replace('>', "&gt;")
        );
        let limits = Limits::default();
        let document = parse(&text, &limits).expect("the text is well formed");
        let program = Program::compile(&document, &limits);
        let found = program.diagnostics().iter().any(|d| {
            d.message.contains(said) || d.help.as_ref().is_some_and(|help| help.contains(said))
        });
        assert!(found, "{formula}: {:?}", program.diagnostics());
    }
}

#[test]
fn an_unknown_unit_is_answered_with_the_nearest() {
    use svgx_engine::behavior::unit::Unit;
    for (text, nearest) in [
        ("V2", "V"),
        ("volts2", "V"),
        ("W3", "W"),
        ("lm/W2", "W"),
        ("kwh", "kWh"),
        ("KWH", "kWh"),
        ("Amps", "A"),
        ("AMPS", "A"),
        ("Ampere", "A"),
        ("Kelvin", "K"),
        ("kelvins", "K"),
        ("Volt", "V"),
        ("WATTS", "W"),
        ("Ohms", "ohm"),
        ("Meters", "m"),
        ("hz", "Hz"),
        ("Rpm", "rpm"),
        ("pa", "Pa"),
        ("db", "dB"),
        ("Lumens", "lm"),
        ("mK", "m*K"),
        ("kNcm", "kN*cm"),
    ] {
        let error = text.parse::<Unit>().expect_err(text);
        let help = error.help().unwrap_or_default();
        let first = help.trim_start_matches("did you mean ").split([' ', '?']).next();
        assert_eq!(first, Some(nearest), "{text}: {help:?}");
    }
}
