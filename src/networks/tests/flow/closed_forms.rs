//! Friction and ducts against closed forms.

use crate::near;
use svgx_networks::flow::{Curve, Law, colebrook, duct, friction, swamee_jain};

#[test]
fn friction_factors_are_those_of_colebrook_to_the_last_digits() {
    // Reynolds number, relative roughness, Colebrook by Newton, Swamee and Jain.
    for (re, rough, exact, explicit) in [
        (4e3, 0.0, 0.039_907_014_055_6, 0.040_551_491),
        (1e5, 0.0, 0.017_989_773_084_3, 0.017_862_578),
        (1e8, 0.0, 0.005_940_466_351_64, 0.006_025_894_6),
        (1e6, 1e-6, 0.011_668_155_513_5, 0.011_632_059),
        (1e7, 1e-5, 0.008_995_711_744_83, 0.009_058_546_4),
        (1e4, 1e-4, 0.031_037_212_201, 0.031_148_7),
        (1e5, 1e-3, 0.022_174_535_944_5, 0.022_342_412),
        (1e8, 1e-3, 0.019_638_632_837_4, 0.019_641_868),
        (1e6, 1e-2, 0.037_964_741_876_2, 0.038_011_875),
        (4e3, 5e-2, 0.076_986_834_889_2, 0.079_382_703),
        (1e8, 5e-2, 0.071_550_904_091_1, 0.071_551_564),
    ] {
        near("Colebrook", colebrook(re, rough).factor, exact, 1e-11);
        near("Swamee-Jain", swamee_jain(re, rough).factor, explicit, 1e-7);
    }
    near("laminar", friction(Law::Colebrook, 1000.0, 0.01).factor, 0.064, 1e-14);
}

#[test]
fn ducts_and_openings_have_their_closed_forms() {
    for (a, b, wanted) in [
        (300.0, 200.0, 266.4068),
        (500.0, 250.0, 380.8437),
        (1000.0, 250.0, 516.926),
        (600.0, 600.0, 655.8992),
    ] {
        near("equivalent diameter", duct::equivalent_diameter(a, b), wanted, 1e-6);
    }
    near("stack", duct::stack_pressure(10.0, 20.0, 0.0, 101_325.0), 8.645_917, 1e-6);
    near("orifice", duct::orifice(0.6, 0.01, 10.0, 1.204), 0.024_454_174, 1e-7);
    near("against", duct::orifice(0.6, 0.01, -10.0, 1.204), -0.024_454_174, 1e-7);
    near("velocity", duct::velocity_pressure(8.0, 1.204), 38.528, 1e-12);
}

#[test]
fn curves_pass_their_points_and_follow_the_speed() {
    let curve = Curve::through_points(420.0, (0.7, 380.0), (1.4, 210.0)).unwrap();
    near("exponent", curve.exponent, 2.392_317_422_78, 1e-10);
    near("slope", curve.slope, 93.893_309_915_2, 1e-10);
    let half = curve.at_speed(0.5);
    near("most", half.most(), 0.5 * curve.most(), 1e-12);
    near("head", half.shut_off, 105.0, 1e-12);
    near("one point", Curve::through_point(0.01, 15.0).most(), 0.02, 1e-12);
    assert_eq!(Curve::through_points(10.0, (1.0, 11.0), (2.0, 4.0)), None);
}
