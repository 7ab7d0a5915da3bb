//! Bodies and joints of a model as the rigid-body engine takes them.

use rapier2d_f64::dynamics::{
    FixedJointBuilder, GenericJoint, GenericJointBuilder, JointAxesMask, PrismaticJointBuilder,
    RevoluteJointBuilder, RigidBodyBuilder, RigidBodyHandle, RopeJointBuilder,
};
use rapier2d_f64::geometry::ColliderBuilder;
use rapier2d_f64::math::{Pose, Vector, rotation_from_angle};
use rapier2d_f64::pipeline::{ActiveEvents, ActiveHooks, PhysicsWorld};
use rapier2d_f64::prelude::MassProperties;

use super::continuous::{Extent, is_line};
use super::model::{Body, Joint, JointKind, Model, Profile};
use super::outline::Part;

/// The size of every body for continuous detection, by number.
pub(super) fn extents(physics: &PhysicsWorld, handles: &[RigidBodyHandle]) -> Vec<Extent> {
    // A contact is made this far ahead: what comes no nearer in a step cannot pass.
    let ahead = physics.integration_parameters.prediction_distance() / 2.0;
    let extent = |&handle: &RigidBodyHandle| {
        let mut extent = Extent { thickness: f64::INFINITY, reach: 0.0 };
        let Some(body) = physics.bodies.get(handle) else { return extent };
        for collider in body.colliders().iter().filter_map(|&c| physics.colliders.get(c)) {
            let shape = collider.shape();
            // Two lines pass by as little as a contact gives way: they are looked at sooner.
            let least = if is_line(shape) { 2.0 * collider.contact_skin() } else { ahead };
            extent.thickness = extent.thickness.min(shape.ccd_thickness().max(least));
            let about = collider.position_wrt_parent().copied().unwrap_or_default();
            let sphere = shape.compute_local_bounding_sphere();
            let centre = about.transform_point(sphere.center());
            extent.reach = extent.reach.max(centre.length() + sphere.radius());
        }
        extent
    };
    handles.iter().map(extent).collect()
}

pub(super) fn insert(
    physics: &mut PhysicsWorld,
    number: usize,
    body: &Body,
    collisions: bool,
    hooked: bool,
    extra_iterations: usize,
    skin: f64,
) -> RigidBodyHandle {
    let rigid = if body.fixed {
        RigidBodyBuilder::fixed()
    } else {
        let mass = MassProperties::new(Vector::ZERO, body.mass, body.inertia);
        RigidBodyBuilder::dynamic()
            .additional_mass_properties(mass)
            .linvel(body.velocity)
            .angvel(body.spin)
            .allow_fast_rotation(true)
            .additional_solver_iterations(extra_iterations)
    };
    let rigid = rigid.translation(body.centre).user_data(number as u128);
    let handle = physics.insert_body(rigid);
    if !body.fixed && body.forces.iter().all(|f| f.at == Vector::ZERO) {
        let constant = body.forces.iter().filter(|f| f.profile == Profile::Constant);
        let force = constant.fold(Vector::ZERO, |a, f| a + f.vector);
        if force != Vector::ZERO
            && let Some(rigid) = physics.bodies.get_mut(handle)
        {
            rigid.add_force(force, true);
        }
    }
    if collisions {
        for part in &body.shape.parts {
            let Some((pose, shape)) = part.shared() else { continue };
            let hooks =
                if hooked { ActiveHooks::FILTER_CONTACT_PAIRS } else { ActiveHooks::empty() };
            let events =
                if body.fixed { ActiveEvents::empty() } else { ActiveEvents::COLLISION_EVENTS };
            // Two lines that touch have no depth that would tell the sides apart.
            let skin = if matches!(part, Part::Line(_)) { skin } else { 0.0 };
            let collider = ColliderBuilder::new(shape)
                .contact_skin(skin)
                .position(pose)
                .density(0.0)
                .friction(body.friction)
                .active_events(events)
                .active_hooks(hooks)
                .user_data(number as u128);
            physics.insert_collider(collider, Some(handle));
        }
    }
    handle
}

pub(super) fn insert_joint(
    physics: &mut PhysicsWorld,
    model: &Model,
    joint: &Joint,
    handles: &[RigidBodyHandle],
    building: RigidBodyHandle,
) {
    let (Some(body), Some(&handle)) = (model.bodies.get(joint.body), handles.get(joint.body))
    else {
        return;
    };
    let other = joint.other.and_then(|o| model.bodies.get(o).zip(handles.get(o)));
    let (other_centre, other_handle) =
        other.map_or((Vector::ZERO, building), |(b, &h)| (b.centre, h));
    if body.fixed && other.is_none_or(|(b, _)| b.fixed) {
        return;
    }
    // The frame of a roller or slider turns with the other side.
    let there = joint.at - other_centre;
    let here = joint.at - body.centre;
    let along = |axis: Vector, at: Vector| {
        Pose::from_parts(at, rotation_from_angle(libm::atan2(axis.y, axis.x)))
    };
    let data: GenericJoint = match joint.kind {
        JointKind::Fixed => {
            FixedJointBuilder::new().local_anchor1(there).local_anchor2(here).build().into()
        }
        JointKind::Hinge => RevoluteJointBuilder::new()
            .local_anchor1(there)
            .local_anchor2(here)
            .contacts_enabled(false)
            .build()
            .into(),
        JointKind::Roller { normal } => {
            let axis = Vector::new(normal.y, -normal.x);
            GenericJointBuilder::new(JointAxesMask::LOCKED_PIN_SLOT_AXES)
                .local_frame1(along(axis, there))
                .local_frame2(along(axis, here))
                .contacts_enabled(false)
                .build()
        }
        JointKind::Slider { axis } => {
            let mut slider: GenericJoint = PrismaticJointBuilder::new(axis).build().into();
            slider.set_local_frame1(along(axis, there)).set_local_frame2(along(axis, here));
            slider.set_contacts_enabled(false);
            slider
        }
        JointKind::Rope { to, length } => RopeJointBuilder::new(length)
            .local_anchor1(to - other_centre)
            .local_anchor2(here)
            .build()
            .into(),
    };
    physics.impulse_joints.insert(other_handle, handle, data, true);
}
