//! Scenes whose motion is known: by a formula, or by a reference that has converged.
//!
//! A scene is data: a drawing, a duration, and where its bodies have to be.

use super::FLOOR;

pub(super) const G: f64 = 9.81;

/// Position (user units) and angle (degrees) of a body at a time.
pub(super) type Motion = Box<dyn Fn(f64) -> [f64; 3]>;

/// What is known of a scene.
pub(super) enum Truth {
    /// A formula for each of these bodies.
    Formula(Vec<(&'static str, Motion)>),
    /// The same scene with so many times as many steps at the compute tier.
    Refined(f64),
}

pub(super) struct KnownScene {
    pub(super) name: String,
    pub(super) content: String,
    pub(super) seconds: f64,
    /// Half the size of the bodies, mm: what a degree of angle is worth at their rim.
    pub(super) reach: f64,
    pub(super) truth: Truth,
}

fn scene(
    name: impl Into<String>,
    seconds: f64,
    content: impl Into<String>,
    id: &'static str,
    motion: impl Fn(f64) -> [f64; 3] + 'static,
) -> KnownScene {
    KnownScene {
        name: name.into(),
        content: content.into(),
        seconds,
        reach: 0.0,
        truth: Truth::Formula(vec![(id, Box::new(motion))]),
    }
}

/// A rectangle with physics: `physics` are its attributes, `inside` its children.
pub(super) fn rect(id: &str, [x, y, w, h]: [f64; 4], physics: &str, inside: &str) -> String {
    format!(
        r#"<rect id="{id}" x="{x}" y="{y}" width="{w}" height="{h}"><arx:physics {physics}>{inside}</arx:physics></rect>
"#
    )
}

pub(super) fn circle(id: &str, [x, y, r]: [f64; 3], physics: &str, inside: &str) -> String {
    format!(
        r#"<circle id="{id}" cx="{x}" cy="{y}" r="{r}"><arx:physics {physics}>{inside}</arx:physics></circle>
"#
    )
}

pub(super) fn polygon(id: &str, points: &[[f64; 2]], physics: &str, inside: &str) -> String {
    let points: String = points.iter().map(|[x, y]| format!("{x:.9},{y:.9} ")).collect();
    format!(
        r#"<polygon id="{id}" points="{points}"><arx:physics {physics}>{inside}</arx:physics></polygon>
"#
    )
}

pub(super) fn kg(mass: f64) -> String {
    format!(r#"<mass unit="kg">{mass}</mass>"#)
}

fn push(newtons: f64, more: &str) -> String {
    format!(r#"<forces><force direction="right" magnitude="{newtons}" unit="N" {more}/></forces>"#)
}

/// A floor without friction, its upper edge at y = 5000, 4 km long.
fn ice() -> String {
    rect("ice", [-2e6, 5000.0, 4e6, 500.0], r#"motion="fixed" friction="0""#, "")
}

/// A block of 400 by 200 mm on that floor, its centre at x = 0.
fn on_ice(physics: &str, mass: f64, forces: &str) -> String {
    let physics = format!(r#"friction="0" {physics}"#);
    ice() + &rect("b", [-200.0, 4800.0, 400.0, 200.0], &physics, &(kg(mass) + forces))
}

/// The solution of `a'' = factor * sin(a)` from an angle and a spin, by Runge and Kutta with steps
/// of 20 µs, every 2 ms kept.
pub(super) fn swing(factor: f64, angle: f64, spin: f64, seconds: f64) -> impl Fn(f64) -> f64 {
    let (mut a, mut s) = (angle, spin);
    let h = 2e-5;
    let mut angles = vec![a];
    for i in 1..=(seconds / h).ceil() as usize + 200 {
        let f = |a: f64| factor * f64::sin(a);
        let (k1, l1) = (s, f(a));
        let (k2, l2) = (s + 0.5 * h * l1, f(a + 0.5 * h * k1));
        let (k3, l3) = (s + 0.5 * h * l2, f(a + 0.5 * h * k2));
        let (k4, l4) = (s + h * l3, f(a + h * k3));
        a += h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4);
        s += h / 6.0 * (l1 + 2.0 * l2 + 2.0 * l3 + l4);
        if i % 100 == 0 {
            angles.push(a);
        }
    }
    move |t| {
        let at = (t / 2e-3).max(0.0);
        let i = (at as usize).clamp(1, angles.len() - 3);
        // Through four neighbours: exact enough at this distance.
        let u = at - i as f64;
        let [p, q, r, s] = [angles[i - 1], angles[i], angles[i + 1], angles[i + 2]];
        q + 0.5 * u * (r - p + u * (2.0 * p - 5.0 * q + 4.0 * r - s + u * (3.0 * (q - r) + s - p)))
    }
}

/// A rod (1 m by 20 mm, 2 kg) on a hinge at its lower end, let go at `angle` from upright.
pub(super) fn pivoted_rod(angle: f64, spin: f64, seconds: f64) -> KnownScene {
    let (s, c) = angle.sin_cos();
    let at =
        |along: f64, aside: f64| [5000.0 + along * s + aside * c, 5000.0 - along * c + aside * s];
    let corners = [at(0.0, -10.0), at(1000.0, -10.0), at(1000.0, 10.0), at(0.0, 10.0)];
    let physics = format!(r#"velocity="{},{}" spin="{spin}""#, 0.5 * spin * c, 0.5 * spin * s);
    let hinge = kg(2.0) + r#"<anchor type="hinge" at="5000,5000"/>"#;
    let inertia = (1.0 + 0.02 * 0.02) / 12.0 + 0.25;
    let swing = swing(G * 0.5 / inertia, angle, spin, seconds);
    KnownScene {
        reach: 500.0,
        ..scene(
            format!("rod on a hinge, {angle:.2} rad, {spin} rad/s"),
            seconds,
            polygon("b", &corners, &physics, &hinge),
            "b",
            move |t| {
                let a = swing(t);
                [5000.0 + 500.0 * a.sin(), 5000.0 - 500.0 * a.cos(), (a - angle).to_degrees()]
            },
        )
    }
}

/// A pendulum of a disc (radius 50 mm, 1 kg) 1 m below a hinge at (5000, 1000), let go at `angle`.
fn pendulum(angle: f64, seconds: f64) -> KnownScene {
    let (x, y) = (5000.0 + 1000.0 * angle.sin(), 1000.0 + 1000.0 * angle.cos());
    let hinge = kg(1.0) + r#"<anchor type="hinge" at="5000,1000"/>"#;
    let inertia = 0.5 * 0.05 * 0.05 + 1.0;
    let swing = swing(-G / inertia, angle, 0.0, seconds);
    scene(
        format!("pendulum, {angle} rad"),
        seconds,
        circle("b", [x, y, 50.0], "", &hinge),
        "b",
        move |t| {
            let a = swing(t);
            [
                5000.0 + 1000.0 * a.sin(),
                1000.0 + 1000.0 * a.cos(),
                // y points down: a positive swing to the right turns anticlockwise.
                -(a - angle).to_degrees(),
            ]
        },
    )
}

/// A crate of 20 kg sliding on a ramp of 20 degrees, touching exactly, on a ramp of `shape`.
fn crate_on(shape: &str) -> KnownScene {
    let tilt = 20_f64.to_radians();
    let (c, s) = (tilt.cos(), tilt.sin());
    // Along and out of the slope, from its upper end.
    let at = move |along: f64, out: f64| [200.0 + along * c + out * s, 500.0 + along * s - out * c];
    let (top, foot) = (at(0.0, 0.0), at(6000.0, 0.0));
    let ramp: Vec<[f64; 2]> = match shape {
        "wedge" => vec![top, foot, [top[0], foot[1]]],
        "trapezoid" => vec![top, foot, [foot[0], foot[1] + 500.0], [top[0], foot[1] + 500.0]],
        "parallelogram" => vec![top, foot, [foot[0], foot[1] + 300.0], [top[0], top[1] + 300.0]],
        _ => vec![top, foot, at(6000.0, -300.0), at(0.0, -300.0)],
    };
    let body = [at(1000.0, 0.0), at(1300.0, 0.0), at(1300.0, 200.0), at(1000.0, 200.0)];
    let content = polygon("ramp", &ramp, r#"motion="fixed" friction="0.3""#, "")
        + &polygon("b", &body, r#"friction="0.3""#, &kg(20.0));
    scene(format!("crate on a {shape}"), 1.0, content, "b", move |t| {
        let along = 1150.0 + 500.0 * G * (s - 0.3 * c) * t * t;
        let [x, y] = at(along, 100.0);
        [x, y, 0.0]
    })
}

/// Eight links of 200 mm hinged together, the last one `ratio` times as heavy, given 1 m/s.
fn chain(ratio: f64, swinging: bool) -> KnownScene {
    let mut content = String::new();
    let mut joints = String::new();
    for i in 0..8 {
        let y = 100.0 + 200.0 * f64::from(i);
        let anchor = if i == 0 { r#"<anchor type="hinge" at="1000,100"/>"# } else { "" };
        let last = i == 7;
        let speed = if last && swinging { r#"velocity="1,0""# } else { "" };
        let id = if last { "b".to_owned() } else { format!("l{i}") };
        let mass = kg(if last { ratio } else { 1.0 });
        content += &rect(&id, [990.0, y, 20.0, 200.0], speed, &(mass + anchor));
        if i > 0 {
            joints += &format!(
                r#"<arx:connection from="l{}" to="{id}" type="hinge" at="1000,{y}"/>"#,
                i - 1
            );
        }
    }
    content += &format!(
        r#"<arx:system id="s" type="mechanical"><arx:connections>{joints}</arx:connections></arx:system>"#
    );
    if swinging {
        KnownScene {
            name: format!("swinging chain, 1:{ratio}"),
            content,
            seconds: 1.0,
            reach: 0.0,
            truth: Truth::Refined(16.0),
        }
    } else {
        scene(format!("hanging chain, 1:{ratio}"), 5.0, content, "b", |_| [1000.0, 1600.0, 0.0])
    }
}

/// Boxes of 500 mm on each other on a fixed floor, the uppermost `ratio` times as heavy.
fn stack(n: usize, ratio: f64) -> KnownScene {
    let mut content = FLOOR.to_owned();
    let mut bodies: Vec<(&'static str, Motion)> = Vec::new();
    for i in 0..n {
        let id = ["b0", "b1", "b2", "b3", "b4", "b5"][i];
        let y = 5000.0 - 500.0 * (i + 1) as f64;
        let mass = if i + 1 == n { 10.0 * ratio } else { 10.0 };
        content += &rect(id, [2000.0, y, 500.0, 500.0], "", &kg(mass));
        bodies.push((id, Box::new(move |_| [2250.0, y + 250.0, 0.0])));
    }
    KnownScene {
        name: format!("stack of {n}, 1:{ratio}"),
        content,
        seconds: 3.0,
        reach: 0.0,
        truth: Truth::Formula(bodies),
    }
}

/// A ball (radius 10 mm, 1 kg) at `speed` m/s against a free plate of 50 mm and 20 kg, no rebound;
/// the plate comes the other way at `against` m/s.
fn bullet(speed: f64, against: f64) -> KnownScene {
    let content =
        circle("ball", [500.0, 1000.0, 10.0], &format!(r#"velocity="{speed},0""#), &kg(1.0))
            + &rect(
                "plate",
                [5000.0, 400.0, 50.0, 1200.0],
                &format!(r#"velocity="-{against},0""#),
                &kg(20.0),
            );
    let content = weightless(&content, &[("ball", 1.0), ("plate", 20.0)]);
    let hit = 4.49 / (speed + against);
    let both = (speed - 20.0 * against) / 21.0;
    let ball = move |t: f64| {
        let x = 500.0 + 1000.0 * (speed * t.min(hit) + both * (t - hit).max(0.0));
        [x, 1000.0, 0.0]
    };
    let plate = move |t: f64| {
        let x = 5025.0 + 1000.0 * (-against * t.min(hit) + both * (t - hit).max(0.0));
        [x, 1000.0, 0.0]
    };
    KnownScene {
        name: format!("bullet at {speed} m/s, plate at {against} m/s"),
        content,
        seconds: 2.0 * hit,
        reach: 0.0,
        truth: Truth::Formula(vec![("ball", Box::new(ball)), ("plate", Box::new(plate))]),
    }
}

/// Adds to each body a force that carries its weight.
fn weightless(content: &str, bodies: &[(&str, f64)]) -> String {
    let mut text = content.to_owned();
    for (_, mass) in bodies {
        let weight = mass * G;
        let mass = kg(*mass);
        let lift = format!(
            r#"{mass}<forces><force direction="up" magnitude="{weight}" unit="N"/></forces>"#
        );
        text = text.replace(&mass, &lift);
    }
    text
}

/// A ball (radius 100 mm) dropped by `height` m on a floor, restitution `e`, up to its second landing.
fn drop(height: f64, e: f64) -> KnownScene {
    let physics = format!(r#"restitution="{e}""#);
    let content =
        rect("floor", [0.0, 5000.0, 4000.0, 500.0], &format!(r#"motion="fixed" {physics}"#), "")
            + &circle("b", [2000.0, 4900.0 - 1000.0 * height, 100.0], &physics, &kg(1.0));
    let fall = (2.0 * height / G).sqrt();
    let rise = if e > 0.0 { 1.9 * e * fall } else { 0.5 };
    scene(format!("drop by {height} m, e = {e}"), fall + rise, content, "b", move |t| {
        let y = if t < fall {
            height - 0.5 * G * t * t
        } else {
            (e * G * fall * (t - fall) - 0.5 * G * (t - fall) * (t - fall)).max(0.0)
        };
        [2000.0, 4900.0 - 1000.0 * y, 0.0]
    })
}

/// Every scene.
pub(super) fn all() -> Vec<KnownScene> {
    let mut all = Vec::new();
    let flight = circle("b", [0.0, 0.0, 100.0], r#"velocity="3,-1""#, &kg(2.0));
    all.push(scene("projectile", 2.0, flight, "b", |t| {
        [3000.0 * t, -1000.0 * t + 500.0 * G * t * t, 0.0]
    }));
    let fall = circle("b", [0.0, 0.0, 100.0], "", &kg(2.0));
    all.push(scene("free fall", 3.0, fall, "b", |t| [0.0, 500.0 * G * t * t, 0.0]));
    let spinning = rect("b", [-200.0, -100.0, 400.0, 200.0], r#"spin="7""#, &kg(2.0));
    all.push(KnownScene {
        reach: 224.0,
        ..scene("spinning body", 2.0, spinning, "b", |t| {
            [0.0, 500.0 * G * t * t, (7.0 * t).to_degrees()]
        })
    });
    for (newtons, mass) in [(2.0, 1000.0), (1e-3, 1000.0), (1e-6, 1000.0)] {
        let content = on_ice("", mass, &push(newtons, ""));
        all.push(scene(
            format!("push of {newtons} N on {mass} kg"),
            20.0,
            content,
            "b",
            move |t| [500.0 * newtons / mass * t * t, 4900.0, 0.0],
        ));
    }
    let ramp = push(4.0, r#"profile="ramp" start="1" duration="4""#);
    all.push(scene("ramped force", 8.0, on_ice("", 100.0, &ramp), "b", |t| {
        let rising = (t - 1.0).clamp(0.0, 4.0);
        let after = (t - 5.0).max(0.0);
        // Acceleration 0.01 t, then 0.04 m/s².
        let x = 0.01 * rising.powi(3) / 6.0 + 0.08 * after + 0.02 * after * after;
        [1000.0 * x, 4900.0, 0.0]
    }));
    for speed in [0.01, 5.0, 15.0, 30.0, 100.0, 200.0] {
        let content = on_ice(&format!(r#"velocity="{}mm/s,0""#, speed), 10.0, "");
        all.push(scene(format!("slide at {speed} mm/s"), 10.0, content, "b", move |t| {
            [speed * t, 4900.0, 0.0]
        }));
    }
    for spin in [0.2, 0.002] {
        let anchor = kg(5.0) + r#"<anchor type="hinge"/>"#;
        let wheel = circle("b", [1000.0, 1000.0, 300.0], &format!(r#"spin="{spin}""#), &anchor);
        all.push(KnownScene {
            reach: 300.0,
            ..scene(format!("wheel at {spin} rad/s"), 10.0, wheel, "b", move |t| {
                [1000.0, 1000.0, (spin * t).to_degrees()]
            })
        });
    }
    for (angle, seconds) in [(1e-5, 10.0), (1e-3, 10.0), (0.05, 10.0), (1.5, 6.0), (2.8, 6.0)] {
        all.push(pendulum(angle, seconds));
    }
    for shape in ["wedge", "trapezoid", "parallelogram", "rectangle"] {
        all.push(crate_on(shape));
    }
    for (speed, against) in [(40.0, 0.0), (40.0, 40.0), (400.0, 0.0), (7.0, 0.0)] {
        all.push(bullet(speed, against));
    }
    let slab = rect("slab", [0.0, 5000.0, 2000.0, 10.0], r#"motion="fixed""#, "")
        + &circle("b", [1000.0, 500.0, 10.0], "", &kg(1.0));
    all.push(scene("bullet on a thin floor", 3.0, slab, "b", |t| {
        [1000.0, (500.0 + 500.0 * G * t * t).min(4990.0), 0.0]
    }));
    for (height, e) in [(2.0, 0.8), (1.0, 1.0), (0.37, 0.5), (1.3, 0.0)] {
        all.push(drop(height, e));
    }
    let stop = rect("floor", [-1e4, 5000.0, 2e4, 500.0], r#"motion="fixed" friction="0.3""#, "")
        + &rect("b", [-200.0, 4900.0, 400.0, 100.0], r#"velocity="2,0" friction="0.3""#, &kg(2.0));
    all.push(scene("friction stop", 1.5, stop, "b", |t| {
        let u = t.min(2.0 / (0.3 * G));
        [1000.0 * (2.0 * u - 0.15 * G * u * u), 4950.0, 0.0]
    }));
    for (n, ratio) in [(1, 1.0), (2, 1.0), (5, 1.0), (2, 10.0), (2, 100.0), (3, 1000.0)] {
        all.push(stack(n, ratio));
    }
    for ratio in [1.0, 10.0, 100.0, 1000.0] {
        all.push(chain(ratio, false));
        all.push(chain(ratio, true));
    }
    all.extend(super::impacts::all());
    all
}
