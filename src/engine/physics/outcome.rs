//! What a simulation answers, at its end or before.

use std::sync::Arc;

use super::answer::{
    Contact, Conventions, Energy, ErrorEstimate, Event, ForceVector, Outcome, Quarantined,
    SimulationEnd, Statistics,
};
use super::simulation::Simulation;
use super::state::QuarantineReason;
use super::tier::Settings;

const PROPAGATED: &str = "the leading error of every step and bounce, from the velocities that came \
                          out, carried along with each body; and how far supports and joints have given way";
const BOTH: &str = "the larger of two: the leading error of every step and bounce, from the \
                    velocities that came out, carried along with each body, with how far supports \
                    and joints have given way; and step doubling";
const DOUBLING: &str = "step doubling: the largest distance between the positions found with the \
                        step used and with twice that step, at the ends of frames";
const UNMEASURED: &str = "not measured: error_estimate was none";

impl Simulation {
    /// The answer as things stand; `ended` says why it stands before the end.
    pub fn outcome(&self, ended: Option<SimulationEnd>) -> Outcome {
        let (bodies, late) = (&self.model.bodies, self.late());
        let mut elements = Vec::with_capacity(bodies.len());
        let mut energy = Energy::default();
        for (i, (body, name)) in bodies.iter().zip(&self.names).enumerate() {
            let Some(now) = self.kinematics(i, late) else { continue };
            elements.push(now.element(name, self.model.scale));
            if !body.fixed {
                energy.kinetic += now.kinetic(body.mass, body.inertia);
                energy.potential -= body.mass * self.options.gravity * now.place.y;
            }
        }
        energy.total = energy.kinetic + energy.potential;
        let step = self.state.main.last_span;
        let contacts = self.state.main.contacts().map(|(a, b, impulse)| Contact {
            a: self.name(a as u32),
            b: self.name(b as u32),
            force: ForceVector::new(impulse.x / step, impulse.y / step),
        });
        let quarantined =
            self.state.quarantined.iter().map(|&(other, body, reason, depth, time)| Quarantined {
                element_id: self.name(body).to_string(),
                other: other.map(|o| self.name(o).to_string()),
                reason: reason.text().to_owned(),
                depth_mm: matches!(reason, QuarantineReason::Overlap).then_some(depth * 1e3),
                time,
            });
        let left_out = self.model.quarantined.iter().map(|(id, reason)| Quarantined {
            element_id: id.clone(),
            other: None,
            reason: (*reason).to_owned(),
            depth_mm: None,
            time: 0.0,
        });
        let passed = self.state.main.crossed.pairs();
        let passed = passed.into_iter().map(|((a, b), time)| Quarantined {
            element_id: self.name(a).to_string(),
            other: Some(self.name(b).to_string()),
            reason: "the lines passed through each other: the contacts could not hold them apart"
                .to_owned(),
            depth_mm: None,
            time,
        });
        let (metres, method) = match (&self.state.propagated, &self.state.twin) {
            (Some(propagated), None) => (Some(propagated.worst(&self.state.main)), PROPAGATED),
            (Some(propagated), Some(_)) => {
                let worst = propagated.worst(&self.state.main);
                (Some(worst.max(self.state.twin_distance)), BOTH)
            }
            (None, Some(_)) => (Some(self.state.twin_distance), DOUBLING),
            (None, None) => (None, UNMEASURED),
        };
        let millimetres = metres.map(|m| m * 1e3);
        Outcome {
            tier: self.tier,
            duration: self.options.duration,
            simulated: self.time(),
            partial: ended.is_some(),
            ended,
            error: ErrorEstimate {
                millimetres,
                method,
                within_tier: millimetres.map(|e| e <= self.tier.millimetres()),
            },
            statistics: Statistics {
                total_frames: self.state.frames,
                collision_count: self.state.collisions,
                steps: self.state.main.steps,
                step: self.grid.step,
                iterations: Settings::of(self.tier).iterations,
                bodies: bodies.len(),
                movable: bodies.iter().filter(|b| !b.fixed).count(),
                awake: self.state.main.awake().count(),
                body_steps: self.state.body_steps,
            },
            energy,
            elements,
            contacts: contacts.collect(),
            events: self
                .state
                .events
                .iter()
                .map(|&(time, began, (a, b))| Event {
                    time,
                    kind: if began { "began" } else { "ended" },
                    a: self.name(a),
                    b: self.name(b),
                })
                .collect(),
            quarantined: quarantined.chain(left_out).chain(passed).collect(),
            digest: self.digest(),
            conventions: Conventions::new(self.options.gravity, self.model.scale),
        }
    }

    fn name(&self, body: u32) -> Arc<str> {
        self.names.get(body as usize).map_or_else(|| Arc::from("building"), Arc::clone)
    }

    fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for i in 0..self.model.bodies.len() {
            let Some(rigid) = self.rigid(i) else { continue };
            let (p, v, r) = (rigid.translation(), rigid.linvel(), rigid.rotation());
            for x in [p.x, p.y, r.cos(), r.sin(), v.x, v.y, rigid.angvel()] {
                hasher.update(&x.to_bits().to_le_bytes());
            }
        }
        hasher.finalize().to_hex().to_string()
    }
}
