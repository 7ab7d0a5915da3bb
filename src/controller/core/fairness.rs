//! Who gets the processors when not everybody can: max-min fair by processor
//! time, and a budget for retries.
//!
//! Tenants are hashed into a fixed number of slots with a seed that changes
//! every five minutes, so memory is bounded and two tenants that share a slot
//! do not share it for long (stochastic fair queueing, McKenney, 1990).

use super::ids::{TenantId, TenantSlot};
use super::time::Nanos;
use svgx_base::random::GOLDEN;

/// The sum of the classes: who floods the urgent ones takes the others' place in
/// the less urgent.
const ALL: usize = 3;
/// Slots tenants are hashed into.
pub(super) const SLOTS: usize = 512;
/// After so long tenants are spread anew: two in one slot do not share it for long.
const ROTATE: Nanos = Nanos(300_000_000_000);
/// Seconds between ticks; so much of a share may be used ahead of time.
const INTERVAL: f64 = 0.1;

// Not policy: how the demand and the bias of a tenant are averaged.
/// Weight of the newest tenth of a second in a tenant's demand: half a second in all.
const DEMAND_GAIN: f64 = 0.2;
/// Processors below which a tenant counts as gone.
const NOBODY: f64 = 1e-6;
/// Demand over capacity from which shares are enforced. Below, a share would only refuse work
/// that fits; the last tenth is what averages over half a second do not see.
const CONTENDED: f64 = 0.9;
/// The bias from which a tenant is taken to understate its work.
const UNDERSTATES: f64 = 2.0;
/// Answers over which the bias is averaged: more than the cost model's twenty, so that the model
/// is believed first and the tenant is blamed for what remains.
const BIAS_SPAN: f64 = 32.0;
/// And while the bias is far too high.
const BIAS_SPAN_FALLING: f64 = 4.0;
/// One answer says no more than that it was so many times dearer.
const MOST_RATIO: f64 = 16.0;
/// Nobody is charged more than so many times the estimate. Not less than once either: who
/// overstates gains nothing from the others.
const MOST_BIAS: f64 = 8.0;

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
    rotated: Nanos,
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
            rotated: Nanos::default(),
            tenants: vec![Tenant { bias: 1.0, ..Tenant::default() }; SLOTS].into(),
            level: [f64::INFINITY; 4],
            active: [0; 4],
            mean: 0.0,
            flood,
        }
    }

    /// The slot of a tenant.
    pub(super) fn slot(&self, tenant: TenantId) -> TenantSlot {
        // A multiply-shift hash (Dietzfelbinger et al., 1997) of the seeded key.
        let mixed = (tenant.0 ^ self.seed).wrapping_mul(GOLDEN);
        TenantSlot(((mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 55) as u16)
    }

    /// How much dearer than predicted this tenant's work is.
    pub(super) fn bias(&self, slot: TenantSlot) -> f64 {
        self.tenants.get(usize::from(slot.0)).map_or(1.0, |tenant| tenant.bias)
    }

    /// Whether a tenant asks for far more than the others.
    pub(super) fn floods(&self, slot: TenantSlot) -> bool {
        let tenant = self.tenants.get(usize::from(slot.0));
        tenant.is_some_and(|tenant| tenant.floods(self.flood * self.mean))
    }

    /// The part of a tenant's cost that is its own doing: its bias, where that is no chance.
    pub(super) fn blame(&self, slot: TenantSlot) -> f64 {
        let bias = self.bias(slot);
        if bias > UNDERSTATES { bias } else { 1.0 }
    }

    /// Learns the bias from finished work.
    pub(super) fn learn(&mut self, slot: TenantSlot, ratio: f64) {
        if let Some(tenant) = self.tenants.get_mut(usize::from(slot.0)) {
            // Work that is half as dear as the bias says shows that the bias is out of date.
            let span = if 2.0 * ratio < tenant.bias { BIAS_SPAN_FALLING } else { BIAS_SPAN };
            tenant.bias += (ratio.clamp(0.0, MOST_RATIO) - tenant.bias) / span;
            tenant.bias = tenant.bias.clamp(1.0, MOST_BIAS);
        }
    }

    /// Records work that came.
    pub(super) fn offered(&mut self, slot: TenantSlot, class: usize, seconds: f64) {
        let Some(tenant) = self.tenants.get_mut(usize::from(slot.0)) else { return };
        for index in [class, ALL] {
            if let Some(came) = tenant.came.get_mut(index) {
                *came += seconds;
            }
        }
    }

    /// Whether the tenant is within its share; admitted work must be charged.
    pub(super) fn within(&self, slot: TenantSlot, class: usize) -> bool {
        let Some(tenant) = self.tenants.get(usize::from(slot.0)) else { return true };
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
    pub(super) fn charge(&mut self, slot: TenantSlot, class: usize, seconds: f64) {
        let Some(tenant) = self.tenants.get_mut(usize::from(slot.0)) else { return };
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
    pub(super) fn tick(&mut self, now: Nanos, capacity: [f64; 4]) {
        if now.since(self.rotated) > ROTATE {
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
                *demand += DEMAND_GAIN * (*came / INTERVAL - *demand);
                *came = 0.0;
                if *demand < NOBODY {
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
            let contended = total.get(class).is_some_and(|total| *total > CONTENDED * capacity);
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
///
/// A limit of attempts per client does not protect a service: with three attempts each, an
/// overload triples the load just when there is no room for it, and keeps it tripled after its
/// cause has gone. A budget ties retries to the work that succeeds: at a tenth they add at most
/// a tenth to the load whatever the clients do, and where nothing is refused it never binds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RetryBudget {
    tokens: f64,
}

/// Tokens saved up at the most: enough for a page that asks again for all it shows, too few
/// for a storm after a quiet hour. Not policy: it bounds a burst of ten requests.
const RETRY_SAVED: f64 = 10.0;
/// Tokens given for nothing at each tick, one a second: where nobody is admitted nothing is
/// earned, and a lone client must still be able to try again.
const RETRY_GIVEN: f64 = 0.1;

impl RetryBudget {
    /// A fresh request was admitted.
    pub(super) fn earn(&mut self, ratio: f64) {
        self.tokens = (self.tokens + ratio).min(RETRY_SAVED);
    }

    /// Every tenth of a second.
    pub(super) fn tick(&mut self) {
        self.earn(RETRY_GIVEN);
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
                    let slot = fairness.slot(TenantId(tenant as u64 * 7919 + 3));
                    fairness.offered(slot, 2, demand * 0.01);
                    if fairness.within(slot, 2) {
                        fairness.charge(slot, 2, demand * 0.01);
                        if step >= 100 {
                            used[tenant] += demand * 0.01 / 10.0;
                        }
                    }
                }
            }
            fairness.tick(Nanos(step * 100_000_000), [1.0, 1.0, capacity, 10.0]);
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
            fairness.learn(TenantSlot(5), 4.0);
        }
        assert!(fairness.bias(TenantSlot(5)) > 3.5);
        assert!((fairness.bias(TenantSlot(6)) - 1.0).abs() < 1e-9);
    }
}
