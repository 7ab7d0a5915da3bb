//! What physics answers: plain data, ready for JSON.
//!
//! Forces are in newtons, moments in newton metres, masses in kilograms, times
//! in seconds. Places and velocities are in user units of the drawing (and
//! user units per second), angles in degrees. The frame is the drawing's: x to
//! the right, y **downward**, so gravity is `(0, +9.81)` and a positive angle
//! or moment turns clockwise as seen. z is always zero.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use svgx_base::budget::{Stop, Tier};

/// A number without the digits that only come from binary fractions: 45 kg
/// times 9.81 is 441.45. Rounds to a billionth where that is exact.
pub(crate) fn tidy(value: f64) -> f64 {
    // Adding zero turns -0 into 0.
    if value == 0.0 {
        0.0
    } else if value.abs() < 1e6 {
        libm::rint(value * 1e9) / 1e9 + 0.0
    } else {
        value
    }
}

/// A force with its length, N.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ForceVector {
    /// To the right.
    pub x: f64,
    /// Downward.
    pub y: f64,
    /// Out of the drawing: zero.
    pub z: f64,
    /// Length.
    pub magnitude: f64,
}

impl ForceVector {
    /// The force `(x, y)`.
    pub fn new(x: f64, y: f64) -> ForceVector {
        ForceVector { x: tidy(x), y: tidy(y), z: 0.0, magnitude: tidy(libm::hypot(x, y)) }
    }
}

/// A number and its unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "PhysicsValue"))]
pub struct Value {
    /// The number.
    pub value: f64,
    /// The unit.
    pub unit: &'static str,
}

/// Forces on one body, as `/simulate` has always answered them.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ElementPhysics {
    /// The id of the element, or `node-<number>` for one without.
    pub element_id: String,
    /// What acts on it.
    pub physics: PhysicsSummary,
}

/// Forces on one body.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PhysicsSummary {
    /// The sum of the declared forces at their full strength and the weight; no reactions.
    pub total_force: ForceVector,
    /// Mass, kg.
    pub mass: f64,
    /// Mass times gravity.
    pub weight: Value,
    /// What holds it: `wall`, `ceiling`, `hinge`, ...; none: nothing.
    pub anchor: Option<String>,
    /// Every anchor, in document order.
    pub anchors: Vec<String>,
}

/// Whether an assembly stands, and whether its reactions follow from equilibrium alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Standing"))]
#[serde(rename_all = "snake_case")]
pub enum Determinacy {
    /// Held, and every reaction follows from equilibrium.
    Determinate,
    /// Held by more than is needed: some reactions depend on stiffness, which rigid bodies have not.
    Indeterminate,
    /// It can move, but the loads given do not move it.
    Mechanism,
    /// It can move, and the loads given move it: there is no equilibrium.
    Moving,
    /// A rope would have to push: there is no equilibrium with the ropes taut as drawn.
    Slack,
}

/// Bodies held together, and how.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Assembly {
    /// Ids of the bodies.
    pub elements: Vec<String>,
    /// Whether it stands, and whether equilibrium determines its reactions.
    pub standing: Determinacy,
    /// How many independent motions its anchors and joints leave.
    pub freedoms: usize,
    /// How many reaction components equilibrium leaves open.
    pub redundancies: usize,
    /// One sentence for people.
    pub message: String,
    /// The largest force (N) that the answer leaves unbalanced: rounding, when it stands.
    pub residual: f64,
}

/// What an anchor or joint does to a body at rest.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Reaction {
    /// The body.
    pub element_id: String,
    /// The anchor as the document names it, or the id of the connection.
    pub anchor: String,
    /// `fixed`, `hinge`, `roller`, `slider`, `rope`.
    pub kind: &'static str,
    /// The other body of a connection; none: the building.
    pub other: Option<String>,
    /// Where it takes hold, user units.
    pub point: [f64; 2],
    /// Force on the body along x, N; none when equilibrium does not determine it.
    pub x: Option<f64>,
    /// Force on the body along y, N; none when equilibrium does not determine it.
    pub y: Option<f64>,
    /// Length of the force, N; none when either component is open.
    pub magnitude: Option<f64>,
    /// Moment on the body about the point, N m, clockwise; none when open.
    pub moment: Option<f64>,
}

/// The answer of [`statics`](super::statics).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Statics {
    /// Forces on each body.
    pub simulation: Vec<ElementPhysics>,
    /// Assemblies that an anchor or a connection holds.
    pub assemblies: Vec<Assembly>,
    /// Reactions at every anchor and connection of them.
    pub reactions: Vec<Reaction>,
    /// Bodies that nothing holds.
    pub free: Vec<String>,
    /// Bodies left out, and why.
    pub quarantined: Vec<Quarantined>,
    /// The frame and units of this answer.
    pub conventions: Conventions,
}

/// The frame and units of an answer, for whoever reads it without its documentation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Conventions {
    /// Gravity, m/s²: x, y.
    pub gravity: [f64; 2],
    /// The axes.
    pub axes: &'static str,
    /// Metres per user unit of the drawing.
    pub metres_per_unit: f64,
}

impl Conventions {
    pub(crate) fn new(gravity: f64, scale: f64) -> Conventions {
        Conventions {
            gravity: [0.0, gravity],
            axes: "x right, y down, angles and moments clockwise",
            metres_per_unit: scale,
        }
    }
}

/// A body that does not take part, a pair whose contact is not solved, or two lines that passed
/// through each other.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Quarantined {
    /// The body.
    pub element_id: String,
    /// The body it overlaps, where that is the reason.
    pub other: Option<String>,
    /// Why it is left out.
    pub reason: String,
    /// How deep they overlap, mm, where that is the reason.
    pub depth_mm: Option<f64>,
    /// From which time of the simulation, s.
    pub time: f64,
}

/// One body in a frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FrameElement {
    /// The body.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub id: Arc<str>,
    /// Its centre of mass, user units.
    pub position: [f64; 2],
    /// User units per second.
    pub velocity: [f64; 2],
    /// Degrees turned since the start, clockwise.
    pub rotation: f64,
    /// Degrees per second.
    pub spin: f64,
}

/// How a simulation is done: what a stream of its frames begins with.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "SimulationStart"))]
pub struct SimulationStart {
    /// The tier it is done at.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub tier: Tier,
    /// Where it goes on from, s.
    pub time: f64,
    /// Where it is to end, s.
    pub duration: f64,
    /// Frames from the start to the end.
    pub frames: u64,
    /// Length of a step, s.
    pub step: f64,
    /// Solver iterations in a step.
    pub iterations: usize,
    /// Bodies that take part.
    pub bodies: usize,
    /// Bodies that can move.
    pub movable: usize,
    /// The frame and units of the answer.
    pub conventions: Conventions,
}

/// The bodies at one time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "SimulationFrame"))]
pub struct Frame {
    /// Seconds since the start.
    pub time: f64,
    /// The bodies; only those that moved, when only changes were asked for.
    pub elements: Vec<FrameElement>,
    /// Energies of all bodies that can move.
    pub energy: Energy,
}

/// Mechanical energy, J. The potential is zero at y = 0 of the drawing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "PhysicsEnergy"))]
pub struct Energy {
    /// Of motion.
    pub kinetic: f64,
    /// Of height.
    pub potential: f64,
    /// Their sum.
    pub total: f64,
}

/// Two bodies that began or ceased to touch.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "PhysicsEvent"))]
pub struct Event {
    /// At the end of the step in which it happened, s.
    pub time: f64,
    /// `began` or `ended`.
    pub kind: &'static str,
    /// One body.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub a: Arc<str>,
    /// The other.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub b: Arc<str>,
}

/// Two bodies that touch at the end.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "PhysicsContact"))]
pub struct Contact {
    /// The body that is pushed.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub a: Arc<str>,
    /// The body that pushes.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub b: Arc<str>,
    /// The force on `a` along the normal over the last step, N.
    pub force: ForceVector,
}

/// How far the positions may be off, and how that is known.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ErrorEstimate {
    /// The largest difference seen, mm; none when it was not measured.
    pub millimetres: Option<f64>,
    /// How it was measured.
    pub method: &'static str,
    /// Whether it is within the step of the tier.
    pub within_tier: Option<bool>,
}

/// Why a simulation ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", schemars(rename = "SimulationEnd"))]
pub enum SimulationEnd {
    /// The deadline has passed.
    Deadline,
    /// It was cancelled.
    Cancelled,
    /// The receiver of the frames wanted no more.
    Receiver,
}

impl From<Stop> for SimulationEnd {
    fn from(stop: Stop) -> SimulationEnd {
        match stop {
            Stop::Deadline => SimulationEnd::Deadline,
            Stop::Cancelled => SimulationEnd::Cancelled,
        }
    }
}

/// Counts of a simulation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "SimulationCounts"))]
pub struct Statistics {
    /// Frames given out.
    pub total_frames: u64,
    /// Contacts that began.
    pub collision_count: u64,
    /// Steps done.
    pub steps: u64,
    /// Length of a step, s.
    pub step: f64,
    /// Solver iterations in a step.
    pub iterations: usize,
    /// Bodies that take part.
    pub bodies: usize,
    /// Bodies that can move.
    pub movable: usize,
    /// Movable bodies awake at the end.
    pub awake: usize,
    /// Steps times bodies awake in them: what the work was proportional to.
    pub body_steps: u64,
}

/// The answer of [`simulate`](super::simulate) beside its frames.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "SimulationOutcome"))]
pub struct Outcome {
    /// The tier it was done at.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub tier: Tier,
    /// Seconds asked for.
    pub duration: f64,
    /// Seconds simulated.
    pub simulated: f64,
    /// Whether it ended before its time.
    pub partial: bool,
    /// Why, if it did.
    pub ended: Option<SimulationEnd>,
    /// How far positions may be off.
    pub error: ErrorEstimate,
    /// How much work was done.
    pub statistics: Statistics,
    /// Energy at the end.
    pub energy: Energy,
    /// Where every body is at the end.
    pub elements: Vec<FrameElement>,
    /// What touches what at the end, and how hard.
    pub contacts: Vec<Contact>,
    /// Contacts that began and ended, the first of them; `collision_count` counts all.
    pub events: Vec<Event>,
    /// What is left out, and why.
    pub quarantined: Vec<Quarantined>,
    /// BLAKE3 of the final state: equal for equal input and tier.
    pub digest: String,
    /// The frame and units of this answer.
    pub conventions: Conventions,
}
