//! Every metric the service emits. `slo/telemetry/` says the same in the
//! registry format of OpenTelemetry; a test holds the two together.

/// What kind of instrument a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down by differences.
    UpDownCounter,
    /// The value now.
    Gauge,
    /// A distribution, with the latency buckets of the specs.
    Latency,
    /// A distribution of sizes: powers of four.
    Size,
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name by OpenTelemetry's conventions.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// Its unit (UCUM).
    pub unit: &'static str,
    /// What it says.
    pub description: &'static str,
    /// The attributes it may carry; others are dropped.
    pub attributes: &'static [&'static str],
    /// The most series it may have; past it they fold into one marked `otel.metric.overflow`.
    pub series: usize,
}

macro_rules! catalogue {
    ($($id:ident = $name:literal, $kind:ident, $unit:literal, $series:literal, [$($attribute:literal),*], $description:literal;)*) => {
        $(
            #[doc = $description]
            pub const $id: Metric = Metric {
                name: $name,
                kind: Kind::$kind,
                unit: $unit,
                description: $description,
                attributes: &[$($attribute),*],
                series: $series,
            };
        )*
        /// All of them.
        pub const ALL: &[Metric] = &[$($id),*];
    };
}

catalogue! {
    HTTP_DURATION = "http.server.request.duration", Latency, "s", 400,
        ["http.request.method", "http.route", "http.response.status_code", "url.scheme", "error.type"],
        "Duration of HTTP server requests.";
    HTTP_ACTIVE = "http.server.active_requests", UpDownCounter, "{request}", 20,
        ["http.request.method", "url.scheme"],
        "Number of active HTTP server requests.";
    OPERATION_DURATION = "svgx.operation.duration", Latency, "s", 200,
        ["svgx.budget.class", "svgx.operation.name"],
        "Duration of an operation from admission to its answer, by class of budget.";
    OPERATION_OUTCOMES = "svgx.operation.outcomes", Counter, "{operation}", 200,
        ["svgx.budget.class", "svgx.slo.outcome", "svgx.slo.reason"],
        "Operations by how they ended: ok, over_budget, degraded, shed, failed.";
    QUEUE_WAIT = "svgx.queue.wait", Latency, "s", 10,
        ["svgx.budget.class"],
        "Time between admission and the start of the work.";
    COST_ERROR = "svgx.cost.error", Size, "1", 10,
        ["svgx.budget.class"],
        "Measured processor time divided by the time the cost model predicted.";
    PRECISION = "svgx.precision.delivered", Counter, "{answer}", 20,
        ["svgx.budget.class", "svgx.tier"],
        "Answers that have a precision, by the tier they were delivered at.";
    ELEMENTS = "svgx.document.elements", Size, "{element}", 10,
        ["svgx.operation.name"],
        "Elements of the documents worked on.";
    BODIES = "svgx.physics.bodies", Size, "{body}", 4, [],
        "Rigid bodies in a simulation.";
    CONSTRAINTS = "svgx.constraint.count", Size, "{constraint}", 4, [],
        "Constraints in a solve.";
    ITERATIONS = "svgx.solver.iterations", Size, "{iteration}", 4,
        ["svgx.solver.name"],
        "Iterations of a solver until it stopped.";
    CACHE_REQUESTS = "svgx.cache.requests", Counter, "{request}", 10,
        ["svgx.cache.result"],
        "Look-ups in the document cache: hit or miss.";
    CACHE_SIZE = "svgx.cache.size", Gauge, "By", 2, [],
        "Bytes held by the document cache.";
    SESSIONS = "svgx.session.live", Gauge, "{session}", 2, [],
        "Sessions held in memory.";
    TELEMETRY_LOST = "svgx.telemetry.lost", Counter, "{item}", 12,
        ["svgx.telemetry.signal", "svgx.telemetry.loss"],
        "Spans, metric points and log records that did not reach the collector.";
    TELEMETRY_SENT = "svgx.telemetry.sent", Counter, "{item}", 6,
        ["svgx.telemetry.signal"],
        "Spans, metric points and log records that the collector accepted.";
    CPU_TIME = "process.cpu.time", Counter, "s", 4, ["cpu.mode"],
        "Processor time used by the process.";
    CPU_UTILIZATION = "process.cpu.utilization", Gauge, "1", 4, ["cpu.mode"],
        "Processor time used since the last look, as a share of the processors at hand.";
    MEMORY_USAGE = "process.memory.usage", UpDownCounter, "By", 2, [],
        "Resident memory of the process.";
    MEMORY_VIRTUAL = "process.memory.virtual", UpDownCounter, "By", 2, [],
        "Virtual memory of the process.";
    THREADS = "process.thread.count", UpDownCounter, "{thread}", 2, [],
        "Threads of the process.";
    FILES = "process.unix.file_descriptor.count", UpDownCounter, "{file_descriptor}", 2, [],
        "Open file descriptors of the process.";
    UPTIME = "process.uptime", Gauge, "s", 2, [],
        "Time since the process started.";
    HEAP_ALLOCATED = "svgx.heap.allocated", Gauge, "By", 2, [],
        "Bytes the process asked the allocator for and still holds.";
    HEAP_RESIDENT = "svgx.heap.resident", Gauge, "By", 2, [],
        "Bytes the allocator holds in memory.";
    THROTTLED = "svgx.cgroup.throttled", Counter, "s", 2, [],
        "Time the control group kept the process from running.";
    CORES = "svgx.capacity.cores", Gauge, "{cpu}", 2, [],
        "Processors the process may use, from its control group.";
}

/// The name in Prometheus: dots to underscores, the unit as a suffix, `_total` on counters.
pub fn prometheus_name(metric: &Metric) -> String {
    let mut name = metric.name.replace('.', "_");
    let suffix = match metric.unit {
        "s" => "_seconds",
        "By" => "_bytes",
        "1" => "_ratio",
        _ => "",
    };
    if !name.ends_with(suffix) {
        name.push_str(suffix);
    }
    if metric.kind == Kind::Counter {
        name.push_str("_total");
    }
    name
}
