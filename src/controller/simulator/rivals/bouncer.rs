//! Bouncer (Xavier et al., SIGMOD 2024): a query is refused at once when the
//! estimated percentile of its response, the mean wait of the queue's content
//! plus the class's own percentile of service time, exceeds its class's
//! objective; one in a hundred is let in regardless, so that no class starves.

use super::super::rng::Rng;
use super::{Class, Incoming, Limiter, Load, Setting, Usage, float};

const KEPT: usize = 200;
const ALLOWANCE: f64 = 0.01;

#[derive(Clone, Default)]
struct Service {
    last: Vec<f64>,
    at: usize,
    mean: f64,
    p95: f64,
}

pub(super) struct Bouncer {
    setting: Setting,
    services: [Service; 4],
    inside: [f64; 4],
    rng: Rng,
}

impl Bouncer {
    pub(super) fn new(setting: &Setting) -> Bouncer {
        Bouncer {
            setting: setting.clone(),
            services: std::array::from_fn(|_| Service::default()),
            inside: [0.0; 4],
            rng: Rng::new(7, 7),
        }
    }
}

impl Limiter for Bouncer {
    fn admit(&mut self, _: u64, incoming: &Incoming<'_>, _: Load) -> bool {
        let class = incoming.arrival.class;
        let work: f64 =
            self.services.iter().zip(&self.inside).map(|(service, n)| service.mean * n).sum();
        let own = self.services.get(class as usize).map_or(0.0, |service| service.p95);
        let estimate = work / self.setting.cores + own;
        let fits = estimate <= float(self.setting.budget(class));
        let open = fits || self.rng.unit() < ALLOWANCE;
        if open && let Some(inside) = self.inside.get_mut(class as usize) {
            *inside += 1.0;
        }
        open
    }

    fn finish(&mut self, _: u64, class: Class, took: Usage, _: usize) {
        if let Some(inside) = self.inside.get_mut(class as usize) {
            *inside = (*inside - 1.0).max(0.0);
        }
        let Some(service) = self.services.get_mut(class as usize) else { return };
        if took.cpu == 0 {
            return;
        }
        let ran = float(took.ran);
        if service.last.len() < KEPT {
            service.last.push(ran);
        } else if let Some(slot) = service.last.get_mut(service.at % KEPT) {
            *slot = ran;
        }
        service.at += 1;
        if service.at.is_multiple_of(20) || service.at < 20 {
            let mut sorted = service.last.clone();
            sorted.sort_by(f64::total_cmp);
            service.mean = sorted.iter().sum::<f64>() / super::count(sorted.len());
            service.p95 = sorted.get(sorted.len() * 95 / 100).copied().unwrap_or(0.0);
        }
    }
}
