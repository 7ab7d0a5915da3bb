//! Sparse matrices: the pattern alone, and with values.

/// Which columns every row has entries in: row `i` is `items[start[i]..start[i + 1]]`.
#[derive(Clone, Debug, Default)]
pub struct Sparse {
    pub(crate) start: Vec<u32>,
    pub(crate) items: Vec<u32>,
}

impl Sparse {
    /// No rows.
    pub fn new() -> Sparse {
        Sparse { start: vec![0], items: Vec::new() }
    }

    /// Forgets its rows.
    pub fn clear(&mut self) {
        self.start.clear();
        self.start.push(0);
        self.items.clear();
    }

    /// Adds a row.
    pub fn push(&mut self, row: &[u32]) {
        self.items.extend_from_slice(row);
        self.start.push(self.items.len() as u32);
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.start.len() - 1
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The columns of row `i`.
    pub fn row(&self, i: u32) -> &[u32] {
        &self.items[self.start[i as usize] as usize..self.start[i as usize + 1] as usize]
    }

    /// The same pattern by columns.
    pub fn transposed(&self, columns: usize) -> Sparse {
        let mut start = vec![0u32; columns + 1];
        for &c in &self.items {
            start[c as usize + 1] += 1;
        }
        for c in 0..columns {
            start[c + 1] += start[c];
        }
        let mut fill = start.clone();
        let mut items = vec![0; self.items.len()];
        for i in 0..self.len() as u32 {
            for &c in self.row(i) {
                items[fill[c as usize] as usize] = i;
                fill[c as usize] += 1;
            }
        }
        Sparse { start, items }
    }
}

/// A sparse matrix by rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Matrix {
    pub(crate) pattern: Sparse,
    pub(crate) values: Vec<f64>,
    pub(crate) columns: usize,
}

impl Matrix {
    pub(crate) fn entries(&self, i: usize) -> impl Iterator<Item = (u32, f64)> + '_ {
        let range = self.pattern.start[i] as usize..self.pattern.start[i + 1] as usize;
        self.pattern.items[range.clone()].iter().copied().zip(self.values[range].iter().copied())
    }

    pub(crate) fn rows(&self) -> usize {
        self.pattern.len()
    }
}

/// The largest magnitude; infinite where one is not a number.
pub fn max_abs(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, |most, v| if v.is_nan() { f64::INFINITY } else { v.abs().max(most) })
}
