//! Who gets the processors when not everybody can: max-min fair by processor
//! time, and a budget for retries.
//!
//! Tenants are hashed into a fixed number of slots with a seed that changes
//! every five minutes, so memory is bounded and two tenants that share a slot
//! do not share it for long (stochastic fair queueing, McKenney, 1990).

use svgx_base::random::GOLDEN;

/// The sum of the classes: who floods the urgent ones takes the others' place in
/// the less urgent.
const ALL: usize = 3;
/// Slots tenants are hashed into.
pub(super) const SLOTS: usize = 512;
const ROTATE: u64 = 300_000_000_000;
const INTERVAL: f64 = 0.1;

#[derive(Clone, Copy, Debug, Default)]
struct Tenant {
    /// Work that came in the running interval, per class.
    came: [f64; 4],
    /// Processors asked for, averaged over about half a second, per class.
    demand: [f64; 4],
    /// Work admitted beyond the share, per class.
    debt: [f64; 4],
    /// Measured over predicted cost of this tenant: who understates pays.
    bias: f64,
}

impl Tenant {
    /// Whether it asks for far more than the others.
    fn floods(&self, limit: f64) -> bool {
        let [.., all] = self.demand;
        all > limit
    }
}

/// The tenants.
#[derive(Clone, Debug)]
pub(super) struct Fairness {
    seed: u64,
    rotated: u64,
    tenants: Box<[Tenant]>,
    /// Processors one tenant may use, per class; infinite without contention.
    level: [f64; 4],
    active: [u32; 4],
    /// Mean demand of the active tenants over all classes.
    mean: f64,
    /// A tenant that asks for more than so many times that floods.
    flood: f64,
}

impl Fairness {
    pub(super) fn new(seed: u64, flood: f64) -> Fairness {
        Fairness {
            seed,
            rotated: 0,
            tenants: vec![Tenant { bias: 1.0, ..Tenant::default() }; SLOTS].into(),
            level: [f64::INFINITY; 4],
            active: [0; 4],
            mean: 0.0,
            flood,
        }
    }

    /// The slot of a tenant.
    #[allow(clippy::cast_possible_truncation, reason = "nine bits")]
    pub(super) fn slot(&self, tenant: u64) -> u16 {
        // A multiply-shift hash (Dietzfelbinger et al., 1997) of the seeded key.
        let mixed = (tenant ^ self.seed).wrapping_mul(GOLDEN);
        ((mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 55) as u16
    }

    /// How much dearer than predicted this tenant's work is.
    pub(super) fn bias(&self, slot: u16) -> f64 {
        self.tenants.get(usize::from(slot)).map_or(1.0, |tenant| tenant.bias)
    }

    /// Learns the bias from finished work.
    pub(super) fn learn(&mut self, slot: u16, ratio: f64) {
        if let Some(tenant) = self.tenants.get_mut(usize::from(slot)) {
            tenant.bias += (ratio.clamp(0.0, 16.0) - tenant.bias) / 32.0;
            tenant.bias = tenant.bias.clamp(1.0, 8.0);
        }
    }

    /// Records work that came.
    pub(super) fn offered(&mut self, slot: u16, class: usize, seconds: f64) {
        let Some(tenant) = self.tenants.get_mut(usize::from(slot)) else { return };
        for index in [class, ALL] {
            if let Some(came) = tenant.came.get_mut(index) {
                *came += seconds;
            }
        }
    }

    /// Whether the tenant is within its share; admitted work must be charged.
    pub(super) fn within(&self, slot: u16, class: usize) -> bool {
        let Some(tenant) = self.tenants.get(usize::from(slot)) else { return true };
        [class, ALL].into_iter().all(|index| {
            // Over all classes only who asks for far more than the others is held to
            // the level: when everybody asks too much, the classes decide.
            if index == ALL && !tenant.floods(self.flood * self.mean) {
                return true;
            }
            let level = self.level.get(index).copied().unwrap_or(f64::INFINITY);
            // A tenth of a second of the share may be used ahead of time.
            !level.is_finite()
                || tenant.debt.get(index).is_none_or(|debt| *debt <= level * INTERVAL)
        })
    }

    /// Charges admitted work.
    pub(super) fn charge(&mut self, slot: u16, class: usize, seconds: f64) {
        let Some(tenant) = self.tenants.get_mut(usize::from(slot)) else { return };
        for index in [class, ALL] {
            if let Some(debt) = tenant.debt.get_mut(index) {
                *debt += seconds;
            }
        }
    }

    /// Processors one tenant may use in a class now.
    pub(super) fn level(&self, class: usize) -> f64 {
        self.level.get(class).copied().unwrap_or(f64::INFINITY)
    }

    /// Tenants that asked for something lately, per class.
    pub(super) fn active(&self, class: usize) -> u32 {
        self.active.get(class).copied().unwrap_or(0)
    }

    /// Every tenth of a second: forgives, averages demand, finds the level.
    pub(super) fn tick(&mut self, now: u64, capacity: [f64; 4]) {
        if now.saturating_sub(self.rotated) > ROTATE {
            self.rotated = now;
            self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            self.tenants.fill(Tenant { bias: 1.0, ..Tenant::default() });
        }
        let mut total = [0.0; 4];
        self.active = [0; 4];
        for tenant in &mut self.tenants {
            for class in 0..4 {
                let (Some(came), Some(demand), Some(debt), Some(level), Some(total), Some(active)) = (
                    tenant.came.get_mut(class),
                    tenant.demand.get_mut(class),
                    tenant.debt.get_mut(class),
                    self.level.get(class),
                    total.get_mut(class),
                    self.active.get_mut(class),
                ) else {
                    continue;
                };
                *demand += 0.2 * (*came / INTERVAL - *demand);
                *came = 0.0;
                if *demand < 1e-6 {
                    *demand = 0.0;
                } else {
                    *active += 1;
                }
                *total += *demand;
                *debt = if level.is_finite() { (*debt - level * INTERVAL).max(0.0) } else { 0.0 };
            }
        }
        let [.., all] = total;
        let [.., active] = self.active;
        self.mean = all / f64::from(active.max(1));
        for (class, capacity) in capacity.into_iter().enumerate() {
            let contended = total.get(class).is_some_and(|total| *total > 0.9 * capacity);
            let several = self.active.get(class).is_some_and(|active| *active > 1);
            let level =
                if contended && several { self.fill(class, capacity) } else { f64::INFINITY };
            if let Some(slot) = self.level.get_mut(class) {
                *slot = level;
            }
        }
    }

    /// The level at which demands cut off there add up to the capacity (water
    /// filling; Bertsekas and Gallager, Data Networks, 6.5.2).
    fn fill(&self, class: usize, capacity: f64) -> f64 {
        let mut level = 0.0;
        for _ in 0..8 {
            let (mut below, mut above) = (0.0, 0u32);
            for demand in self.tenants.iter().filter_map(|tenant| tenant.demand.get(class)) {
                if *demand <= level {
                    below += demand;
                } else if *demand > 0.0 {
                    above += 1;
                }
            }
            if above == 0 {
                return f64::INFINITY;
            }
            let next = ((capacity - below) / f64::from(above)).max(0.0);
            if (next - level).abs() < 1e-6 {
                break;
            }
            level = next;
        }
        level.max(1e-3)
    }
}

/// Retries admitted per fresh request admitted (Google SRE book, chapter 21).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RetryBudget {
    tokens: f64,
}

/// Tokens never saved beyond this, and given for nothing each second.
const RETRY_SAVED: f64 = 10.0;

impl RetryBudget {
    /// A fresh request was admitted.
    pub(super) fn earn(&mut self, ratio: f64) {
        self.tokens = (self.tokens + ratio).min(RETRY_SAVED);
    }

    /// Every tenth of a second: a lone client must be able to try again.
    pub(super) fn tick(&mut self) {
        self.earn(0.1);
    }

    /// A retry asks to be admitted.
    pub(super) fn spend(&mut self) -> bool {
        let may = self.tokens >= 1.0;
        if may {
            self.tokens -= 1.0;
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(demands: &[f64], capacity: f64) -> Vec<f64> {
        let mut fairness = Fairness::new(1, 3.0);
        let mut used = vec![0.0; demands.len()];
        for step in 0..200u64 {
            for _ in 0..10 {
                for (tenant, demand) in demands.iter().enumerate() {
                    let slot = fairness.slot(tenant as u64 * 7919 + 3);
                    fairness.offered(slot, 2, demand * 0.01);
                    if fairness.within(slot, 2) {
                        fairness.charge(slot, 2, demand * 0.01);
                        if step >= 100 {
                            used[tenant] += demand * 0.01 / 10.0;
                        }
                    }
                }
            }
            fairness.tick(step * 100_000_000, [1.0, 1.0, capacity, 10.0]);
        }
        used
    }

    #[test]
    fn a_flooding_tenant_gets_what_the_others_leave() {
        let used = share(&[0.1, 0.1, 0.1, 10.0], 1.0);
        for quiet in &used[..3] {
            assert!((quiet - 0.1).abs() < 0.01, "{used:?}");
        }
        assert!(used[3] < 0.85 && used[3] > 0.5, "{used:?}");
    }

    #[test]
    fn without_contention_nobody_is_limited() {
        let used = share(&[0.1, 0.5], 1.0);
        assert!((used[1] - 0.5).abs() < 0.01, "{used:?}");
    }

    #[test]
    fn who_understates_the_cost_is_charged_more() {
        let mut fairness = Fairness::new(1, 3.0);
        for _ in 0..200 {
            fairness.learn(5, 4.0);
        }
        assert!(fairness.bias(5) > 3.5);
        assert!((fairness.bias(6) - 1.0).abs() < 1e-9);
    }
}
