//! What has a closed form is compared with it. Millimetres; vertices are whole micrometres, so that lengths
//! are within two of them.

use svgx_shapes::{
    Carrier, Edge, Error, Join, Outline, chamfer, fillet, offset, roundings, tangents,
};

use crate::support::{arcs, assert_at, at, near, outline, point, polygon, rectangle};

#[expect(clippy::approx_constant, reason = "as they are published, to nine decimals")]
/// Angle of the corner, radius; length of the tangents, distance of the centre from the corner, length of
/// the arc, area that is gone.
const FILLETS: [(f64, f64, f64, f64, f64, f64); 24] = [
    (30.0, 1.0, 3.732_050_808, 3.863_703_305, 2.617_993_878, 2.423_053_869),
    (30.0, 2.5, 9.330_127_019, 9.659_258_263, 6.544_984_695, 15.144_086_679),
    (30.0, 10.0, 37.320_508_076, 38.637_033_052, 26.179_938_78, 242.305_386_857),
    (30.0, 250.0, 933.012_701_892, 965.925_826_289, 654.498_469_498, 151_440.866_785_821),
    (45.0, 1.0, 2.414_213_562, 2.613_125_93, 2.356_194_49, 1.236_116_317),
    (45.0, 2.5, 6.035_533_906, 6.532_814_824, 5.890_486_225, 7.725_726_983),
    (45.0, 10.0, 24.142_135_624, 26.131_259_298, 23.561_944_902, 123.611_631_728),
    (45.0, 250.0, 603.553_390_593, 653.281_482_438, 589.048_622_548, 77_257.269_829_808),
    (60.0, 1.0, 1.732_050_808, 2.0, 2.094_395_102, 0.684_853_256),
    (60.0, 2.5, 4.330_127_019, 5.0, 5.235_987_756, 4.280_332_852),
    (60.0, 10.0, 17.320_508_076, 20.0, 20.943_951_024, 68.485_325_637),
    (60.0, 250.0, 433.012_701_892, 500.0, 523.598_775_598, 42_803.328_523_267),
    (90.0, 1.0, 1.0, 1.414_213_562, 1.570_796_327, 0.214_601_837),
    (90.0, 2.5, 2.5, 3.535_533_906, 3.926_990_817, 1.341_261_479),
    (90.0, 10.0, 10.0, 14.142_135_624, 15.707_963_268, 21.460_183_66),
    (90.0, 250.0, 250.0, 353.553_390_593, 392.699_081_699, 13_412.614_787_659),
    (120.0, 1.0, 0.577_350_269, 1.154_700_538, 1.047_197_551, 0.053_751_494),
    (120.0, 2.5, 1.443_375_673, 2.886_751_346, 2.617_993_878, 0.335_946_835),
    (120.0, 10.0, 5.773_502_692, 11.547_005_384, 10.471_975_512, 5.375_149_359),
    (120.0, 250.0, 144.337_567_297, 288.675_134_595, 261.799_387_799, 3_359.468_349_458),
    (150.0, 1.0, 0.267_949_192, 1.035_276_18, 0.523_598_776, 0.006_149_805),
    (150.0, 2.5, 0.669_872_981, 2.588_190_451, 1.308_996_939, 0.038_436_279),
    (150.0, 10.0, 2.679_491_924, 10.352_761_804, 5.235_987_756, 0.614_980_463),
    (150.0, 250.0, 66.987_298_108, 258.819_045_103, 130.899_693_9, 384.362_789_498),
];

/// A corner at the origin between the x axis and an angle, with arms that are long enough, closed behind.
fn corner(degrees: f64, arm: f64) -> Outline {
    let angle = degrees.to_radians();
    polygon(&[(arm, 0.0), (arm * angle.cos(), arm * angle.sin()), (0.0, 0.0)])
}

#[test]
fn a_fillet_between_lines_is_where_trigonometry_has_it() {
    for (degrees, radius, tangent, centre, arc, removed) in FILLETS {
        let arm = (3.0 * tangent).max(10.0);
        let before = corner(degrees, arm);
        let rounded = fillet(&before, 2, radius * 1e3).unwrap().value;
        let [(middle, r, sweep)] = arcs(&rounded)[..] else { panic!("{degrees} {radius}") };
        let end = rounded.vertices()[2].at.vector().length() / 1e3;
        let case = format!("{degrees} degrees, radius {radius}");
        assert!(near(end, tangent, 0.002), "{case}: tangent {end}");
        assert!(near(middle.length() / 1e3, centre, 0.006), "{case}: centre {middle:?}");
        assert!(near(r / 1e3, radius, 0.006), "{case}: radius {r}");
        assert!(near(r * sweep.abs() / 1e3, arc, 0.004), "{case}: arc");
        let gone = (before.area() - rounded.area()) / 1e6;
        // Half a micrometre across each arm.
        assert!(near(gone, removed, 0.001 * arm), "{case}: removed {gone}");
    }
}

#[test]
fn a_fillet_between_a_line_and_a_circle_touches_both_or_is_none() {
    let line = Carrier::Line { through: at(0.0, 0.0), along: at(0.001, 0.0) };
    let circle = |y, radius: f64| Carrier::Circle { centre: at(0.0, y), radius: radius * 1e3 };
    // The gap of 30 is wider than the arc.
    assert_eq!(roundings(&line, &circle(50.0, 20.0), 10e3), []);
    for (height, large, radius, centre, on_circle) in [
        (30.0, 20.0, 10.0, 22.360_679_775, (14.907_119_85, 16.666_666_667)),
        (100.0, 60.0, 25.0, 40.0, (28.235_294_118, 47.058_823_529)),
    ] {
        let found = roundings(&line, &circle(height, large), radius * 1e3);
        let right = found
            .iter()
            .filter(|r| r.centre.x > 0.0 && near(r.centre.y, radius * 1e3, 1.0))
            .find(|r| near(r.centre.x / 1e3, centre, 1e-6))
            .unwrap_or_else(|| panic!("{found:?}"));
        assert_at(right.first, centre, 0.0);
        assert_at(right.second, on_circle.0, on_circle.1);
    }
}

#[test]
fn a_chamfer_cuts_off_a_triangle() {
    for (degrees, one, two, edge, removed) in [
        (60.0, 10.0, 10.0, 10.0, 43.301_270_189),
        (90.0, 10.0, 10.0, 14.142_135_624, 50.0),
        (135.0, 10.0, 10.0, 18.477_590_65, 35.355_339_059),
        (60.0, 5.0, 20.0, 18.027_756_377, 43.301_270_189),
        (90.0, 5.0, 20.0, 20.615_528_128, 50.0),
        (135.0, 5.0, 20.0, 23.799_608_321, 35.355_339_059),
    ] {
        let before = corner(degrees, 200.0);
        let cut = chamfer(&before, 2, one * 1e3, two * 1e3).unwrap().value;
        assert!(near(cut.edge(2).unwrap().length() / 1e3, edge, 0.002), "{degrees} {one} {two}");
        let gone = (before.area() - cut.area()) / 1e6;
        assert!(near(gone, removed, 0.03), "{degrees} {one} {two}: {gone}");
    }
}

#[test]
fn parallels_of_rectangles_and_slots_have_their_area() {
    let rectangles = [
        ((120.0, 40.0), 10.0, 8_314.159_265_359, 382.831_853_072),
        ((120.0, 40.0), -10.0, 2_000.0, 240.0),
        ((120.0, 40.0), 19.999, 12_456.191_400_871, 445.657_422_958),
        ((120.0, 40.0), -19.999, 0.160_004, 160.008),
        ((120.0, 40.0), 20.0, 12_456.637_061_436, 445.663_706_144),
        ((120.0, 40.0), -20.0, 0.0, 0.0),
        ((120.0, 40.0), 30.0, 17_227.433_388_231, 508.495_559_215),
        ((120.0, 40.0), -30.0, 0.0, 0.0),
        ((6000.0, 3000.0), 115.0, 20_111_547.562_843_725, 18_722.566_310_326),
        ((6000.0, 3000.0), -115.0, 15_982_900.0, 17_080.0),
    ];
    for ((width, height), distance, area, perimeter) in rectangles {
        let shape = rectangle(0.0, 0.0, width, height);
        for shape in [shape.reversed(), shape] {
            let found = offset(&shape, distance * 1e3, Join::Round).unwrap().value;
            assert_eq!(found.len(), usize::from(area > 0.0), "{width} {height} {distance}");
            let total: f64 = found.iter().map(Outline::area).sum::<f64>() / 1e6;
            let length: f64 = found.iter().map(Outline::length).sum::<f64>() / 1e3;
            assert!(near(total, area, perimeter * 0.001), "{width} {distance}: {total}");
            assert!(near(length, perimeter, 0.02), "{width} {distance}: {length}");
        }
    }
    let slot =
        outline(&[(0.0, -8.0, 0.0), (40.0, -8.0, 1.0), (40.0, 8.0, 0.0), (0.0, 8.0, 1.0)], true);
    for (distance, area) in [(3.0, 1_260.132_711_084), (-7.999, 0.080_003_142), (-8.0, 0.0)] {
        let found = offset(&slot, distance * 1e3, Join::Round).unwrap().value;
        let total: f64 = found.iter().map(Outline::area).sum::<f64>() / 1e6;
        assert!(near(total, area, 0.2_f64.min(0.01 + area * 0.01)), "{distance}: {total}");
    }
}

#[test]
fn a_bulge_is_a_radius_a_sweep_and_a_sagitta() {
    for (bulge, radius, degrees, sagitta) in [
        (1.0, 50.0, 180.0, 50.0),
        (-1.0, 50.0, -180.0, 50.0),
        (0.5, 62.5, 106.260_204_708, 25.0),
        (0.414_213_562, 70.710_678_119, 90.0, 20.710_678_119),
        (2.0, 62.5, 253.739_795_292, 100.0),
        (-0.25, 106.25, -56.144_973_872, 12.5),
    ] {
        let edge = Edge::new(point(0.0, 0.0), point(100.0, 0.0), bulge);
        let Edge::Arc { radius: r, sweep, .. } = edge else { panic!("{bulge}") };
        assert!(near(r / 1e3, radius, 1e-6), "{bulge}: {r}");
        assert!(near(sweep.to_degrees(), degrees, 1e-6), "{bulge}: {sweep}");
        // Counter-clockwise from left to right passes below.
        let deep = -edge.at(0.5).y / 1e3 * bulge.signum();
        assert!(near(deep, sagitta, 1e-6), "{bulge}: {deep}");
        assert!(near(edge.bulge(), bulge, 1e-9), "{bulge}");
    }
}

#[test]
fn tangents_touch_where_the_radius_stands_upright_on_them() {
    let found = tangents(at(50.0, 0.0), at(0.0, 0.0), 20e3);
    assert_at(found[0], 8.0, 18.330_302_78);
    assert_at(found[1], 8.0, -18.330_302_78);
    assert!(near((found[0] - at(50.0, 0.0)).length() / 1e3, 45.825_756_95, 1e-6));
    let found = tangents(at(100.0, 0.0), at(0.0, 0.0), 60e3);
    assert_at(found[0], 36.0, 48.0);
    assert_at(found[1], 36.0, -48.0);
    assert_eq!(tangents(at(20.0, 0.0), at(0.0, 0.0), 20e3), [at(20.0, 0.0)]);
    assert_eq!(tangents(at(10.0, 0.0), at(0.0, 0.0), 20e3), []);
}

#[test]
fn circles_that_touch_meet_in_one_point() {
    let circle = |x| Carrier::Circle { centre: at(x, 0.0), radius: 20e3 };
    for (apart, places) in [
        (30.0, vec![(15.0, 13.228_756_555), (15.0, -13.228_756_555)]),
        (40.0, vec![(20.0, 0.0)]),
        (40.001, vec![]),
        (39.999_999_5, vec![(19.999_999_75, 0.0)]),
        (5.0, vec![(2.5, 19.843_134_833), (2.5, -19.843_134_833)]),
        (0.0, vec![]),
    ] {
        let found = circle(0.0).meet(&circle(apart));
        assert_eq!(found.len(), places.len(), "{apart}: {found:?}");
        for (found, (x, y)) in found.into_iter().zip(places) {
            assert_at(found, x, y);
        }
    }
}

#[test]
fn what_does_not_fit_is_refused_with_what_would() {
    let shape = rectangle(0.0, 0.0, 100.0, 25.0);
    let error = fillet(&shape, 1, 40e3).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the radius 40 mm does not fit at vertex 1: the shorter side is 25 mm, and at most 25 mm fit"
    );
    assert!(fillet(&shape, 1, 25e3).is_ok());
    let error = chamfer(&shape, 1, 10e3, 26e3).unwrap_err();
    assert!(matches!(error, Error::DoesNotFit { what: "length", .. }), "{error}");
    let error = fillet(&shape, 4, 1e3).unwrap_err();
    assert_eq!(error.to_string(), "there is no corner 4; they are 0 to 3");
    let straight = polygon(&[(0.0, 0.0), (10.0, 0.0), (20.0, 0.0), (20.0, 5.0)]);
    assert_eq!(fillet(&straight, 1, 1e3).unwrap_err(), Error::Smooth { corner: 1 });
    for bad in [f64::NAN, f64::INFINITY, 0.0, -5.0] {
        assert!(matches!(fillet(&shape, 1, bad), Err(Error::BadLength { .. })), "{bad}");
    }
}
