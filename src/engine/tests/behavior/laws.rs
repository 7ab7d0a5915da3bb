//! Laws of sound and radio against their formulas.

use svgx_engine::behavior::formula::Formula;
use svgx_engine::document::Limits;

fn value(text: &str) -> Result<f64, String> {
    let formula = Formula::compile(text, &[], &Limits::default())
        .map_err(|found| format!("{} {}", found[0].code.as_str(), found[0].message))?;
    Ok(formula.evaluate(&mut formula.frame(), &[]))
}

#[test]
fn laws_have_the_values_of_their_formulas_in_any_unit_of_their_kind() {
    for (text, wanted) in [
        ("sabine(200 [m^3], 29 [m^2])", 1.110_344_828),
        ("sabine(200000 L, 80 [m^2] * 0.1 + 60 [m^2] * 0.3 + 60 [m^2] * 5 %)", 1.110_344_828),
        ("sabine(200, 29)", 1.110_344_828),
        ("eyring(200 [m^3], 200 [m^2], 29 [m^2] / 200 [m^2])", 1.027_743_915),
        ("level_sum(70 dB, 67 dB)", 71.764_348_62),
        ("level_sum(61 dB)", 61.0),
        ("level_sum(60, 60, 60)", 64.771_212_547),
        ("sound_level(90 dB, 2, 10 m)", 62.018_201_32),
        ("room_level(90 dB, 2, 10 m, 29 [m^2] / (1 - 29 / 200))", 80.774_499_73),
        ("room_mode(5 m, 4 m, 3 m, 1, 0, 0)", 34.3),
        ("room_mode(5 m, 4 m, 3 m, 0, 1, 0)", 42.875),
        ("room_mode(5 m, 400 cm, 3 m, 1, 1, 0)", 54.906_790_34),
        ("room_mode(5 m, 4 m, 3 m, 0, 0, 1)", 57.166_666_67),
        ("room_mode(5 m, 4 m, 3 m, 1, 0, 1)", 66.667_216_66),
        ("room_mode(5 m, 4 m, 3 m, 2, 0, 0)", 68.6),
        ("fspl(2.4e9 Hz, 100 m)", 80.052_008_06),
        ("fspl(2400 MHz, 0.1 km)", 80.052_008_06),
        ("fspl(5.2e9, 20) + 2 * 6 dB + 15 dB", 99.788_450_01),
        ("two_ray(2 km, 30 m, 1.5 m)", 98.976_949_55),
        ("hata(900 MHz, 5 km, 30 m, 1.5 m)", 151.024_404_1),
        ("hata(9e8 Hz, 5000 m, 30, 150 cm)", 151.024_404_1),
        ("indoor_loss(2400 MHz, 15 m, 30, 15 dB)", 89.886_962_61),
        // Within a formula nothing of a law is left behind.
        ("1 + sabine(200, 29) / sabine(100, 29) + 2 * 3", 9.0),
        ("level_sum(fspl(2.4e9, 100), fspl(2.4e9, 100)) - fspl(2.4e9, 100)", 3.010_299_957),
    ] {
        let found = value(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert!((found - wanted).abs() <= 1e-8 * wanted.abs(), "{text}: {found} for {wanted}");
    }
}

#[test]
fn units_of_another_kind_are_refused_and_what_has_no_value_is_none() {
    for (text, words) in [
        ("sabine(200 [m^2], 29 [m^2])", "sabine takes a volume in m^3"),
        ("fspl(2.4 m, 100 m)", "fspl takes a frequency in Hz"),
        ("level_sum(70 dB, 3 m)", "level_sum takes a level in dB"),
        ("hata(900 MHz, 5 s, 30 m, 1.5 m)", "hata takes a distance in km"),
        ("eyring(200 [m^3], 200 [m^2], 2 m)", "unit-argument"),
        ("sabine(200 [m^3])", "formula-arguments"),
        ("sabine(true, 29 [m^2])", "formula-type"),
        ("sabine(200 [m^3], 29 [m^2]) + 1 m", "unit-mismatch"),
    ] {
        let told = value(text).expect_err(text);
        assert!(told.contains(words), "{text}: {told}");
    }
    for text in ["sabine(200, 0)", "fspl(0 Hz, 1 m)", "eyring(200, 200, 1.5)"] {
        assert!(!value(text).unwrap().is_finite(), "{text}");
    }
}
