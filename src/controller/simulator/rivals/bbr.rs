//! go-zero's adaptive shedder (`core/load/adaptiveshedder.go`), after BBR: it
//! drops when the processor is beyond 900 thousandths (exponential average of
//! 0.95 every 250 ms; or within the cool-off of 1 s after a drop) and both the
//! requests in flight and their average exceed best throughput times best
//! response time, over 50 buckets of 100 ms.

use super::{Class, Incoming, Limiter, Load, Setting, Usage, count, float};

const BUCKETS: usize = 50;
const BUCKET: u64 = 100_000_000;
const THRESHOLD: f64 = 900.0;
const COOL: u64 = 1_000_000_000;

#[derive(Clone, Copy, Default)]
struct Bucket {
    passed: f64,
    sum: f64,
}

pub(super) struct Bbr {
    cores: f64,
    cpu: f64,
    used: f64,
    next: u64,
    slot: u64,
    buckets: [Bucket; BUCKETS],
    flying: f64,
    dropped_at: u64,
}

impl Bbr {
    pub(super) fn new(setting: &Setting) -> Bbr {
        Bbr {
            cores: setting.cores,
            cpu: 0.0,
            used: 0.0,
            next: 0,
            slot: 0,
            buckets: [Bucket::default(); BUCKETS],
            flying: 0.0,
            dropped_at: 0,
        }
    }

    fn bucket(&mut self, now: u64) -> &mut Bucket {
        let slot = now / BUCKET;
        let first = (self.slot + 1).max(slot.saturating_sub(BUCKETS as u64 - 1));
        for at in first..=slot {
            self.buckets[ring(at)] = Bucket::default();
        }
        self.slot = self.slot.max(slot);
        &mut self.buckets[ring(slot)]
    }

    /// Best throughput of a bucket times best mean response of a bucket.
    fn room(&self) -> f64 {
        let running = ring(self.slot);
        let full = self.buckets.iter().enumerate().filter(|(at, _)| *at != running);
        let (mut most, mut least) = (1.0f64, 1000.0f64);
        for (_, bucket) in full {
            most = most.max(bucket.passed);
            if bucket.passed > 0.0 {
                least = least.min((bucket.sum / bucket.passed / 1e6).ceil());
            }
        }
        // At most this many requests per millisecond of response.
        let factor = ((1000.0 - self.cpu) / (1000.0 - THRESHOLD)).clamp(0.1, 1.0);
        (most * least * (1e9 / float(BUCKET)) / 1000.0 * factor).max(1.0)
    }
}

fn ring(slot: u64) -> usize {
    (slot % BUCKETS as u64) as usize
}

impl Limiter for Bbr {
    fn admit(&mut self, now: u64, _: &Incoming<'_>, load: Load) -> bool {
        self.bucket(now);
        let hot = self.cpu >= THRESHOLD
            || (self.dropped_at > 0 && now.saturating_sub(self.dropped_at) < COOL);
        let room = self.room();
        if hot && self.flying > room && count(load.inflight) > room {
            self.dropped_at = now;
            return false;
        }
        true
    }

    fn finish(&mut self, now: u64, _: Class, took: Usage, inflight: usize) {
        self.flying = 0.9 * self.flying + 0.1 * count(inflight);
        self.used += float(took.cpu);
        let bucket = self.bucket(now);
        bucket.passed += 1.0;
        bucket.sum += float(took.total);
    }

    fn tick(&mut self, now: u64, _: Load) {
        if now >= self.next {
            if self.next > 0 {
                let now_cpu = (self.used / (250e6 * self.cores)).min(1.0) * 1000.0;
                self.cpu = 0.95 * self.cpu + 0.05 * now_cpu;
            }
            self.used = 0.0;
            self.next = now + 250_000_000;
        }
    }
}
