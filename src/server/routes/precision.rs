//! `POST /precision`: what a precision level means, and coordinates rounded to it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::admission::body::{self, Body, Kind};
use crate::admission::reply::{Call, Reply};
use crate::protocol::problem::Error;
use crate::protocol::wording;
use svgx_base::budget::{Budget, Tier};
use svgx_engine::geometry::Fixed;

/// A level and, if any, coordinates to round to it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PrecisionRequest {
    /// `ui` (0.1 mm), `edit` (0.01 mm) or `compute` (0.001 mm), in any case;
    /// `low`, `medium` and `high` mean the same.
    #[schema(example = "edit")]
    pub(crate) level: String,
    /// Coordinates in millimetres.
    #[serde(default)]
    pub(crate) coordinates: Option<Coordinates>,
    /// Fixed point is the only arithmetic there is; `false` is refused.
    #[serde(default)]
    #[schema(schema_with = only_true)]
    pub(crate) fixed_point: Option<bool>,
}

/// `true`, or nothing.
fn only_true() -> utoipa::openapi::Schema {
    use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, SchemaType, Type};
    let of = |kind: Type| ObjectBuilder::new().schema_type(SchemaType::Type(kind));
    OneOfBuilder::new()
        .item(of(Type::Boolean).enum_values(Some([true])))
        .item(of(Type::Null))
        .description(Some("Fixed point is the only arithmetic there is; `false` is refused"))
        .build()
        .into()
}

/// A point in millimetres: an object, or a list of two or three numbers.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(
    untagged,
    expecting = "coordinates are {\"x\": .., \"y\": ..} or a list of two or three numbers"
)]
pub(crate) enum Coordinates {
    /// By name.
    Named(Point),
    /// In a row.
    Flat([f64; 2]),
    /// In a row, with height.
    Deep([f64; 3]),
}

/// A point in millimetres.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Point {
    /// To the right.
    pub(crate) x: f64,
    /// Downward.
    pub(crate) y: f64,
    /// Height above the floor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) z: Option<f64>,
}

impl From<Coordinates> for Point {
    fn from(c: Coordinates) -> Point {
        match c {
            Coordinates::Named(p) => p,
            Coordinates::Flat([x, y]) => Point { x, y, z: None },
            Coordinates::Deep([x, y, z]) => Point { x, y, z: Some(z) },
        }
    }
}

/// The precision that the options ask for, `compute` where they do not, and the budget at what is
/// granted of it. Under load that is a coarser tier; `strict` insists.
///
/// # Errors
/// A word that is no level.
pub(crate) fn granted(
    call: &Call<'_>,
    asked: Option<&str>,
    strict: bool,
) -> Result<(Tier, Budget), Error> {
    let wanted = asked.map_or(Ok(Tier::Compute), |name| level(name, "/options/precision"))?;
    let tier = if strict { wanted } else { wanted.min(call.budget.tier()) };
    Ok((wanted, call.budget.clone().at(tier).strict(strict)))
}

/// A level and what it means.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PrecisionAnswer {
    /// Always `success`.
    status: &'static str,
    /// Always true: a failure is a problem document.
    success: bool,
    /// The level.
    precision_level: &'static str,
    /// The same, under its other name.
    level: &'static str,
    /// The step in millimetres.
    precision_value_mm: f64,
    /// The coordinates, rounded to the step; ties to even.
    #[serde(skip_serializing_if = "Option::is_none")]
    coordinates: Option<Point>,
    /// How numbers are kept at this level.
    precision_info: PrecisionInfo,
    /// Time taken, in milliseconds.
    duration_ms: f64,
}

/// How numbers are kept.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PrecisionInfo {
    /// Decimals of a millimetre that are kept.
    decimal_places: u32,
    /// Always true: whole micrometres.
    fixed_point: bool,
}

/// What a precision level means, and coordinates rounded to it in decimal fixed point.
///
/// # Errors
/// An unknown level, or coordinates beyond what fixed point can hold.
#[utoipa::path(post, path = "/precision", tag = "interaction", operation_id = "round_coordinates", request_body = PrecisionRequest,
    responses((status = 200, body = PrecisionAnswer)))]
pub(crate) fn precision(call: Call<'_>, body: Option<Body>) -> Result<Reply, Error> {
    let request: PrecisionRequest = match body {
        Some(b) if b.kind == Kind::Json => body::json(&b.bytes)?,
        _ => {
            return Err(Error::UnsupportedMediaType {
                seen: "a document".to_owned(),
                expected: "application/json",
            });
        }
    };
    let tier = level(&request.level, "/level")?;
    if request.fixed_point == Some(false) {
        return Err(invalid("/fixed_point", "coordinates are always kept in fixed point"));
    }
    let coordinates = request.coordinates.map(Point::from).map(|p| round(p, tier)).transpose()?;
    let answer = PrecisionAnswer {
        status: "success",
        success: true,
        precision_level: tier.as_str(),
        level: tier.as_str(),
        precision_value_mm: tier.millimetres(),
        coordinates,
        precision_info: PrecisionInfo { decimal_places: tier.decimals(), fixed_point: true },
        duration_ms: call.elapsed_ms(),
    };
    call.json(&answer, None)
}

/// What a precision is called.
const LEVELS: &[&str] = &["ui", "edit", "compute"];

/// The tier called `name`; an error points to `pointer`.
///
/// # Errors
/// [`Error::Invalid`] for a name that is none.
pub(crate) fn level(name: &str, pointer: &str) -> Result<Tier, Error> {
    match name.to_ascii_lowercase().as_str() {
        "low" => Ok(Tier::Ui),
        "medium" => Ok(Tier::Edit),
        "high" => Ok(Tier::Compute),
        other => other
            .parse()
            .map_err(|_| invalid(pointer, &wording::unknown("precision", name, LEVELS))),
    }
}

fn invalid(pointer: &str, message: &str) -> Error {
    Error::Invalid { pointer: pointer.to_owned(), message: message.to_owned(), at: None }
}

fn round(point: Point, tier: Tier) -> Result<Point, Error> {
    let one = |name: &str, value: f64| {
        rounded(value, tier).ok_or_else(|| {
            invalid(
                &format!("/coordinates/{name}"),
                &format!(
                    "{value:e} mm is beyond the {MOST_MM:e} mm that fixed point keeps exactly"
                ),
            )
        })
    };
    Ok(Point {
        x: one("x", point.x)?,
        y: one("y", point.y)?,
        z: point.z.map(|z| one("z", z)).transpose()?,
    })
}

/// Two thousand kilometres: up to here a micrometre is exact in a double.
const MOST_MM: f64 = 2e9;

/// `value` in decimal fixed point at the tier's step, ties to even on the
/// decimal that was written.
fn rounded(value: f64, tier: Tier) -> Option<f64> {
    if !value.is_finite() || value.abs() > MOST_MM {
        return None;
    }
    Fixed::from_mm(value, tier).ok().map(Fixed::to_mm)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_rounded_in_decimal() {
        for (x, y, tier, expected) in [
            (10.123456789, 20.987654321, Tier::Ui, (10.1, 21.0)),
            (10.123456789, 20.987654321, Tier::Edit, (10.12, 20.99)),
            (10.123456789, 20.987654321, Tier::Compute, (10.123, 20.988)),
            (10.1, -10.1, Tier::Compute, (10.1, -10.1)),
            (0.25, 0.35, Tier::Ui, (0.2, 0.4)),
            // A tie in decimal that no binary fraction is.
            (10.05, 2.675, Tier::Edit, (10.05, 2.68)),
            (1.0005, 1.0015, Tier::Compute, (1.0, 1.002)),
        ] {
            let p = round(Point { x, y, z: None }, tier).expect("in range");
            assert_eq!((p.x, p.y), expected, "{x} {y} {tier}");
        }
    }

    #[test]
    fn coordinates_that_fixed_point_cannot_hold_are_refused() {
        for x in [1e18, f64::MAX, f64::NAN, f64::INFINITY] {
            assert!(round(Point { x, y: 0.0, z: None }, Tier::Ui).is_err(), "{x}");
        }
    }
}
