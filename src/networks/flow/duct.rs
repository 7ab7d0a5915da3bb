//! Closed forms of ducts and openings.

/// The round duct that loses as much as a rectangular one at the same flow (Huebscher 1948):
/// sides and answer in one unit of length.
pub fn equivalent_diameter(a: f64, b: f64) -> f64 {
    1.3 * libm::pow(a * b, 0.625) / libm::pow(a + b, 0.25)
}

/// The pressure that a column of air of a height in m drives, Pa, between two temperatures in
/// °C at a pressure in Pa: positive upwards where it is warmer inside.
pub fn stack_pressure(height: f64, inside: f64, outside: f64, pressure: f64) -> f64 {
    const GAS_CONSTANT: f64 = 287.055;
    let density = |celsius: f64| pressure / (GAS_CONSTANT * (celsius + 273.15));
    9.806_65 * height * (density(outside) - density(inside))
}

/// The flow through an orifice, m³/s: discharge coefficient, m², Pa, kg/m³.
pub fn orifice(discharge: f64, area: f64, pressure: f64, density: f64) -> f64 {
    let flow = discharge * area * libm::sqrt(2.0 * pressure.abs() / density);
    libm::copysign(flow, pressure)
}

/// The pressure of a velocity, Pa: m/s, kg/m³.
pub fn velocity_pressure(velocity: f64, density: f64) -> f64 {
    0.5 * density * velocity * velocity
}
