//! Types of other crates in the API's description.
//!
//! The engine, the sessions and the controller describe what they send by JSON Schema
//! (`schemars`, behind their feature `schema`) and know nothing of OpenAPI. In a derived
//! description `#[schema(value_type = schema::NAME)]` stands for such a type, and [`insert`]
//! puts its schema in the place of the stand-in.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::Value;
use utoipa::ToSchema;

use svgx_controller::core as controller;
use svgx_engine::{compile, constraint, physics};

use crate::routes::simulate;

macro_rules! stand_ins {
    ($($generator:ident { $($name:ident = $type:ty,)* })*) => {
        $($(
            #[derive(Debug, ToSchema)]
            pub(crate) struct $name {}
        )*)*

        $(fn $generator(generator: &mut SchemaGenerator) {
            $(
                debug_assert_eq!(<$type>::schema_name(), stringify!($name));
                generator.subschema_for::<$type>();
            )*
        })*
    };
}

stand_ins! {
    requests {
        ControllerMode = controller::Mode,
        Disturbance = physics::Disturbance,
        ErrorEstimation = simulate::Estimation,
        ActiveConstraint = svgx_session::ActiveConstraint,
        Measure = svgx_session::Measure,
        Modifiers = svgx_session::Modifiers,
        NetworkStudy = svgx_networks::study::Study,
        PointerCoordinates = svgx_session::Coordinates,
        SketchProblem = constraint::Problem,
        SketchTarget = constraint::Target,
        Snap = svgx_session::Snap,
    }
    answers {
        Assembly = physics::Assembly,
        ControllerStatus = controller::Status,
        Conventions = physics::Conventions,
        DecisionView = controller::DecisionView,
        Interference = svgx_drafting::Interference,
        DxfExportReport = svgx_exchange::dxf::ExportReport,
        DxfReport = svgx_exchange::dxf::Report,
        ElementPhysics = physics::ElementPhysics,
        ErrorEstimate = physics::ErrorEstimate,
        JsonModel = compile::Model,
        NetworkElement = svgx_networks::Row,
        NetworkEvent = svgx_networks::transient::Event,
        NetworkFrame = svgx_networks::transient::Frame,
        NetworkCheck = svgx_networks::Check,
        NetworkIsland = svgx_networks::Island,
        OperationEffect = svgx_session::Effect,
        PhysicsContact = physics::Contact,
        PhysicsEvent = physics::Event,
        Quarantined = physics::Quarantined,
        Reaction = physics::Reaction,
        SessionFrame = svgx_session::Frame,
        SessionState = svgx_session::State,
        SimulationCounts = physics::Statistics,
        SimulationEnd = physics::SimulationEnd,
        SimulationFrame = physics::Frame,
        SimulationLine = simulate::Line,
        SketchSolution = constraint::Solution,
    }
}

/// Puts the schemas of other crates' types into an OpenAPI document.
pub(crate) fn insert(document: &mut Value) {
    let generator = |settings: SchemaSettings| {
        settings.with(|s| s.definitions_path = "/components/schemas".into()).into_generator()
    };
    let mut read = generator(SchemaSettings::draft2020_12().for_deserialize());
    let mut written = generator(SchemaSettings::draft2020_12().for_serialize());
    requests(&mut read);
    // What clients say on a stream, which no request or answer is.
    read.subschema_for::<svgx_session::ClientFrame>();
    // Of this the description is made, in `openapi::operations`.
    read.subschema_for::<svgx_session::Operation>();
    answers(&mut written);
    let mut schemas = written.take_definitions(true);
    for (name, mut schema) in read.take_definitions(true) {
        // Of a type that is read and written, what both require is required.
        if let Some(written) = schemas.get(&name) {
            keep_common_required(&mut schema, written);
        }
        schemas.insert(name, schema);
    }
    if let Some(all) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        all.extend(schemas);
    }
}

fn keep_common_required(schema: &mut Value, other: &Value) {
    let others: Vec<&Value> = other["required"].as_array().into_iter().flatten().collect();
    if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|name| others.contains(&name));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(to)) = map.get("$ref") {
                    found.insert(to.clone());
                }
                map.values().for_each(|v| references(v, found));
            }
            Value::Array(list) => list.iter().for_each(|v| references(v, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_of_the_description_leads_to_a_schema_that_says_something() {
        let document: Value = serde_json::from_slice(&crate::openapi::json()).unwrap();
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        assert!(found.len() > 80, "{found:?}");
        for reference in found {
            let schema = document.pointer(reference.trim_start_matches('#')).expect(&reference);
            let empty = schema == &serde_json::json!({ "type": "object" });
            assert!(schema.get("$ref").is_none() && !empty, "{reference}: {schema}");
        }
    }
}
