//! The error of a solution: what further corrections still move.

use svgx_base::budget::Budget;

use super::circuit::Phasor;
use super::solve::{Solution, Solver, Supply};
use crate::Error;

/// A change of a voltage, relative to nominal, that is rounding.
const SETTLED: f64 = 1e-11;

impl<T: Phasor> Solver<T> {
    /// The solution after the currents of loads were corrected until their change is rounding:
    /// its difference to the last one is the error of that. The solver stays as it is.
    ///
    /// # Errors
    /// [`Error::Stopped`].
    pub(crate) fn improved(&mut self, budget: &Budget) -> Result<Solution<T>, Error> {
        let mut solution = self.unsolved(SETTLED);
        for k in 0..self.islands.len() {
            let island = &self.islands[k];
            let solved = island.factor.is_some() && !island.voltages.is_empty();
            if island.state != Supply::Live || !solved {
                continue;
            }
            let (voltages, mixing) = (island.voltages.clone(), island.mixing.clone());
            let standing = island.standing.clone();
            let run = self.iterate(k, 1.0, SETTLED, budget);
            self.told(k, &mut solution);
            let island = &mut self.islands[k];
            (island.voltages, island.mixing, island.standing) = (voltages, mixing, standing);
            if let Some(stop) = run?.stopped {
                return Err(stop.into());
            }
        }
        self.tie_currents(&mut solution);
        Ok(solution)
    }
}
