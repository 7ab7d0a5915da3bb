use super::*;

fn unit(text: &str) -> Unit {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

#[test]
fn units_convert_by_their_definitions() {
    for (value, from, to, expected) in [
        (1.0, "in", "mm", 25.4),
        (1.0, "ft", "mm", 304.8),
        (3.0, "m", "cm", 300.0),
        (180.0, "deg", "rad", std::f64::consts::PI),
        (1.5, "h", "min", 90.0),
        (250.0, "ms", "s", 0.25),
        (48.0, "kW", "W", 48_000.0),
        (48.0, "kVA", "kW", 48.0),
        (0.48, "kV", "V", 480.0),
        (16_000.0, "mA", "A", 16.0),
        (4.7, "kohm", "Ω", 4700.0),
        (22.0, "C", "F", 71.6),
        (212.0, "F", "C", 100.0),
        (0.0, "C", "K", 273.15),
        (1.0, "lb", "kg", 0.453_592_37),
        (2.0, "t", "kg", 2000.0),
        (1.0, "atm", "Pa", 101_325.0),
        (1.0, "bar", "kPa", 100.0),
        (14.503_773_773_02, "psi", "bar", 1.0),
        (760.0, "mmHg", "inHg", 760.0 / 25.4),
        (45.0, "%", "1", 0.45),
        (2000.0, "lumens", "lm", 2000.0),
        (1.0, "kWh", "MJ", 3.6),
        (60.0, "L/min", "m^3/h", 3.6),
        (1.0, "m^2", "mm²", 1e6),
        (100.0, "lm/W", "klm/kW", 100.0),
        (1.0, "m^2*K/W", "K*m2/mW", 1e-3),
        (1.0, "W/(m^2*K)", "W/m^2/C", 1.0),
    ] {
        let got = convert(value, &unit(from), &unit(to)).unwrap_or_else(|e| panic!("{e}"));
        assert!((got - expected).abs() <= 1e-12 * expected.abs(), "{value} {from} = {got} {to}");
    }
}

#[test]
fn a_factor_of_many_digits_keeps_them() {
    for (from, to, factor) in [
        ("rad", "deg", 180.0 / std::f64::consts::PI),
        ("rev", "rad", std::f64::consts::TAU),
        ("deg", "rev", 1.0 / 360.0),
        ("in", "mm", 25.4),
        ("hp", "W", 550.0 * 0.3048 * 0.453_592_37 * 9.806_65),
    ] {
        let got = convert(1.0, &unit(from), &unit(to)).unwrap_or_else(|e| panic!("{e}"));
        assert!((got - factor).abs() <= 2.0 * f64::EPSILON * factor, "1 {from} = {got} {to}");
    }
}

#[test]
fn temperatures_convert_without_dust() {
    assert_eq!(convert(22.0, &unit("C"), &unit("F")).unwrap(), 71.6);
    assert_eq!(conversion(&unit("C"), &unit("F"), 1.0).unwrap(), (1.8, 32.0));
    assert_eq!(conversion(&unit("C"), &unit("F"), 0.0).unwrap(), (1.8, 0.0));
}

#[test]
fn units_of_other_dimensions_do_not_convert() {
    for (from, to) in [("V", "A"), ("m", "m^2"), ("W", "Wh"), ("C", "W"), ("lm", "W"), ("s", "m")] {
        assert!(convert(1.0, &unit(from), &unit(to)).is_err(), "{from} {to}");
    }
}

#[test]
fn units_print_as_they_are_read() {
    for (text, printed) in [
        ("kW", "kW"),
        ("lumens", "lm"),
        ("lm / W", "lm/W"),
        ("W/m²", "W/m^2"),
        ("W/(m^2 K)", "W/(m^2*K)"),
        ("1/s", "1/s"),
        ("m*m", "m^2"),
        ("m/m", ""),
        ("Ω", "ohm"),
        ("°C", "C"),
    ] {
        assert_eq!(unit(text).to_string(), printed, "{text}");
        assert_eq!(unit(printed), unit(text));
    }
}

#[test]
fn a_result_takes_the_usual_name_of_its_unit() {
    for (product, name) in [
        ("V/ohm", "A"),
        ("V*A", "W"),
        ("V^2/ohm", "W"),
        ("kg*m/s^2", "N"),
        ("N/m^2", "Pa"),
        ("kW*h", "kWh"),
        ("lm/W", "lm/W"),
        ("lm/m^2", "lx"),
        ("mm*m", "m^2"),
        ("mm^2", "mm^2"),
        ("kPa", "kPa"),
        ("m^3/h", "m^3/h"),
    ] {
        assert_eq!(unit(product).simplified().to_string(), name, "{product}");
    }
}

#[test]
fn unknown_units_are_answered_with_near_ones() {
    for (text, near) in [("kw", "kW"), ("lumes", "lm"), ("volst", "V"), ("mmm", "mm")] {
        match text.parse::<Unit>() {
            Err(ParseUnitError::Unknown { near: names, .. }) => {
                assert!(names.iter().any(|n| n == near), "{text}: {names:?}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn what_is_no_unit_is_refused() {
    for text in
        ["/", "m//s", "m^", "m^999", "(m", "m)", "((((((((((m))))))))))", "m$", "5", "\0", "m^2^2"]
    {
        assert!(text.parse::<Unit>().is_err(), "{text}");
    }
    assert!("m".repeat(100).parse::<Unit>().is_err());
}

#[test]
fn numbers_split_from_their_units() {
    for (text, number, rest) in [
        ("3000mm", 3000.0, "mm"),
        (" -2.5e3 kW ", -2500.0, "kW"),
        ("45", 45.0, ""),
        (".5 %", 0.5, "%"),
        ("1e", 1.0, "e"),
        ("2.eV", 2.0, "eV"),
    ] {
        assert_eq!(quantity(text), Some(Literal { number, unit: rest }), "{text}");
    }
    for text in ["", "x", "1e999", "-", ".", "NaN", "inf", "infinity"] {
        assert_eq!(quantity(text), None, "{text}");
    }
}

/// The table of `docs/language.md` names every unit there is, a star where prefixes are taken.
#[test]
fn the_table_of_the_language_is_this_one() {
    let text = include_str!("../../../../docs/language.md");
    let (_, rest) = text.split_once("| measure | units |").expect("the table of units");
    let (rows, _) = rest.split_once("\n\n").expect("its end");
    let mut written: Vec<(&str, bool)> = Vec::new();
    for cell in rows.lines().filter_map(|row| row.split('|').nth(2)) {
        for word in cell.split_whitespace().filter(|word| word.starts_with('`')) {
            written.push((word.trim_matches(['`', '*']), word.ends_with('*')));
        }
    }
    let mut known: Vec<(&str, bool)> = TABLE.iter().map(|e| (e.symbol, e.prefixes)).collect();
    written.sort_unstable();
    known.sort_unstable();
    assert_eq!(written, known);
}
