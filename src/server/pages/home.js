// The first page: the open drawing, and the controller's state as it streams in.
"use strict";

const KEY = "svgx-key";
const SESSION = "sessions/default/drawing.svg";
const find = (id) => document.getElementById(id);

let drawingTag = null;
let drawingAddress = null;

/** A request with the key of this tab. */
function ask(path, options = {}) {
  const headers = new Headers(options.headers);
  const key = sessionStorage.getItem(KEY);
  if (key) headers.set("Authorization", `Bearer ${key}`);
  return fetch(path, { ...options, headers, cache: "no-store" });
}

/** Shows the form where a key is missing or not known. */
function wantKey() {
  const wrong = sessionStorage.getItem(KEY) !== null;
  sessionStorage.removeItem(KEY);
  find("key").hidden = false;
  find("key-error").textContent = wrong ? "That key is not known here." : "";
  find("key-text").focus();
}

function element(name, text, className) {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

const milliseconds = (value) => (value === null ? "no requests" : `${value.toFixed(1)} ms`);

function showClass(row) {
  const line = document.createElement("tr");
  const name = element("th", row.class);
  name.scope = "row";
  const share = row.p95_ms === null ? 0 : row.p95_ms / row.budget_ms;
  const mark = share > 1 ? "over" : share > 0.8 ? "near" : "good";
  const meter = document.createElement("meter");
  meter.max = 1;
  meter.high = 0.8;
  meter.optimum = 0;
  meter.value = Math.min(share, 1);
  meter.setAttribute("aria-label", `${row.class}: share of the budget`);
  const bar = document.createElement("td");
  bar.append(meter, element("span", ` ${Math.round(share * 100)} %`));
  const window = (name) => row.windows.find((w) => w.window === name) ?? row.windows[0];
  line.append(
    name,
    element("td", milliseconds(row.p95_ms), row.p95_ms === null ? "quiet" : mark),
    element("td", `${row.budget_ms} ms`),
    bar,
    element("td", String(window("12s").arrived)),
    element("td", `${Math.max(0, window("1h").budget_left * 100).toFixed(0)} %`),
  );
  return line;
}

function show(status) {
  find("classes").replaceChildren(...status.classes.map(showClass));
  const lanes = status.lanes;
  const sum = (name) => lanes.reduce((all, lane) => all + lane[name], 0);
  const figures = [
    ["Physics precision", status.tier],
    ["Controller", status.mode],
    ["Processors", `${status.capacity.toFixed(2)} of ${status.cores}`],
    ["Running", String(sum("running"))],
    ["Waiting", String(sum("waiting"))],
  ];
  find("figures").replaceChildren(
    ...figures.map(([name, value]) => {
      const pair = document.createElement("div");
      pair.append(element("dt", name), element("dd", value));
      return pair;
    }),
  );
  const worst = status.classes.filter((c) => c.p95_ms !== null && c.p95_ms > c.budget_ms);
  const text = worst.length
    ? `Over its budget: ${worst.map((c) => c.class).join(", ")}.`
    : "Every class is inside its budget.";
  // Said once, so that a screen reader is not told the same every second.
  if (find("state").textContent !== text) find("state").textContent = text;
}

async function showDrawing() {
  const headers = drawingTag ? { "If-None-Match": drawingTag } : {};
  const answer = await ask(SESSION, { headers });
  const image = document.querySelector("#drawing img");
  const caption = document.querySelector("#drawing figcaption");
  if (answer.status === 304) return;
  if (answer.status === 401) return wantKey();
  if (answer.ok) {
    drawingTag = answer.headers.get("ETag");
    if (drawingAddress) URL.revokeObjectURL(drawingAddress);
    drawingAddress = URL.createObjectURL(await answer.blob());
    image.src = drawingAddress;
    image.alt = "The drawing of the session “default” as it is now";
    image.hidden = false;
    caption.textContent = "The session “default”, edits included.";
  } else if (answer.status !== 503) {
    const problem = await answer.json().catch(() => ({}));
    drawingTag = null;
    image.hidden = true;
    caption.textContent = `No drawing: ${problem.detail ?? `status ${answer.status}`}`;
  }
}

let shownTrace = null;

/** The kept traces to choose from; the newest is shown until somebody chooses. */
async function showTraces() {
  const answer = await ask("traces");
  // Without the key of an operator there is nothing to see, which is no failure.
  find("traces").hidden = !answer.ok;
  if (!answer.ok) return;
  const { traces } = await answer.json();
  find("traces").hidden = traces.length === 0;
  const choice = find("trace-choice");
  const chosen = choice.dataset.chosen;
  // A list that changes under an open menu is a nuisance.
  if (document.activeElement !== choice) {
    choice.replaceChildren(
      ...traces.slice(0, 20).map((trace) => {
        const text = `${trace.name}, ${trace.duration_ms.toFixed(1)} ms, ${trace.outcome}`;
        const option = element("option", text);
        option.value = trace.trace_id;
        option.selected = trace.trace_id === chosen;
        return option;
      }),
    );
  }
  await showTrace();
}

async function showTrace() {
  const id = find("trace-choice").value;
  if (!id || id === shownTrace) return;
  const answer = await ask(`traces/${id}`);
  if (!answer.ok) return;
  const { duration_ms: whole, intervals } = await answer.json();
  const parents = new Map(intervals.map((span) => [span.span_id, span.parent_id]));
  const depth = (id) => {
    let steps = 0;
    for (let at = parents.get(id); parents.has(at) && steps < 12; at = parents.get(at)) steps += 1;
    return steps;
  };
  const share = (part) => `${Math.min(100, (100 * part) / Math.max(whole, 1e-6))}%`;
  document.querySelector("#waterfall tbody").replaceChildren(
    ...intervals.slice(0, 200).map((span) => {
      const line = document.createElement("tr");
      const name = element("th", span.name);
      name.scope = "row";
      name.style.paddingLeft = `${depth(span.span_id) * 0.8}rem`;
      const track = element("td", "", "wide");
      const bar = element("div", "", "span");
      bar.style.marginLeft = share(span.start_ms);
      bar.style.width = share(span.duration_ms);
      track.append(bar);
      const ms = (value) => element("td", `${value.toFixed(2)} ms`);
      line.append(name, ms(span.start_ms), ms(span.duration_ms), track);
      return line;
    }),
  );
  shownTrace = id;
}

find("trace-choice").addEventListener("change", (event) => {
  event.target.dataset.chosen = event.target.value;
  showTrace().catch(() => {});
});

/** Reads server-sent events; `EventSource` can send no key. */
async function follow() {
  const answer = await ask("slo/stream", { headers: { Accept: "text/event-stream" } });
  if (answer.status === 401) {
    wantKey();
    return false;
  }
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  find("key").hidden = true;
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return true;
    text += value;
    const events = text.split("\n\n");
    text = events.pop();
    for (const event of events) {
      const data = event.split("\n").find((line) => line.startsWith("data: "));
      if (data) show(JSON.parse(data.slice(6)));
    }
    showDrawing().catch(() => {});
    showTraces().catch(() => {});
  }
}

async function run() {
  let wait = 1000;
  for (;;) {
    try {
      if (!(await follow())) return;
      wait = 1000;
    } catch {
      find("state").textContent = "The service does not answer; trying again.";
      wait = Math.min(wait * 2, 30000);
    }
    await new Promise((done) => setTimeout(done, wait * (0.5 + Math.random())));
  }
}

find("key").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(KEY, find("key-text").value.trim());
  find("key-text").value = "";
  run();
});
run();
