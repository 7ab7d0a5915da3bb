//! Scenes with impacts, friction and turning whose motion has a formula, or converges.

use super::scenes::{G, KnownScene, Motion, Truth, circle, kg, pivoted_rod, polygon, rect, swing};

/// Restitution and friction of both sides.
fn surface(e: f64, mu: f64) -> String {
    format!(r#"restitution="{e}" friction="{mu}""#)
}

fn floor(e: f64, mu: f64) -> String {
    rect("floor", [-2e4, 5000.0, 6e4, 500.0], &format!(r#"motion="fixed" {}"#, surface(e, mu)), "")
}

fn known(
    name: String,
    content: String,
    seconds: f64,
    reach: f64,
    bodies: Vec<(&'static str, Motion)>,
) -> KnownScene {
    KnownScene { name, content, seconds, reach, truth: Truth::Formula(bodies) }
}

/// A box dropped flat: it rises without turning.
fn flat_drop([width, height]: [f64; 2], e: f64, drop: f64) -> KnownScene {
    let at = [-width / 2.0, 5000.0 - 1000.0 * drop - height, width, height];
    let content = floor(e, 0.0) + &rect("b", at, &surface(e, 0.0), &kg(1.0));
    let fall = (2.0 * drop / G).sqrt();
    let motion = move |t: f64| {
        let late = t - fall;
        let y = if late < 0.0 {
            drop - 0.5 * G * t * t
        } else {
            (e * G * fall * late - 0.5 * G * late * late).max(0.0)
        };
        [0.0, 5000.0 - 0.5 * height - 1000.0 * y, 0.0]
    };
    let name = format!("box of {width} x {height} dropped flat by {drop} m, e = {e}");
    let seconds = fall * (1.0 + 1.9 * e);
    known(name, content, seconds, width / 2.0, vec![("b", Box::new(motion))])
}

/// Two plates of 100 mm by 1 m, face to face in the air.
fn plates([m, n]: [f64; 2], [v, w]: [f64; 2], e: f64) -> KnownScene {
    let plate = |id: &str, x: f64, mass: f64, speed: f64| {
        let lift = format!(
            r#"<forces><force direction="up" magnitude="{}" unit="N"/></forces>"#,
            mass * G
        );
        let physics = format!(r#"{} velocity="{speed},0""#, surface(e, 0.0));
        rect(id, [x, 1000.0, 100.0, 1000.0], &physics, &(kg(mass) + &lift))
    };
    let content = plate("p", -100.0, m, v) + &plate("q", 1000.0, n, w);
    let met = 1.0 / (v - w);
    let centre = (m * v + n * w) / (m + n);
    let after = [centre - e * n * (v - w) / (m + n), centre + e * m * (v - w) / (m + n)];
    let motion = |from: f64, before: f64, after: f64| -> Motion {
        Box::new(move |t| {
            let x = before * t.min(met) + after * (t - met).max(0.0);
            [from + 1000.0 * x, 1500.0, 0.0]
        })
    };
    let bodies = vec![("p", motion(-50.0, v, after[0])), ("q", motion(1050.0, w, after[1]))];
    known(format!("plates of {m} and {n} kg, e = {e}"), content, 2.2 * met, 500.0, bodies)
}

/// A ball (100 mm) that lands with a speed along the floor: Coulomb's friction turns it.
fn skidding_bounce(mu: f64, e: f64, drop: f64, speed: f64) -> KnownScene {
    let physics = format!(r#"{} velocity="{speed},0""#, surface(e, mu));
    let at = [0.0, 4900.0 - 1000.0 * drop, 100.0];
    let content = floor(e, mu) + &circle("b", at, &physics, &kg(1.0));
    let fall = (2.0 * drop / G).sqrt();
    // What friction takes of the speed: all that it can, or until the ball rolls.
    let lost = (mu * (1.0 + e) * G * fall).min(speed / 3.0);
    let motion = move |t: f64| {
        let late = (t - fall).max(0.0);
        let y = if late > 0.0 {
            e * G * fall * late - 0.5 * G * late * late
        } else {
            drop - 0.5 * G * t * t
        };
        let x = speed * t.min(fall) + (speed - lost) * late;
        [1000.0 * x, 4900.0 - 1000.0 * y, (lost / 0.05 * late).to_degrees()]
    };
    let name = format!("skidding bounce, friction {mu}, e = {e}");
    let seconds = fall * (1.0 + 1.9 * e);
    known(name, content, seconds, 100.0, vec![("b", Box::new(motion))])
}

/// A block that slides against a stop, bounces off, and comes to rest.
fn slide_to_a_stop(e: f64) -> KnownScene {
    let (mu, speed, way) = (0.2, 3.0_f64, 1.0);
    let wall = format!(r#"motion="fixed" {}"#, surface(e, 0.0));
    let physics = format!(r#"{} velocity="{speed},0""#, surface(e, mu));
    let content = floor(e, mu)
        + &rect("stop", [1200.0, 3000.0, 500.0, 2000.0], &wall, "")
        + &rect("b", [-200.0, 4900.0, 400.0, 100.0], &physics, &kg(3.0));
    let brake = mu * G;
    let hit = (speed - (speed * speed - 2.0 * brake * way).sqrt()) / brake;
    let back = e * (speed - brake * hit);
    let motion = move |t: f64| {
        let u = (t - hit).clamp(0.0, back / brake);
        let there = t.min(hit);
        let x = speed * there - 0.5 * brake * there * there - back * u + 0.5 * brake * u * u;
        [1000.0 * x, 4950.0, 0.0]
    };
    known(format!("slide to a stop, e = {e}"), content, 2.0, 0.0, vec![("b", Box::new(motion))])
}

/// A point of a slope of `tilt` degrees: along it and out of it, mm.
fn on_slope(tilt: f64) -> impl Fn(f64, f64) -> [f64; 2] + Copy {
    let (s, c) = tilt.to_radians().sin_cos();
    move |along, out| [1000.0 + along * c + out * s, 2000.0 + along * s - out * c]
}

fn slope(tilt: f64, e: f64, mu: f64) -> String {
    let at = on_slope(tilt);
    let corners = [at(-3000.0, 0.0), at(9000.0, 0.0), at(9000.0, -500.0), at(-3000.0, -500.0)];
    polygon("slope", &corners, &format!(r#"motion="fixed" {}"#, surface(e, mu)), "")
}

/// A ball that falls on a slope without friction, and goes on bouncing down.
fn ball_on_slope(tilt: f64, e: f64) -> KnownScene {
    let (drop, at) = (1.5, on_slope(tilt));
    let (s, c) = tilt.to_radians().sin_cos();
    let [x, y] = at(0.0, 100.0);
    let ball = circle("b", [x, y - 1000.0 * drop, 100.0], &surface(e, 0.0), &kg(1.0));
    let fall = (2.0 * drop / G).sqrt();
    let motion = move |t: f64| {
        let mut late = t - fall;
        if late < 0.0 {
            return [x, y - 1000.0 * drop + 500.0 * G * t * t, 0.0];
        }
        let along = G * fall * s * late + 0.5 * G * s * late * late;
        let mut out = e * G * fall * c;
        while out > 1e-3 && late > 2.0 * out / (G * c) {
            late -= 2.0 * out / (G * c);
            out *= e;
        }
        let height = if out > 1e-3 { out * late - 0.5 * G * c * late * late } else { 0.0 };
        let [x, y] = at(1000.0 * along, 100.0 + 1000.0 * height);
        [x, y, 0.0]
    };
    let name = format!("ball on a slope of {tilt} degrees, e = {e}");
    known(name, slope(tilt, e, 0.0) + &ball, 1.3, 0.0, vec![("b", Box::new(motion))])
}

/// A disc on a slope: it rolls where friction is enough, and slips where it is not.
fn disc_on_slope(tilt: f64, mu: f64) -> KnownScene {
    let (radius, at) = (150.0, on_slope(tilt));
    let (s, c) = tilt.to_radians().sin_cos();
    let [x, y] = at(0.0, radius);
    let disc = circle("b", [x, y, radius], &surface(0.0, mu), &kg(4.0));
    let rolls = mu > s / c / 3.0;
    let along = if rolls { G * s / 1.5 } else { G * (s - mu * c) };
    let turning = if rolls { along } else { 2.0 * mu * G * c } / (0.001 * radius);
    let motion = move |t: f64| {
        let [x, y] = at(500.0 * along * t * t, radius);
        [x, y, (0.5 * turning * t * t).to_degrees()]
    };
    let name = format!("disc on a slope of {tilt} degrees, friction {mu}");
    known(name, slope(tilt, 0.0, mu) + &disc, 1.5, radius, vec![("b", Box::new(motion))])
}

/// A disc on the floor that slides and turns until it rolls.
fn until_it_rolls(speed: f64, spin: f64) -> KnownScene {
    let mu = 0.3;
    let physics = format!(r#"{} velocity="{speed},0" spin="{spin}""#, surface(0.0, mu));
    let content = floor(0.0, mu) + &circle("b", [0.0, 4900.0, 100.0], &physics, &kg(1.0));
    let brake = mu * G;
    let until = (speed - 0.1 * spin) / (3.0 * brake);
    let motion = move |t: f64| {
        let (u, late) = (t.min(until), (t - until).max(0.0));
        let x = speed * u - 0.5 * brake * u * u + (speed - brake * until) * late;
        let rolling = spin + 20.0 * brake * until;
        let angle = spin * u + 10.0 * brake * u * u + rolling * late;
        [1000.0 * x, 4900.0, angle.to_degrees()]
    };
    let name = format!("disc of {speed} m/s and {spin} rad/s until it rolls");
    known(name, content, 2.0, 100.0, vec![("b", Box::new(motion))])
}

/// A block put on a plank that moves: a belt that it brakes.
fn belt() -> KnownScene {
    let (mu, speed, plank, block) = (0.25, 1.5, 40.0, 2.0);
    let moving = format!(r#"friction="0" velocity="{speed},0""#);
    // Friction of two bodies is the mean of theirs.
    let grip = format!(r#"friction="{}""#, 2.0 * mu);
    let content = floor(0.0, 0.0)
        + &rect("plank", [-2000.0, 4900.0, 6000.0, 100.0], &moving, &kg(plank))
        + &rect("b", [0.0, 4700.0, 200.0, 200.0], &grip, &kg(block));
    let (gains, loses) = (mu * G, mu * G * block / plank);
    let until = speed / (gains + loses);
    let both = speed * plank / (plank + block);
    let of_block = move |t: f64| {
        let (u, late) = (t.min(until), (t - until).max(0.0));
        [100.0 + 1000.0 * (0.5 * gains * u * u + both * late), 4800.0, 0.0]
    };
    let of_plank = move |t: f64| {
        let (u, late) = (t.min(until), (t - until).max(0.0));
        [1000.0 + 1000.0 * (speed * u - 0.5 * loses * u * u + both * late), 4950.0, 0.0]
    };
    let bodies: Vec<(&'static str, Motion)> =
        vec![("b", Box::new(of_block)), ("plank", Box::new(of_plank))];
    known("block on a moving plank".to_owned(), content, 1.5, 0.0, bodies)
}

/// Two boxes welded or hinged together that turn in the air as one.
fn joined(kind: &str) -> KnownScene {
    let spin = 5.0;
    let block = |id: &str, x: f64, speed: f64| {
        let physics = format!(r#"velocity="0,{speed}" spin="{spin}""#);
        rect(id, [x, 0.0, 100.0, 100.0], &physics, &kg(1.0))
    };
    let content = block("b", 0.0, -2.0)
        + &block("q", 400.0, 0.0)
        + &format!(
            r#"<arx:system id="s" type="mechanical"><arx:connections><arx:connection from="b" to="q" type="{kind}" at="250,50"/></arx:connections></arx:system>"#
        );
    let motion = move |side: f64| -> Motion {
        Box::new(move |t| {
            let (s, c) = (spin * t).sin_cos();
            let y = 50.0 - 1000.0 * t + 500.0 * G * t * t;
            [250.0 + side * 200.0 * c, y + side * 200.0 * s, (spin * t).to_degrees()]
        })
    };
    let bodies = vec![("b", motion(-1.0)), ("q", motion(1.0))];
    known(format!("two boxes, {kind}"), content, 1.5, 100.0, bodies)
}

/// A rod that hangs from a hinge, let go level: upright, it strikes a wall.
fn rod_against_a_wall(e: f64, seconds: f64) -> KnownScene {
    let hinge = kg(2.0) + r#"<anchor type="hinge" at="5000,1000"/>"#;
    let wall = format!(r#"motion="fixed" {}"#, surface(e, 0.0));
    let content = rect("b", [5000.0, 990.0, 1000.0, 20.0], &surface(e, 0.0), &hinge)
        + &rect("wall", [4000.0, 1800.0, 990.0, 700.0], &wall, "");
    let square = 0.5 * G / ((1.0 + 0.02 * 0.02) / 12.0 + 0.25);
    let falling = swing(-square, std::f64::consts::FRAC_PI_2, 0.0, seconds);
    let mut hit = 0.0;
    while falling(hit) > 0.0 {
        hit += 1e-6;
    }
    let rising = swing(-square, 0.0, e * (2.0 * square).sqrt(), seconds);
    let motion = move |t: f64| {
        let a = if t < hit { falling(t) } else { rising(t - hit) };
        [5000.0 + 500.0 * a.sin(), 1000.0 + 500.0 * a.cos(), 90.0 - a.to_degrees()]
    };
    let name = format!("rod on a hinge against a wall, e = {e}");
    known(name, content, seconds, 500.0, vec![("b", Box::new(motion))])
}

/// A ball between two walls on ice.
fn to_and_fro(e: f64, speed: f64, seconds: f64) -> KnownScene {
    let wall = format!(r#"motion="fixed" {}"#, surface(e, 0.0));
    let physics = format!(r#"{} velocity="{speed},0""#, surface(e, 0.0));
    let content = floor(0.0, 0.0)
        + &rect("l", [-600.0, 4000.0, 500.0, 1000.0], &wall, "")
        + &rect("r", [1100.0, 4000.0, 500.0, 1000.0], &wall, "")
        + &circle("b", [500.0, 4950.0, 50.0], &physics, &kg(1.0));
    let motion = move |t: f64| {
        let (mut x, mut v, mut left) = (0.5, speed, t);
        loop {
            let until = if v > 0.0 { (1.05 - x) / v } else { (-0.05 - x) / v };
            if left <= until {
                return [1000.0 * (x + v * left), 4950.0, 0.0];
            }
            left -= until;
            x = if v > 0.0 { 1.05 } else { -0.05 };
            v *= -e;
        }
    };
    let name = format!("ball of {speed} m/s between walls, e = {e}");
    known(name, content, seconds, 0.0, vec![("b", Box::new(motion))])
}

/// Rods of 500 mm hinged in a row, let go level, the first on a hinge of the building.
fn level_rods(n: usize) -> KnownScene {
    let mut content = String::new();
    let mut joints = String::new();
    for i in 0..n {
        let x = 5000.0 + 500.0 * i as f64;
        let hold = if i == 0 { r#"<anchor type="hinge" at="5000,2000"/>"# } else { "" };
        content += &rect(&format!("r{i}"), [x, 1990.0, 500.0, 20.0], "", &(kg(1.0) + hold));
        if i > 0 {
            joints += &format!(
                r#"<arx:connection from="r{}" to="r{i}" type="hinge" at="{x},2000"/>"#,
                i - 1
            );
        }
    }
    content += &format!(
        r#"<arx:system id="s" type="mechanical"><arx:connections>{joints}</arx:connections></arx:system>"#
    );
    let name = format!("{n} rods in a row, let go level");
    KnownScene { name, content, seconds: 0.8, reach: 0.0, truth: Truth::Refined(16.0) }
}

/// A rod thrown on a rope at its end.
fn rod_on_a_rope() -> KnownScene {
    let rope = kg(1.0) + r#"<anchor type="rope" to="5000,1500" at="left"/>"#;
    let physics = r#"velocity="2,0" spin="6""#;
    let content = rect("b", [5000.0, 2000.0, 400.0, 20.0], physics, &rope);
    let name = "rod thrown on a rope".to_owned();
    KnownScene { name, content, seconds: 0.8, reach: 0.0, truth: Truth::Refined(16.0) }
}

/// Every scene of this file.
pub(super) fn all() -> Vec<KnownScene> {
    let mut all = Vec::new();
    for (size, e, drop) in [
        ([400.0, 100.0], 0.5, 1.0),
        ([400.0, 400.0], 0.5, 1.0),
        ([1000.0, 50.0], 0.8, 1.0),
        ([100.0, 1000.0], 0.5, 1.0),
        ([400.0, 200.0], 1.0, 0.5),
        ([400.0, 200.0], 0.3, 2.0),
    ] {
        all.push(flat_drop(size, e, drop));
    }
    for (masses, speeds, e) in [
        ([1.0, 1.0], [2.0, 0.0], 0.3),
        ([1.0, 1.0], [2.0, 0.0], 1.0),
        ([1.0, 20.0], [10.0, -3.0], 0.7),
    ] {
        all.push(plates(masses, speeds, e));
    }
    for (mu, e, drop, speed) in [
        (0.2, 0.5, 1.0, 3.0),
        (0.1, 0.8, 1.0, 5.0),
        (0.5, 0.8, 1.0, 1.0),
        (0.05, 1.0, 2.0, 10.0),
        (0.3, 0.2, 0.5, 8.0),
    ] {
        all.push(skidding_bounce(mu, e, drop, speed));
    }
    all.extend([0.0, 0.3, 0.5].map(slide_to_a_stop));
    for (tilt, e) in [(30.0, 0.6), (20.0, 0.3), (45.0, 0.0)] {
        all.push(ball_on_slope(tilt, e));
    }
    for (tilt, mu) in [(20.0, 0.8), (5.0, 0.8), (40.0, 0.1)] {
        all.push(disc_on_slope(tilt, mu));
    }
    for (e, seconds) in [(0.5, 1.0), (0.9, 0.9), (0.0, 0.8)] {
        all.push(rod_against_a_wall(e, seconds));
    }
    for (e, speed, seconds) in [(1.0, 2.0, 3.0), (0.9, 20.0, 1.0), (1.0, 100.0, 0.2)] {
        all.push(to_and_fro(e, speed, seconds));
    }
    all.extend([2, 4].map(level_rods));
    all.push(rod_on_a_rope());
    all.push(until_it_rolls(3.0, 0.0));
    all.push(until_it_rolls(2.0, -40.0));
    all.push(belt());
    all.push(joined("weld"));
    all.push(joined("hinge"));
    for (angle, spin, seconds) in
        [(90.0_f64, 0.0, 1.5), (5.73, 0.0, 2.0), (0.573, 0.0, 2.5), (17.2, 10.0, 1.0)]
    {
        all.push(pivoted_rod(angle.to_radians(), spin, seconds));
    }
    all
}
