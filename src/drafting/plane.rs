//! Points and directions of the plane, y downward.

pub(crate) type P = [f64; 2];

pub(crate) fn add(a: P, b: P) -> P {
    [a[0] + b[0], a[1] + b[1]]
}

pub(crate) fn sub(a: P, b: P) -> P {
    [a[0] - b[0], a[1] - b[1]]
}

pub(crate) fn times(a: P, by: f64) -> P {
    [a[0] * by, a[1] * by]
}

/// `a` and so far along `direction`.
pub(crate) fn along(a: P, direction: P, by: f64) -> P {
    add(a, times(direction, by))
}

pub(crate) fn dot(a: P, b: P) -> f64 {
    a[0] * b[0] + a[1] * b[1]
}

pub(crate) fn cross(a: P, b: P) -> f64 {
    a[0] * b[1] - a[1] * b[0]
}

pub(crate) fn length(a: P) -> f64 {
    libm::hypot(a[0], a[1])
}

/// The direction of `a`; `None` where it has none.
pub(crate) fn unit(a: P) -> Option<P> {
    let long = length(a);
    (long > 1e-9 && long.is_finite()).then(|| times(a, 1.0 / long))
}

/// A quarter of a turn, counter-clockwise on a screen: up from the right.
pub(crate) fn left(a: P) -> P {
    [a[1], -a[0]]
}

pub(crate) fn middle(a: P, b: P) -> P {
    times(add(a, b), 0.5)
}

/// The direction at an angle, from the x axis towards the y axis.
pub(crate) fn at_angle(radians: f64) -> P {
    [libm::cos(radians), libm::sin(radians)]
}

pub(crate) fn angle(a: P) -> f64 {
    libm::atan2(a[1], a[0])
}

/// The direction in which a text along a line is read: from the bottom of the sheet or from its
/// right, never from the top or the left (ISO 129-1). A line straight up is read from the right.
pub(crate) fn readable(direction: P) -> P {
    let [x, y] = direction;
    let level = 1e-9 * (x.abs() + y.abs());
    if x < -level || (x.abs() <= level && y > 0.0) { [-x, -y] } else { direction }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_from_the_bottom_or_the_right_all_the_way_round() {
        for degree in 0..360 {
            let radians = f64::from(degree).to_radians();
            let read = readable(at_angle(radians));
            // Counter-clockwise from level, as it is seen.
            let seen = -angle(read).to_degrees();
            assert!(seen > -90.0 + 1e-6 && seen <= 90.0 + 1e-6, "{degree}: {seen}");
            // It stays on its line.
            assert!(cross(read, at_angle(radians)).abs() < 1e-12, "{degree}");
            // What is above stays above, or left of a line that goes up.
            let up = left(read);
            assert!(up[1] < 1e-9 && (up[1] < -1e-9 || up[0] < 0.0), "{degree}: {up:?}");
        }
    }
}
