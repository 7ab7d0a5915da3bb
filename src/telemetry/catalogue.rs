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
    /// A distribution of errors: powers of ten.
    Error,
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
        ["http.request.method", "url.scheme", "http.response.status_code", "http.route", "error.type"],
        "Duration of HTTP server requests.";
    HTTP_ACTIVE = "http.server.active_requests", UpDownCounter, "{request}", 20,
        ["http.request.method", "url.scheme"],
        "Number of active HTTP server requests.";
    CONNECTIONS = "svgx.server.connections", UpDownCounter, "{connection}", 2, [],
        "Open connections of the public listener.";
    OPERATION_DURATION = "svgx.operation.duration", Latency, "s", 200,
        ["svgx.budget.class", "svgx.operation.name"],
        "Duration of an operation from the last byte of its body to its answer, by class of budget.";
    OPERATION_OUTCOMES = "svgx.operation.outcomes", Counter, "{operation}", 300,
        ["svgx.budget.class", "svgx.slo.outcome", "svgx.slo.reason"],
        "Operations by how they ended.";
    PRECISION = "svgx.precision.delivered", Counter, "{answer}", 20,
        ["svgx.budget.class", "svgx.tier"],
        "Answers by the tier they were delivered at.";
    QUEUE_WAIT = "svgx.queue.wait", Latency, "s", 10, ["svgx.budget.class"],
        "Time between admission and the start of the work.";
    COST_PREDICTED = "svgx.cost.predicted", Counter, "s", 10, ["svgx.budget.class"],
        "Processor time the cost model predicted for the work that was done.";
    COST_ACTUAL = "svgx.cost.actual", Counter, "s", 10, ["svgx.budget.class"],
        "Processor time the work took.";
    COST_ERROR = "svgx.cost.error", Size, "1", 10, ["svgx.budget.class"],
        "Measured processor time of a piece of work divided by the time the cost model predicted.";
    ELEMENTS = "svgx.document.elements", Size, "{element}", 20, ["svgx.operation.name"],
        "Elements of the documents worked on.";
    BODIES = "svgx.physics.bodies", Size, "{body}", 10, ["svgx.solver.name"],
        "Bodies looked at in a simulation.";
    CONSTRAINTS = "svgx.constraint.count", Size, "{constraint}", 4, [],
        "Constraints of a solve.";
    ITERATIONS = "svgx.solver.iterations", Size, "{iteration}", 10, ["svgx.solver.name"],
        "Iterations of a solver until it stopped; steps of a simulation.";
    RESIDUAL = "svgx.solver.residual", Error, "mm", 10, ["svgx.solver.name"],
        "What a solver left over: the largest residual of the constraints, the estimated error of a simulation.";
    CACHE_REQUESTS = "svgx.cache.requests", Counter, "{request}", 4, ["svgx.cache.result"],
        "Look-ups in the document cache.";
    CACHE_SIZE = "svgx.cache.size", Gauge, "By", 2, [],
        "Bytes held by the document cache.";
    SESSIONS = "svgx.session.live", Gauge, "{session}", 2, [],
        "Sessions held in memory.";
    STORE_AVAILABLE = "svgx.session.store.available", Gauge, "{store}", 2, ["svgx.store.kind"],
        "1 while the session store takes writes, 0 after an I/O error until it can write again.";
    STORE_WEAK = "svgx.session.store.weak", Gauge, "{store}", 2, [],
        "1 while the server of the session store is set so that acknowledged edits could be lost.";
    SESSIONS_TAKEN = "svgx.session.taken", Counter, "{session}", 2, [],
        "Sessions taken over from another replica.";
    SESSIONS_HANDED_OVER = "svgx.session.handed_over", Counter, "{session}", 4, ["svgx.handover.reason"],
        "Sessions that were given to other replicas, by reason.";
    JOBS_BACKLOG = "svgx.jobs.backlog", Gauge, "s", 2, [],
        "How long the jobs that wait in the queue of the store will take the processes that take jobs.";
    JOBS_OLDEST = "svgx.jobs.oldest", Gauge, "s", 2, [],
        "Age of the oldest job that waits in the queue of the store.";
    JOBS_DEAD = "svgx.jobs.dead", Gauge, "{job}", 2, [],
        "Jobs that were set aside after several tries, each ended by a fault of the service.";
    JOBS_DIVERGENT = "svgx.jobs.divergent", Counter, "{job}", 2, [],
        "Answers to a job that differ from another answer to the same job.";
    JOBS_ATTEMPTS = "svgx.jobs.attempts", Counter, "{attempt}", 2, [],
        "Jobs of the queue that this process began.";
    JOBS_TAKEN_OVER = "svgx.jobs.taken_over", Counter, "{job}", 2, [],
        "Jobs whose worker said nothing for the length of a lease, as this process found.";
    JOBS_LIVE = "svgx.jobs.live", Gauge, "{job}", 4, ["svgx.job.state"],
        "Jobs of the queue of the store that have not ended, by what they do.";
    JOBS_WORKERS = "svgx.jobs.workers", Gauge, "{worker}", 4, ["svgx.worker.kind"],
        "Processes that take jobs of the queue of the store, by whether they do anything else.";
    JOBS_TRIES = "svgx.jobs.tries", Counter, "{attempt}", 10, ["svgx.try.end"],
        "Attempts at jobs of the queue that ended in this process, by how.";
    FORWARDS = "svgx.forward.requests", Counter, "{request}", 10, ["svgx.forward.outcome"],
        "Requests that were passed on to another replica, by what came of it; a stream counts once.";
    STORE_WAIT = "svgx.store.wait", Latency, "s", 2, [],
        "Time an edit waited to be durable.";
    STREAMS = "svgx.stream.open", UpDownCounter, "{stream}", 4, ["svgx.stream.transport"],
        "Open streams of sessions.";
    STREAM_RESETS = "svgx.stream.resets", Counter, "{reset}", 10, ["svgx.stream.reason"],
        "Whole drawings that clients of streams were sent, by reason.";
    STREAM_DROPPED = "svgx.stream.dropped", Counter, "{frame}", 2, [],
        "Frames of streams that were thrown away because their client took them too slowly.";
    BURN_RATE = "svgx.slo.burn_rate", Gauge, "1", 20, ["svgx.budget.class", "svgx.slo.window"],
        "How fast the error budget is spent, as the controller sees it: 1 spends it exactly.";
    DECISIONS = "svgx.slo.decisions", Counter, "{decision}", 40, ["svgx.slo.reason"],
        "Decisions and endings by reason.";
    LADDER = "svgx.slo.precision", Gauge, "mm", 2, [],
        "The step of the tier that the ladder stands at.";
    TIER_MOVES = "svgx.slo.tier_moves", Counter, "{move}", 2, [],
        "Moves of the ladder.";
    LANE_JOBS = "svgx.lane.jobs", Gauge, "{job}", 10, ["svgx.lane.name", "svgx.lane.state"],
        "Jobs in the queues and on the workers.";
    LANE_BACKLOG = "svgx.lane.backlog", Gauge, "s", 4, ["svgx.lane.name"],
        "Predicted processor time waiting.";
    CORES = "svgx.capacity.cores", Gauge, "{cpu}", 2, [],
        "Processors the process may use, from its control group.";
    CAPACITY = "svgx.capacity.effective", Gauge, "{cpu}", 2, [],
        "Processors that work really gets, as the controller measures it.";
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
    TELEMETRY_SENT = "svgx.telemetry.sent", Counter, "{item}", 4, ["svgx.telemetry.signal"],
        "Spans, metric points and log records that the collector accepted.";
    TELEMETRY_LOST = "svgx.telemetry.lost", Counter, "{item}", 10,
        ["svgx.telemetry.signal", "svgx.telemetry.loss"],
        "Spans, metric points and log records that did not reach the collector.";
}

/// The name in Prometheus: dots to underscores, the unit as a suffix, `_total` on counters.
pub fn prometheus_name(metric: &Metric) -> String {
    prometheus(metric.name, metric.unit, metric.kind == Kind::Counter)
}

/// As [`prometheus_name`], from what a metric declares.
pub fn prometheus(name: &str, unit: &str, counter: bool) -> String {
    let mut name = name.replace('.', "_");
    let suffix = match unit {
        "s" => "_seconds",
        "By" => "_bytes",
        "1" => "_ratio",
        "mm" => "_mm",
        _ => "",
    };
    if !name.ends_with(suffix) {
        name.push_str(suffix);
    }
    if counter {
        name.push_str("_total");
    }
    name
}
