// Shows the drawing of a session of an SVGX engine at another origin, and drags what is in it.
// docs/embedding.md explains the parts.

/** At most this often is a drag sent: 60 Hz. */
const TICK_MS = 1000 / 60;
/** Longer than this is not waited by itself. */
const MOST_WAIT_MS = 30_000;

const find = (id) => document.getElementById(id);
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** A failure that the engine explained (RFC 9457). */
class Problem extends Error {
  constructor(document, answer) {
    super(document.detail ?? `status ${answer.status}`);
    this.document = document;
    this.status = answer.status;
    // Milliseconds where the engine says them, else the seconds of HTTP.
    const seconds = Number(answer.headers.get("Retry-After") ?? 0);
    this.waitMs = Number(answer.headers.get("X-SVGX-Retry-After-Ms") ?? seconds * 1000);
  }

  /** Whether the same request may succeed later. */
  get passes() {
    return this.status === 429 || this.status === 503;
  }
}

/** An engine, a session in it, and the key for it. */
class Engine {
  constructor(address, session, key) {
    this.address = address.replace(/\/+$/, "");
    this.session = session;
    this.key = key;
    this.tag = null;
  }

  /** One request; what failed is thrown as a Problem. */
  async ask(path, options = {}) {
    const headers = new Headers(options.headers);
    headers.set("X-SVGX-Session", this.session);
    if (this.key) headers.set("Authorization", `Bearer ${this.key}`);
    const answer = await fetch(this.address + path, { ...options, headers, cache: "no-store" });
    if (answer.ok || answer.status === 304) return answer;
    throw new Problem(await answer.json().catch(() => ({})), answer);
  }

  /** The same, again after each refusal that passes, when the engine says; for what must not be lost. */
  async insist(path, options = {}) {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const again = attempt ? { "X-Retry-Attempt": String(attempt) } : {};
        return await this.ask(path, { ...options, headers: { ...options.headers, ...again } });
      } catch (error) {
        if (!(error instanceof Problem) || !error.passes || attempt === 8) throw error;
        const wait = Math.min(error.waitMs || 200 * 2 ** attempt, MOST_WAIT_MS);
        say(`The engine is busy: again in ${Math.ceil(wait)} ms.`);
        // Not everybody at the same moment.
        await pause(wait * (1 + Math.random() / 4));
      }
    }
  }

  body(operation) {
    return { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(operation) };
  }

  /** An operation of the session. */
  async operate(operation, insisting = true) {
    const request = this.body(operation);
    const answer = insisting ? await this.insist("/interactive", request) : await this.ask("/interactive", request);
    return answer.json();
  }

  /** The drawing as text; `null` where it is the one that was fetched last. */
  async drawing() {
    const headers = { Accept: "image/svg+xml", ...(this.tag ? { "If-None-Match": this.tag } : {}) };
    const answer = await this.insist(`/sessions/${encodeURIComponent(this.session)}/drawing.svg`, { headers });
    if (answer.status === 304) return null;
    this.tag = answer.headers.get("ETag");
    return answer.text();
  }
}

/** One drag: the newest place is sent, one request at a time. */
class Drag {
  constructor(engine, element, from) {
    this.engine = engine;
    this.element = element;
    this.from = from;
    this.next = null;
    this.ended = false;
    this.sent = 0;
    this.most = 0;
    this.flying = 0;
  }

  /** Where the pointer is now. What was not sent yet is forgotten. */
  to(place) {
    this.next = place;
  }

  async operate(operation, insisting) {
    this.flying += 1;
    this.most = Math.max(this.most, this.flying);
    this.sent += 1;
    try {
      const { result } = await this.engine.operate(operation, insisting);
      for (const change of result.attributes_changed) apply(change);
      return result;
    } finally {
      this.flying -= 1;
    }
  }

  async run() {
    // The start and the end must arrive; a tick in between may be lost, for the next one follows.
    await this.operate({ operation: "drag_start", element_id: this.element.id, coordinates: this.from }, true);
    let last = this.from;
    while (!this.ended) {
      const began = performance.now();
      let wait = 0;
      if (this.next) {
        last = this.next;
        this.next = null;
        try {
          await this.operate({ operation: "drag_move", coordinates: last }, false);
        } catch (error) {
          if (!(error instanceof Problem) || !error.passes) throw error;
          wait = Math.min(error.waitMs || 100, 1000);
        }
      }
      await pause(Math.max(wait, TICK_MS - (performance.now() - began)));
    }
    await this.operate({ operation: "drag_end", coordinates: this.next ?? last }, true);
  }
}

/** Puts a change of the session into the drawing that is shown. */
function apply({ element_id: id, name, new_value: value }) {
  const element = document.querySelector(`#drawing [id="${CSS.escape(id)}"]`);
  // What belongs to the language is not in the picture.
  if (!element || name.includes(":")) return;
  if (value === null) element.removeAttribute(name);
  else element.setAttribute(name, value);
}

function say(text) {
  find("said").textContent = text;
}

/** Shows what went wrong, in the engine's words, with the page that explains it. */
function showProblem(error, engine) {
  const place = find("problem");
  place.replaceChildren(error.message);
  if (error instanceof Problem && error.document.type) {
    const link = document.createElement("a");
    link.href = new URL(error.document.type, `${engine.address}/`).href;
    link.textContent = error.document.title ?? "more";
    place.append(" (", link, `, trace ${error.document.trace_id})`);
  }
}

async function show(engine) {
  const text = await engine.drawing();
  if (text === null) return;
  // The engine writes by allow-list: no scripts, no handlers, nothing from elsewhere.
  const svg = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  find("drawing").replaceChildren(document.importNode(svg, true));
}

/** The pointer in user units of the drawing. */
function place(event) {
  const svg = find("drawing").querySelector("svg");
  const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
  return { x, y };
}

let engine = null;
let drag = null;

find("engine").addEventListener("submit", async (event) => {
  event.preventDefault();
  const fields = new FormData(event.target);
  engine = new Engine(fields.get("address"), fields.get("session"), fields.get("key"));
  find("problem").replaceChildren();
  try {
    await show(engine);
    say(`The session “${engine.session}”. Drag something.`);
  } catch (error) {
    find("drawing").replaceChildren();
    say("No drawing.");
    showProblem(error, engine);
  }
});

find("drawing").addEventListener("pointerdown", async (event) => {
  const element = event.target.closest("[id]");
  if (!engine || drag || !element || element.id === "drawing") return;
  event.preventDefault();
  find("drawing").setPointerCapture(event.pointerId);
  find("problem").replaceChildren();
  element.classList.add("held");
  drag = new Drag(engine, element, place(event));
  const held = drag;
  try {
    await held.run();
    say(`Dragged ${element.id}: ${held.sent} requests, ${held.most} at a time.`);
  } catch (error) {
    say("The drag ended early.");
    showProblem(error, engine);
  } finally {
    drag = null;
    element.classList.remove("held");
    // Constraints and formulas may have moved more than the answers to the ticks said.
    await show(engine).catch((error) => showProblem(error, engine));
  }
});
find("drawing").addEventListener("pointermove", (event) => drag?.to(place(event)));
for (const end of ["pointerup", "pointercancel"]) {
  find("drawing").addEventListener(end, (event) => {
    if (!drag) return;
    if (end === "pointerup") drag.to(place(event));
    drag.ended = true;
  });
}
