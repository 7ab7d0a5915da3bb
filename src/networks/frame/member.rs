//! One member: stiffness, forces of its loads with clamped ends, and hinges by elimination of
//! the rotations there (any textbook, e.g. McGuire, Gallagher and Ziemian 2000).

use super::model::{Load, Structure};

/// Displacement or force at the two ends: along, across, rotation.
pub(crate) type Ends = [f64; 6];

/// A load in the axes of the member.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Acting {
    /// N/m along and across.
    Uniform([f64; 2]),
    /// N along and across at a distance.
    Point(f64, [f64; 2]),
}

/// A member in its own axes.
#[derive(Debug, Clone)]
pub(crate) struct Element {
    pub(crate) length: f64,
    cosine: f64,
    sine: f64,
    bending: f64,
    hinges: [bool; 2],
    /// Clamped.
    full: [[f64; 6]; 6],
    /// With its hinges.
    pub(crate) stiffness: [[f64; 6]; 6],
}

impl Element {
    pub(crate) fn of(structure: &Structure, member: u32) -> Element {
        let m = &structure.members[member as usize];
        let (length, cosine, sine) = structure.axis(m);
        let axial = m.modulus * m.area / length;
        let bar = m.inertia == 0.0;
        let bending = m.modulus * m.inertia;
        // A bar has no bending stiffness, but its loads are carried to its ends all the same.
        let b = if bar { 1.0 } else { bending };
        let l = length;
        let (b1, b2, b3) = (2.0 * b / l, 6.0 * b / (l * l), 12.0 * b / (l * l * l));
        let mut full = [[0.0; 6]; 6];
        for (i, j, v) in [(0, 0, axial), (0, 3, -axial), (3, 3, axial)] {
            (full[i][j], full[j][i]) = (v, v);
        }
        for (i, j, v) in [
            (1, 1, b3),
            (1, 2, b2),
            (1, 4, -b3),
            (1, 5, b2),
            (2, 2, 2.0 * b1),
            (2, 4, -b2),
            (2, 5, b1),
            (4, 4, b3),
            (4, 5, -b2),
            (5, 5, 2.0 * b1),
        ] {
            (full[i][j], full[j][i]) = (v, v);
        }
        let hinges = if bar { [true; 2] } else { m.hinges };
        let mut stiffness = full;
        for (r, _) in [2, 5].into_iter().zip(hinges).filter(|(_, h)| *h) {
            let pivot = stiffness[r][r];
            let row = stiffness[r];
            for (entries, by) in stiffness.iter_mut().zip(row) {
                for (entry, v) in entries.iter_mut().zip(row) {
                    *entry -= by * v / pivot;
                }
                entries[r] = 0.0;
            }
            stiffness[r] = [0.0; 6];
        }
        if hinges == [true; 2] {
            // Nothing but rounding is left across.
            for i in [1, 2, 4, 5] {
                stiffness[i] = [0.0; 6];
                stiffness.iter_mut().for_each(|row| row[i] = 0.0);
            }
        }
        Element { length, cosine, sine, bending, hinges, full, stiffness }
    }

    pub(crate) fn to_own(&self, v: &Ends) -> Ends {
        let (c, s) = (self.cosine, self.sine);
        [
            c * v[0] + s * v[1],
            c * v[1] - s * v[0],
            v[2],
            c * v[3] + s * v[4],
            c * v[4] - s * v[3],
            v[5],
        ]
    }

    pub(crate) fn to_common(&self, v: &Ends) -> Ends {
        let (c, s) = (self.cosine, self.sine);
        [
            c * v[0] - s * v[1],
            s * v[0] + c * v[1],
            v[2],
            c * v[3] - s * v[4],
            s * v[3] + c * v[4],
            v[5],
        ]
    }

    /// Stiffness against stretching, and against turning its ends out of its chord: at both ends,
    /// and of one end by the other.
    pub(crate) fn springs(&self) -> [f64; 4] {
        let k = &self.stiffness;
        [k[0][0], k[2][2], k[5][5], k[2][5]]
    }

    /// What displacements of the ends do to these three, in the axes of the structure: the
    /// stiffness is the sum of the springs over pairs of them.
    pub(crate) fn modes(&self) -> [Ends; 3] {
        let l = self.length;
        [
            [-1.0, 0.0, 0.0, 1.0, 0.0, 0.0],
            [0.0, 1.0 / l, 1.0, 0.0, -1.0 / l, 0.0],
            [0.0, 1.0 / l, 0.0, 0.0, -1.0 / l, 1.0],
        ]
        .map(|mode| self.to_common(&mode))
    }

    /// The forces on its ends by displacements of its ends, both in its own axes.
    pub(crate) fn resists(&self, u: &Ends) -> Ends {
        let [axial, one, other, across] = self.springs();
        let turned = (u[4] - u[1]) / self.length;
        let (a, b) = (u[2] - turned, u[5] - turned);
        let force = axial * (u[3] - u[0]);
        let (m, n) = (one * a + across * b, across * a + other * b);
        let shear = (m + n) / self.length;
        [-force, shear, m, force, -shear, n]
    }

    /// The stiffness in the axes of the structure.
    pub(crate) fn common(&self) -> [[f64; 6]; 6] {
        // Columns, then rows.
        let mut k = [[0.0; 6]; 6];
        for (i, row) in self.stiffness.iter().enumerate() {
            k[i] = self.to_common(row);
        }
        let mut out = [[0.0; 6]; 6];
        for j in 0..6 {
            let column = self.to_common(&std::array::from_fn(|i| k[i][j]));
            (0..6).for_each(|i| out[i][j] = column[i]);
        }
        out
    }

    /// A load in the axes of the member.
    pub(crate) fn acting(&self, load: &Load) -> Option<Acting> {
        let own = |f: [f64; 2]| {
            [self.cosine * f[0] + self.sine * f[1], self.cosine * f[1] - self.sine * f[0]]
        };
        match *load {
            Load::Node { .. } => None,
            Load::Uniform { force, .. } => Some(Acting::Uniform(own(force))),
            Load::Point { distance, force, .. } => Some(Acting::Point(distance, own(force))),
        }
    }

    /// What clamped ends hold against a load.
    fn clamped(&self, acting: Acting) -> Ends {
        let l = self.length;
        match acting {
            Acting::Uniform([p, q]) => {
                let (n, v, m) = (-p * l / 2.0, -q * l / 2.0, -q * l * l / 12.0);
                [n, v, m, n, v, -m]
            }
            Acting::Point(a, [p, q]) => {
                let b = l - a;
                let l2 = l * l;
                [
                    -p * b / l,
                    -q * b * b * (l + 2.0 * a) / (l2 * l),
                    -q * a * b * b / l2,
                    -p * a / l,
                    -q * a * a * (l + 2.0 * b) / (l2 * l),
                    q * a * a * b / l2,
                ]
            }
        }
    }

    /// What the ends hold against all loads, with hinges.
    pub(crate) fn held(&self, acting: &[Acting]) -> Ends {
        if acting.is_empty() {
            return [0.0; 6];
        }
        let mut held = self.held_clamped(acting);
        let mut k = self.full;
        for (r, _) in [2, 5].into_iter().zip(self.hinges).filter(|(_, h)| *h) {
            let (pivot, row, m) = (k[r][r], k[r], held[r]);
            for i in 0..6 {
                held[i] -= row[i] * m / pivot;
                for j in 0..6 {
                    k[i][j] -= row[i] * row[j] / pivot;
                }
            }
            held[r] = 0.0;
        }
        held
    }

    fn held_clamped(&self, acting: &[Acting]) -> Ends {
        let mut held = [0.0; 6];
        for &a in acting {
            let one = self.clamped(a);
            (0..6).for_each(|i| held[i] += one[i]);
        }
        held
    }

    /// Displacements of the member's own ends: where it is hinged its rotation is not the node's.
    pub(crate) fn own_ends(&self, node: &Ends, acting: &[Acting]) -> Ends {
        let mut u = *node;
        if self.bending == 0.0 {
            let chord = (u[4] - u[1]) / self.length;
            (u[2], u[5]) = (chord, chord);
            return u;
        }
        let held = self.held_clamped(acting);
        let free: Vec<usize> =
            [2, 5].into_iter().zip(self.hinges).filter(|(_, h)| *h).map(|(r, _)| r).collect();
        free.iter().for_each(|&r| u[r] = 0.0);
        let off =
            |r: usize| -> f64 { held[r] + (0..6).map(|j| self.full[r][j] * u[j]).sum::<f64>() };
        match free.as_slice() {
            [r] => u[*r] = -off(*r) / self.full[*r][*r],
            [r, s] => {
                let (a, b, c) = (self.full[*r][*r], self.full[*r][*s], self.full[*s][*s]);
                let (f, g) = (-off(*r), -off(*s));
                let det = a * c - b * b;
                (u[*r], u[*s]) = ((c * f - b * g) / det, (a * g - b * f) / det);
            }
            _ => {}
        }
        u
    }

    /// At a distance from the beginning: axial force (tension), shear, bending moment (sagging),
    /// given the forces on the ends, in the member's axes.
    pub(crate) fn section(&self, ends: &Ends, acting: &[Acting], x: f64) -> [f64; 3] {
        let mut n = -ends[0];
        let mut v = ends[1];
        let mut m = -ends[2] + ends[1] * x;
        for &a in acting {
            match a {
                Acting::Uniform([p, q]) => {
                    n -= p * x;
                    v += q * x;
                    m += q * x * x / 2.0;
                }
                Acting::Point(at, [p, q]) if x > at => {
                    n -= p;
                    v += q;
                    m += q * (x - at);
                }
                Acting::Point(..) => {}
            }
        }
        [n, v, m]
    }

    /// The displacement at a distance, along and across, given those of the own ends.
    pub(crate) fn displaced(&self, u: &Ends, acting: &[Acting], x: f64) -> [f64; 2] {
        let l = self.length;
        let t = x / l;
        let (t2, t3) = (t * t, t * t * t);
        let along = u[0] + t * (u[3] - u[0]);
        let mut across = u[1] * (1.0 - 3.0 * t2 + 2.0 * t3)
            + u[2] * l * (t - 2.0 * t2 + t3)
            + u[4] * (3.0 * t2 - 2.0 * t3)
            + u[5] * l * (t3 - t2);
        if self.bending > 0.0 {
            for &a in acting {
                across += match a {
                    Acting::Uniform([_, q]) => {
                        q * x * x * (l - x) * (l - x) / (24.0 * self.bending)
                    }
                    Acting::Point(a, [_, q]) => {
                        let (a, b, x) = if x <= a { (a, l - a, x) } else { (l - a, a, l - x) };
                        q * b * b * x * x * (3.0 * a * l - x * (3.0 * a + b))
                            / (6.0 * self.bending * l * l * l)
                    }
                };
            }
        }
        [along, across]
    }
}
