//! The units there are. Factors are exact by definition where one exists
//! (international inch and pound, standard gravity; NIST SP 811, appendix B).

use super::{Dimension, Turning};

/// One unit of the table.
pub(super) struct Entry {
    /// How it is written.
    pub(super) symbol: &'static str,
    /// Other spellings.
    pub(super) aliases: &'static [&'static str],
    /// Its dimension.
    pub(super) dimension: Dimension,
    /// SI coherent units in one.
    pub(super) scale: f64,
    /// The scale's own zero above the absolute zero, in this unit.
    pub(super) zero: f64,
    /// Whether `k`, `m`, `M` ... may stand before it.
    pub(super) prefixes: bool,
    /// Whether it contains an angle or counts cycles.
    pub(super) turning: Turning,
}

/// A decimal prefix.
pub(super) struct Prefix {
    pub(super) symbol: &'static str,
    pub(super) scale: f64,
}

/// The first is no prefix at all.
pub(super) const PREFIXES: &[Prefix] = &[
    Prefix { symbol: "", scale: 1.0 },
    Prefix { symbol: "k", scale: 1e3 },
    Prefix { symbol: "m", scale: 1e-3 },
    Prefix { symbol: "M", scale: 1e6 },
    Prefix { symbol: "G", scale: 1e9 },
    Prefix { symbol: "u", scale: 1e-6 },
    Prefix { symbol: "µ", scale: 1e-6 },
    Prefix { symbol: "μ", scale: 1e-6 },
    Prefix { symbol: "n", scale: 1e-9 },
    Prefix { symbol: "p", scale: 1e-12 },
    Prefix { symbol: "c", scale: 1e-2 },
    Prefix { symbol: "d", scale: 1e-1 },
    Prefix { symbol: "h", scale: 1e2 },
];

const fn d(m: i8, kg: i8, s: i8, a: i8, k: i8, cd: i8) -> Dimension {
    Dimension([m, kg, s, a, k, cd, 0, 0])
}

const fn e(
    symbol: &'static str,
    aliases: &'static [&'static str],
    dimension: Dimension,
    scale: f64,
) -> Entry {
    Entry { symbol, aliases, dimension, scale, zero: 0.0, prefixes: false, turning: Turning::NONE }
}

/// With prefixes.
const fn p(
    symbol: &'static str,
    aliases: &'static [&'static str],
    dimension: Dimension,
    scale: f64,
) -> Entry {
    Entry { symbol, aliases, dimension, scale, zero: 0.0, prefixes: true, turning: Turning::NONE }
}

/// A unit that contains an angle.
const fn angle(
    symbol: &'static str,
    aliases: &'static [&'static str],
    dimension: Dimension,
    scale: f64,
) -> Entry {
    Entry { turning: Turning::ANGLE, ..e(symbol, aliases, dimension, scale) }
}

const NONE: Dimension = Dimension::NONE;
const LENGTH: Dimension = Dimension::LENGTH;
const MASS: Dimension = Dimension::MASS;
const TIME: Dimension = Dimension::TIME;
const TEMPERATURE: Dimension = Dimension::TEMPERATURE;
const FORCE: Dimension = Dimension::FORCE;
const AREA: Dimension = d(2, 0, 0, 0, 0, 0);
const VOLUME: Dimension = d(3, 0, 0, 0, 0, 0);
const FLOW: Dimension = d(3, 0, -1, 0, 0, 0);
pub(super) const ENERGY: Dimension = d(2, 1, -2, 0, 0, 0);
const POWER: Dimension = d(2, 1, -3, 0, 0, 0);
const PRESSURE: Dimension = d(-1, 1, -2, 0, 0, 0);
pub(super) const FREQUENCY: Dimension = d(0, 0, -1, 0, 0, 0);
const SPEED: Dimension = d(1, 0, -1, 0, 0, 0);

const POUND: f64 = 0.453_592_37;
const GRAVITY: f64 = 9.806_65;
const INCH: f64 = 0.0254;
const FOOT: f64 = 0.3048;
const PSI: f64 = POUND * GRAVITY / (INCH * INCH);
const MMHG: f64 = 133.322_387_415;

/// Every unit; where several measure the same, the first is the usual name.
pub(super) const TABLE: &[Entry] = &[
    // Length
    e("mm", &["millimeter", "millimeters", "millimetre", "millimetres"], LENGTH, 1e-3),
    p("m", &["meter", "meters", "metre", "metres"], LENGTH, 1.0),
    e("in", &["inch", "inches"], LENGTH, INCH),
    e("ft", &["foot", "feet"], LENGTH, FOOT),
    e("yd", &["yard", "yards"], LENGTH, 0.9144),
    e("mi", &["mile", "miles"], LENGTH, 1609.344),
    // Ratio and angle
    e("%", &["percent", "pct"], NONE, 0.01),
    angle("deg", &["°", "degree", "degrees"], NONE, std::f64::consts::PI / 180.0),
    angle("rad", &["radian", "radians"], NONE, 1.0),
    angle("rev", &["turn", "turns", "revolution", "revolutions"], NONE, std::f64::consts::TAU),
    e("ppm", &[], NONE, 1e-6),
    e("dB", &["decibel", "decibels"], Dimension::LEVEL, 1.0),
    // Time
    p("s", &["sec", "secs", "second", "seconds"], TIME, 1.0),
    e("min", &["mins", "minute", "minutes"], TIME, 60.0),
    e("h", &["hr", "hrs", "hour", "hours"], TIME, 3600.0),
    e("d", &["day", "days"], TIME, 86_400.0),
    e("week", &["weeks"], TIME, 604_800.0),
    // Frequency
    Entry { turning: Turning::CYCLE, ..p("Hz", &["hertz"], FREQUENCY, 1.0) },
    angle("rpm", &["RPM"], FREQUENCY, std::f64::consts::TAU / 60.0),
    // Mass
    e("kg", &["kgs", "kilogram", "kilograms"], MASS, 1.0),
    p("g", &["gram", "grams"], MASS, 1e-3),
    e("t", &["tonne", "tonnes"], MASS, 1e3),
    e("lb", &["lbs", "pound", "pounds"], MASS, POUND),
    e("oz", &["ounce", "ounces"], MASS, POUND / 16.0),
    // Force
    p("N", &["newton", "newtons"], FORCE, 1.0),
    e("lbf", &[], FORCE, POUND * GRAVITY),
    e("kgf", &[], FORCE, GRAVITY),
    // Pressure
    p("Pa", &["pascal", "pascals"], PRESSURE, 1.0),
    p("bar", &["bars"], PRESSURE, 1e5),
    e("psi", &["PSI"], PRESSURE, PSI),
    e("atm", &[], PRESSURE, 101_325.0),
    e("mmHg", &["torr"], PRESSURE, MMHG),
    e("inHg", &[], PRESSURE, MMHG * 25.4),
    e("inH2O", &["inwg"], PRESSURE, 249.088_91),
    // Power
    p("W", &["watt", "watts"], POWER, 1.0),
    p("VA", &["voltampere"], POWER, 1.0),
    p("var", &["VAr", "VAR"], POWER, 1.0),
    e("hp", &["horsepower"], POWER, 550.0 * FOOT * POUND * GRAVITY),
    e("BTU/h", &["BTUh", "Btu/h"], POWER, 1_055.055_852_62 / 3600.0),
    // Energy
    p("J", &["joule", "joules"], ENERGY, 1.0),
    e("kWh", &[], ENERGY, 3.6e6),
    p("Wh", &[], ENERGY, 3.6e3),
    e("cal", &[], ENERGY, 4.184),
    e("kcal", &[], ENERGY, 4184.0),
    p("Nm", &[], ENERGY, 1.0),
    e("Nmm", &[], ENERGY, 1e-3),
    e("BTU", &["Btu"], ENERGY, 1_055.055_852_62),
    // Electricity
    p("A", &["amp", "amps", "ampere", "amperes"], Dimension::CURRENT, 1.0),
    p("V", &["volt", "volts"], d(2, 1, -3, -1, 0, 0), 1.0),
    p("ohm", &["Ω", "Ω", "ohms", "Ohm"], d(2, 1, -3, -2, 0, 0), 1.0),
    p("S", &["siemens"], d(-2, -1, 3, 2, 0, 0), 1.0),
    e("farad", &["farads"], d(-2, -1, 4, 2, 0, 0), 1.0),
    // `F` is Fahrenheit, so that prefixes have to be spelled out.
    e("mF", &[], d(-2, -1, 4, 2, 0, 0), 1e-3),
    e("uF", &["µF", "μF"], d(-2, -1, 4, 2, 0, 0), 1e-6),
    e("nF", &[], d(-2, -1, 4, 2, 0, 0), 1e-9),
    e("pF", &[], d(-2, -1, 4, 2, 0, 0), 1e-12),
    p("H", &["henry"], d(2, 1, -2, -2, 0, 0), 1.0),
    e("coulomb", &["coulombs"], d(0, 0, 1, 1, 0, 0), 1.0),
    p("Ah", &[], d(0, 0, 1, 1, 0, 0), 3600.0),
    p("T", &["tesla"], d(0, 1, -2, -1, 0, 0), 1.0),
    p("Wb", &["weber"], d(2, 1, -2, -1, 0, 0), 1.0),
    // Temperature
    e("K", &["kelvin"], TEMPERATURE, 1.0),
    Entry {
        symbol: "C",
        aliases: &["°C", "℃", "degC", "celsius", "Celsius"],
        dimension: TEMPERATURE,
        scale: 1.0,
        zero: 273.15,
        prefixes: false,
        turning: Turning::NONE,
    },
    Entry {
        symbol: "F",
        aliases: &["°F", "℉", "degF", "fahrenheit", "Fahrenheit"],
        dimension: TEMPERATURE,
        scale: 5.0 / 9.0,
        zero: 459.67,
        prefixes: false,
        turning: Turning::NONE,
    },
    // Light
    p("lm", &["lumen", "lumens"], Dimension::LUMINOUS, 1.0),
    p("cd", &["candela"], Dimension::LUMINOUS, 1.0),
    e("lx", &["lux"], d(-2, 0, 0, 0, 0, 1), 1.0),
    e("fc", &["footcandle", "footcandles"], d(-2, 0, 0, 0, 0, 1), 1.0 / (FOOT * FOOT)),
    // Area, volume, flow, speed
    e("m^2", &["sqm"], AREA, 1.0),
    e("ha", &["hectare", "hectares"], AREA, 1e4),
    e("acre", &["acres"], AREA, 4840.0 * 9.0 * FOOT * FOOT),
    e("sqft", &["sq_ft"], AREA, FOOT * FOOT),
    e("m^3", &["cum", "cbm"], VOLUME, 1.0),
    p("L", &["l", "liter", "liters", "litre", "litres"], VOLUME, 1e-3),
    e("gal", &["gallon", "gallons"], VOLUME, 231.0 * INCH * INCH * INCH),
    e("cuft", &["cu_ft"], VOLUME, FOOT * FOOT * FOOT),
    e("m^3/s", &[], FLOW, 1.0),
    e("cfm", &["CFM"], FLOW, FOOT * FOOT * FOOT / 60.0),
    e("gpm", &["GPM"], FLOW, 231.0 * INCH * INCH * INCH / 60.0),
    e("m/s", &[], SPEED, 1.0),
    e("mph", &[], SPEED, 0.447_04),
    e("km/h", &["kmh", "kph"], SPEED, 1.0 / 3.6),
    e("fpm", &[], SPEED, FOOT / 60.0),
    // Amount
    p("mol", &["mole", "moles"], Dimension::AMOUNT, 1.0),
];
