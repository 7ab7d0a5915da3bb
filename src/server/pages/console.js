// Built from clients/console by 'npm run build'; never edited.
"use strict";
(() => {
  // ../typescript/src/ask.ts
  var Problem = class extends Error {
    document;
    /** Seconds after which asking again is worth it, where the service said so. */
    retryAfter;
    constructor(document2, retryAfter) {
      super(document2.detail ?? document2.title);
      this.name = "Problem";
      this.document = document2;
      this.retryAfter = retryAfter;
    }
    get code() {
      return this.document.code ?? "unknown";
    }
  };
  async function ask(access2, path, options = {}) {
    const headers = new Headers(options.headers);
    if (access2.key) headers.set("Authorization", `Bearer ${access2.key}`);
    const answer = await fetch(new URL(path, access2.base), { ...options, headers, cache: "no-store" });
    if (answer.ok || answer.status === 304) return answer;
    const other = { type: "about:blank", title: `status ${answer.status}`, status: answer.status };
    const document2 = await answer.json().catch(() => other);
    const wait = Number(answer.headers.get("Retry-After"));
    throw new Problem(document2, wait > 0 ? wait : void 0);
  }

  // ../typescript/src/stream.ts
  var PROTOCOL = "svgx.v1";
  var MOST_PENDING = 1e3;
  var SOON = 250;
  var LATE = 15e3;
  var PATIENCE = 1e4;
  var TRIES = 5;
  var SessionStream = class {
    #options;
    #socket = null;
    #state = "connecting";
    #participant;
    #connection;
    #token;
    /** The last patch that was done; none until a drawing came. */
    #sequence;
    /** A drawing was asked for: patches are of no use until it comes. */
    #lost = true;
    #greeted = false;
    #attempt = 0;
    #number = 0;
    #prefix = Math.random().toString(36).slice(2, 12);
    #pending = /* @__PURE__ */ new Map();
    #people = /* @__PURE__ */ new Map();
    #timer;
    #watch;
    #here = {};
    constructor(options) {
      this.#options = options;
      this.#participant = options.participant;
      this.#open();
      this.#watch = setInterval(() => this.#look(), 1e3);
    }
    get state() {
      return this.#state;
    }
    get participant() {
      return this.#participant;
    }
    get connection() {
      return this.#connection;
    }
    /** The last patch that was done. */
    get sequence() {
      return this.#sequence ?? 0;
    }
    /** Operations without an answer. */
    get pending() {
      return this.#pending.size;
    }
    /** Everybody who is there, this one included. */
    get people() {
      return [...this.#people.values()];
    }
    /**
     * Does an operation; what the service answers. Operations are done in the order they are given,
     * each after the answer to the one before. One is kept over a lost connection and sent again with
     * the same id, so that it is done once.
     *
     * @throws {Problem} where the service refuses it.
     */
    operation(operation) {
      return this.#send(operation, false);
    }
    /**
     * The same for what is of no use later, such as a tick of a drag: it is sent at once or not at all,
     * and is dropped with the connection.
     */
    tick(operation) {
      return this.#send(operation, true);
    }
    /** Tells the others where one points and what one has selected. */
    presence(here) {
      this.#here = here;
      if (this.#greeted) this.#write({ frame: "presence", ...here });
    }
    /** Asks for the whole drawing. */
    reset() {
      if (this.#lost) return;
      this.#lost = true;
      this.#write({ frame: "reset" });
    }
    /** Drops the connection as a network would; it comes back. */
    reconnect() {
      this.#socket?.close();
    }
    /** Ends it; what has no answer fails. */
    close() {
      clearTimeout(this.#timer);
      clearInterval(this.#watch);
      this.#become("closed");
      this.#socket?.close();
      this.#socket = null;
      for (const pending of this.#pending.values()) pending.failed(new Error("the stream was closed"));
      this.#pending.clear();
    }
    #send(operation, transient) {
      if (this.#state === "closed") return Promise.reject(new Error("the stream is closed"));
      if (transient && !this.#greeted) return Promise.reject(new Error("there is no connection"));
      if (this.#pending.size >= MOST_PENDING) return Promise.reject(new Error(`${MOST_PENDING} operations wait already`));
      this.#number += 1;
      const id = `${this.#prefix}-${this.#number}`;
      return new Promise((done, failed) => {
        const pending = { id, operation, done, failed, transient, tries: 0, sent: 0, resting: false };
        if (transient && this.#waits()) return failed(new Error("operations before it are not sent yet"));
        this.#pending.set(id, pending);
        if (transient) this.#ask(pending);
        else this.#next();
      });
    }
    /** Whether an operation has not been sent. */
    #waits() {
      for (const pending of this.#pending.values()) if (!pending.transient && pending.sent === 0) return true;
      return false;
    }
    /** Sends the first operation, where it is not on its way: what follows it may depend on it. */
    #next() {
      if (!this.#greeted) return;
      for (const pending of this.#pending.values()) {
        if (pending.transient) continue;
        if (pending.sent === 0 && !pending.resting) this.#ask(pending);
        return;
      }
    }
    #ask(pending) {
      pending.sent = Date.now();
      this.#write({ frame: "operation", id: pending.id, base: this.sequence, operation: pending.operation });
    }
    #write(frame) {
      if (this.#socket?.readyState === 1) this.#socket.send(JSON.stringify(frame));
    }
    #become(state, why) {
      if (this.#state === state && state !== "waiting") return;
      this.#state = state;
      this.#options.onState?.(state, why);
    }
    #open() {
      const { base, session: session2, key: key2 } = this.#options;
      const url = new URL(`sessions/${encodeURIComponent(session2)}/live`, base);
      url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
      const protocols = key2 ? [PROTOCOL, `svgx.key.${base64url(key2)}`] : [PROTOCOL];
      const Socket = this.#options.WebSocket ?? WebSocket;
      const socket = new Socket(url.href, protocols);
      this.#socket = socket;
      socket.onopen = () => {
        this.#write({
          frame: "hello",
          ...this.#participant === void 0 ? {} : { participant: this.#participant },
          ...this.#options.name === void 0 ? {} : { name: this.#options.name },
          ...this.#token === void 0 ? {} : { resume: this.#token }
        });
      };
      socket.onmessage = (message) => {
        if (this.#socket === socket) this.#take(JSON.parse(String(message.data)));
      };
      socket.onerror = () => {
      };
      socket.onclose = (closed) => {
        if (this.#socket === socket) this.#ended(closed.reason || `closed with ${closed.code}`);
      };
    }
    #ended(why) {
      this.#socket = null;
      this.#greeted = false;
      if (this.#state === "closed") return;
      for (const [id, pending] of this.#pending) {
        pending.sent = 0;
        if (!pending.transient) continue;
        this.#pending.delete(id);
        pending.failed(new Error("the connection was lost"));
      }
      this.#people.clear();
      this.#become("waiting", why);
      const wait = Math.min(LATE, SOON * 2 ** this.#attempt) * (0.5 + Math.random());
      this.#attempt += 1;
      this.#timer = setTimeout(() => this.#open(), wait);
    }
    /** A connection that is gone without a word shows only in answers that do not come. */
    #look() {
      const late = Date.now() - PATIENCE;
      for (const pending of this.#pending.values()) {
        if (this.#greeted && pending.sent > 0 && pending.sent < late) return this.reconnect();
      }
    }
    #take(frame) {
      switch (frame.frame) {
        case "hello":
          this.#participant = frame.participant;
          this.#connection = frame.connection;
          this.#greeted = true;
          this.#attempt = 0;
          this.#lost = !frame.resumed;
          this.#people.clear();
          for (const person of frame.participants) this.#people.set(person.connection, person);
          this.#become("open");
          this.#options.onHello?.(frame);
          this.#options.onPresence?.(this.people);
          if (Object.keys(this.#here).length > 0) this.#write({ frame: "presence", ...this.#here });
          this.#next();
          return;
        case "reset":
          this.#token = frame.token;
          this.#sequence = frame.sequence;
          this.#lost = false;
          this.#people.clear();
          for (const person of frame.participants) this.#people.set(person.connection, person);
          this.#options.onReset?.(frame);
          this.#options.onPresence?.(this.people);
          return;
        case "patch":
          return this.#patch(frame);
        case "durable":
          return this.#options.onDurable?.(frame.sequence);
        case "answer":
          return this.#answered(frame);
        case "problem":
          return this.#refused(frame.id ?? void 0, frame.problem, frame.retry_after_ms ?? void 0);
        case "conflict":
          return this.#options.onConflict?.(frame);
        case "presence":
          for (const person of frame.here) this.#people.set(person.connection, person);
          for (const connection of frame.left) this.#people.delete(connection);
          return this.#options.onPresence?.(this.people);
      }
    }
    #patch(patch) {
      const next = (this.#sequence ?? 0) + 1;
      if (this.#lost || patch.sequence < next) return;
      if (patch.sequence > next) return this.reset();
      try {
        this.#options.onPatch?.(patch);
      } catch {
        return this.reset();
      }
      this.#sequence = patch.sequence;
      this.#token = patch.token;
    }
    #answered(answer) {
      const pending = this.#pending.get(answer.id);
      this.#pending.delete(answer.id);
      pending?.done(answer.outcome);
      this.#next();
    }
    #refused(id, document2, wait) {
      const problem = new Problem(document2, wait === void 0 ? void 0 : wait / 1e3);
      const pending = id === void 0 ? void 0 : this.#pending.get(id);
      if (!pending) {
        this.#options.onState?.(this.#state, problem.message);
        return;
      }
      if (wait !== void 0 && !pending.transient && pending.tries < TRIES) {
        pending.tries += 1;
        pending.sent = 0;
        pending.resting = true;
        setTimeout(() => {
          pending.resting = false;
          this.#next();
        }, wait);
        return;
      }
      this.#pending.delete(pending.id);
      pending.failed(problem);
      this.#next();
    }
  };
  function base64url(text) {
    const bytes = new TextEncoder().encode(text);
    return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  }

  // ../typescript/src/tree.ts
  var ELEMENT = 1;
  var TEXT = 3;
  var CDATA = 4;
  var XMLNS = "http://www.w3.org/2000/xmlns/";
  var Tree = class {
    document;
    #elements = /* @__PURE__ */ new Map();
    #handles = /* @__PURE__ */ new WeakMap();
    #parse;
    #observer;
    constructor(drawing, handles, parse, observer = {}) {
      this.#parse = parse;
      this.#observer = observer;
      this.document = parse(drawing);
      this.#know(this.root, handles);
    }
    get root() {
      const root = this.document.documentElement;
      if (!root) throw new Error("a drawing without an element");
      return root;
    }
    element(handle) {
      return this.#elements.get(handle);
    }
    handle(element) {
      return this.#handles.get(element);
    }
    /** How an operation calls an element. */
    name(element) {
      return element.getAttribute("id") || `@${this.#handles.get(element)}`;
    }
    /** The element that an operation calls so. */
    find(name) {
      if (name.startsWith("@")) return this.#elements.get(Number(name.slice(1)));
      return this.document.getElementById(name) ?? void 0;
    }
    /** Does the changes of a patch, in order. Throws where one does not fit: then the drawing has to come anew. */
    apply(changes) {
      for (const change of changes) this.#change(change);
    }
    #change(change) {
      const at = (handle) => {
        const found = this.#elements.get(handle);
        if (!found) throw new Error(`no element has the handle ${handle}`);
        return found;
      };
      switch (change.change) {
        case "set": {
          const element = at(change.element);
          const value = change.value ?? null;
          setAttribute(element, change.name, value);
          this.#observer.set?.(element, change.name, value);
          return;
        }
        case "add": {
          const added = this.#read(change.markup, at(change.parent));
          this.#know(added, change.handles);
          place(added, at(change.parent), change.at ?? null, change.before == null ? null : at(change.before));
          this.#observer.placed?.(added);
          return;
        }
        case "move": {
          const element = at(change.element);
          element.parentNode?.removeChild(element);
          place(element, at(change.parent), change.at ?? null, change.before == null ? null : at(change.before));
          this.#observer.placed?.(element);
          return;
        }
        case "text": {
          const element = at(change.element);
          element.textContent = change.text;
          this.#observer.text?.(element);
          return;
        }
        case "remove": {
          const element = at(change.element);
          for (const one of elements(element)) {
            const handle = this.#handles.get(one);
            if (handle !== void 0) this.#elements.delete(handle);
          }
          element.parentNode?.removeChild(element);
          this.#observer.removed?.(element);
        }
      }
    }
    /** Reads markup with the namespaces of the place it goes to. */
    #read(markup, parent) {
      const spaces = /* @__PURE__ */ new Map();
      for (let at = parent; at; at = at.parentNode?.nodeType === ELEMENT ? at.parentNode : null) {
        for (const { name, value } of Array.from(at.attributes)) {
          if ((name === "xmlns" || name.startsWith("xmlns:")) && !spaces.has(name)) spaces.set(name, value);
        }
      }
      const declared = [...spaces].map(([name, value]) => ` ${name}="${escape(value)}"`).join("");
      const root = this.#parse(`<place${declared}>${markup}</place>`).documentElement;
      const read2 = root && Array.from(root.childNodes).find((node) => node.nodeType === ELEMENT);
      if (!read2) throw new Error("markup without an element");
      return this.document.importNode(read2, true);
    }
    #know(root, handles) {
      const all = [...elements(root)];
      if (all.length !== handles.length) throw new Error(`${all.length} elements with ${handles.length} handles`);
      all.forEach((element, i) => {
        const handle = handles[i];
        this.#elements.set(handle, element);
        this.#handles.set(element, handle);
      });
    }
  };
  function* elements(root) {
    const open = [root];
    for (let next = open.pop(); next; next = open.pop()) {
      yield next;
      const inside = Array.from(next.childNodes).filter((node) => node.nodeType === ELEMENT);
      open.push(...inside.reverse());
    }
  }
  function place(element, parent, at, before) {
    let next = before;
    const mixed = Array.from(parent.childNodes).some((node) => isText(node) && (node.nodeValue ?? "").trim() !== "");
    if (at !== null && mixed) {
      let count = 0;
      next = parent.firstChild;
      while (next && count < at) {
        const text = isText(next);
        next = next.nextSibling;
        while (text && next && isText(next)) next = next.nextSibling;
        count += 1;
      }
    }
    parent.insertBefore(element, next);
  }
  function isText(node) {
    return node.nodeType === TEXT || node.nodeType === CDATA;
  }
  function setAttribute(element, name, value) {
    const prefix = name.includes(":") ? name.slice(0, name.indexOf(":")) : null;
    const space = name === "xmlns" || prefix === "xmlns" ? XMLNS : prefix === null ? null : element.lookupNamespaceURI(prefix);
    if (value === null) {
      element.removeAttribute(name);
    } else if (space === null) {
      element.setAttribute(name, value);
    } else {
      element.setAttributeNS(space, name, value);
    }
  }
  function escape(text) {
    return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/"/g, "&quot;");
  }

  // src/dom.ts
  function find(id) {
    const found = document.getElementById(id);
    if (!found) throw new Error(`the page has no #${id}`);
    return found;
  }
  function make(name, inside = [], attributes = {}) {
    const made = document.createElement(name);
    for (const [key2, value] of Object.entries(attributes)) made.setAttribute(key2, value);
    if (typeof inside === "string") made.textContent = inside;
    else made.append(...inside);
    return made;
  }
  function perFrame(work) {
    let asked = false;
    return () => {
      if (asked) return;
      asked = true;
      requestAnimationFrame(() => {
        asked = false;
        work();
      });
    };
  }
  function number(value) {
    return Number(value.toPrecision(6)).toString();
  }

  // src/controller.ts
  function show(status) {
    const rows = status.classes.map((row) => {
      const share = row.p95_ms === null ? 0 : row.p95_ms / row.budget_ms;
      const mark = row.p95_ms === null ? "quiet" : share > 1 ? "over" : share > 0.8 ? "near" : "good";
      return make("tr", [
        make("th", row.class, { scope: "row" }),
        make("td", row.p95_ms === null ? "–" : `${row.p95_ms.toFixed(1)} ms`, { class: mark }),
        make("td", `${row.budget_ms} ms`)
      ]);
    });
    find("classes").replaceChildren(...rows);
    find("tier").textContent = `Precision ${status.tier}, controller ${status.mode}`;
  }
  async function read(access2) {
    const answer = await ask(access2, "slo/stream", { headers: { Accept: "text/event-stream" } });
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (; ; ) {
      const { value, done } = await reader?.read() ?? { value: void 0, done: true };
      if (done) return;
      text += value;
      const events = text.split("\n\n");
      text = events.pop() ?? "";
      for (const event of events) {
        const data = event.split("\n").find((line) => line.startsWith("data: "));
        if (data) show(JSON.parse(data.slice(6)));
      }
    }
  }
  async function follow(access2) {
    for (let wait = 1e3; ; wait = Math.min(2 * wait, 3e4)) {
      try {
        await read(access2);
        wait = 1e3;
      } catch {
        find("tier").textContent = "The controller's state does not arrive; trying again.";
      }
      await new Promise((done) => setTimeout(done, wait));
    }
  }

  // src/stage.ts
  var STILL = 4;
  var SVG = "http://www.w3.org/2000/svg";
  var Stage = class {
    #options;
    #part = { x: 0, y: 0, width: 100, height: 100 };
    #gesture = null;
    #selected = [];
    #marked = [];
    #people = [];
    /** The last place of a drag, and whether the service still works on the one before. */
    #next = null;
    #ticking = false;
    #told = 0;
    #host = find("stage");
    #over = find("overlay");
    #draw = perFrame(() => this.#overlay());
    constructor(options) {
      this.#options = options;
      const host = this.#host;
      host.addEventListener("pointerdown", (event) => this.#down(event));
      host.addEventListener("pointermove", (event) => this.#move(event));
      host.addEventListener("pointerup", (event) => this.#up(event));
      host.addEventListener("pointercancel", () => this.#cancel());
      host.addEventListener("pointerleave", () => this.#tell(null));
      host.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
      host.addEventListener("keydown", (event) => this.#key(event));
      host.addEventListener("contextmenu", (event) => event.preventDefault());
      new ResizeObserver(() => this.#draw()).observe(host);
    }
    /** The drawing is another one. */
    begin() {
      this.#gesture = null;
      this.fit();
    }
    select(elements2) {
      this.#selected = elements2;
      this.refresh();
    }
    get selected() {
      return this.#selected;
    }
    /** Marks elements that somebody reads of beside the drawing. */
    mark(elements2) {
      this.#marked = elements2;
      this.refresh();
    }
    people(people) {
      this.#people = people;
      this.refresh();
    }
    /** Something was drawn anew: the frames around it are too. */
    refresh() {
      this.#draw();
    }
    fit() {
      this.#look(this.#options.view.whole);
    }
    zoom(factor, about) {
      const part = this.#part;
      const whole = this.#options.view.whole;
      const width = Math.min(Math.max(part.width * factor, whole.width / 1e4), whole.width * 100);
      const real = width / part.width;
      const { x, y } = about ?? { x: part.x + part.width / 2, y: part.y + part.height / 2 };
      this.#look({ x: x - (x - part.x) * real, y: y - (y - part.y) * real, width, height: part.height * real });
    }
    #look(part) {
      this.#part = part;
      this.#options.view.look(part);
      this.refresh();
    }
    #down(event) {
      if (this.#gesture || !this.#options.view.root) return;
      this.#host.focus({ preventScroll: true });
      this.#host.setPointerCapture(event.pointerId);
      const at = { x: event.clientX, y: event.clientY };
      const place2 = this.#options.view.place(at.x, at.y);
      if (event.button === 1 || event.button === 2 || event.button === 0 && event.altKey && event.shiftKey) {
        this.#gesture = { kind: "pan", from: at, part: this.#part };
      } else if (this.#options.tool() !== "select") {
        this.#gesture = { kind: "draw", from: place2 };
      } else {
        const on = this.#options.view.at(at.x, at.y) !== void 0;
        this.#gesture = { kind: "press", at, place: place2, on, adds: event.ctrlKey || event.metaKey };
      }
      event.preventDefault();
    }
    #move(event) {
      const at = { x: event.clientX, y: event.clientY };
      const place2 = this.#options.view.place(at.x, at.y);
      this.#tell(place2);
      const gesture = this.#gesture;
      if (!gesture) return;
      if (gesture.kind === "press" && Math.hypot(at.x - gesture.at.x, at.y - gesture.at.y) > STILL) {
        if (!gesture.on) {
          this.#gesture = { kind: "area", from: gesture.place };
        } else {
          this.#gesture = { kind: "drag" };
          if (!this.#holds(gesture.at)) void this.#options.act({ operation: "select", coordinates: gesture.place });
          void this.#options.act({ operation: "drag_start", coordinates: gesture.place });
        }
      }
      switch (this.#gesture?.kind) {
        case "pan": {
          const { from, part } = this.#gesture;
          const [now, then] = [place2, this.#options.view.place(from.x, from.y)];
          this.#look({ ...part, x: this.#part.x - (now.x - then.x), y: this.#part.y - (now.y - then.y) });
          this.#gesture.from = at;
          return;
        }
        case "drag":
          return this.#tick(place2, event);
        case "area":
        case "draw":
          this.#next = { place: place2, modifiers: {} };
          return this.refresh();
      }
    }
    /** Whether what is there is selected, by itself or with what it is in. */
    #holds(at) {
      const { view: view2 } = this.#options;
      let element = view2.at(at.x, at.y) ?? null;
      for (; element; element = element.parentElement) {
        if (this.#selected.includes(view2.tree?.name(element) ?? "")) return true;
      }
      return false;
    }
    /** Sends where the pointer is: the newest place, as soon as the service is done with the last. */
    #tick(place2, event) {
      this.#next = { place: place2, modifiers: { alt: event.altKey, shift: event.shiftKey } };
      const stream2 = this.#options.stream();
      if (this.#ticking || !stream2) return;
      const { modifiers } = this.#next;
      this.#next = null;
      this.#ticking = true;
      stream2.tick({ operation: "drag_move", coordinates: place2, modifiers, snap: this.#options.snap() }).catch(() => {
      }).finally(() => {
        this.#ticking = false;
        const next = this.#next;
        if (next && this.#gesture?.kind === "drag") this.#tick(next.place, { altKey: event.altKey, shiftKey: event.shiftKey });
      });
    }
    #up(event) {
      const gesture = this.#gesture;
      this.#gesture = null;
      this.#next = null;
      const place2 = this.#options.view.place(event.clientX, event.clientY);
      const modifiers = { ctrl: event.ctrlKey, meta: event.metaKey, alt: event.altKey, shift: event.shiftKey };
      switch (gesture?.kind) {
        case "press":
          void this.#options.act(
            gesture.on ? { operation: "click", coordinates: gesture.place, modifiers } : { operation: "deselect" }
          );
          break;
        case "drag":
          void this.#options.act({ operation: "drag_end", coordinates: place2, modifiers, snap: this.#options.snap() });
          break;
        case "area":
          void this.#options.act({ operation: "select", area: boxOf(gesture.from, place2), touching: event.altKey, modifiers });
          break;
        case "draw":
          this.#add(gesture.from, place2);
      }
      this.refresh();
    }
    #cancel() {
      if (this.#gesture?.kind === "drag") void this.#options.act({ operation: "drag_end" });
      this.#gesture = null;
      this.refresh();
    }
    #add(from, to) {
      const whole = this.#options.view.whole;
      const stroke = number(Math.max(whole.width, whole.height) / 500);
      const look = `fill="none" stroke="#1b2330" stroke-width="${stroke}"`;
      const box = boxOf(from, to);
      const [x, y, width, height] = [box.x, box.y, box.width, box.height].map(number);
      let markup = "";
      switch (this.#options.tool()) {
        case "rect":
          if (box.width > 0 && box.height > 0) markup = `<rect x="${x}" y="${y}" width="${width}" height="${height}" ${look}/>`;
          break;
        case "line":
          if (box.width + box.height > 0) {
            markup = `<line x1="${number(from.x)}" y1="${number(from.y)}" x2="${number(to.x)}" y2="${number(to.y)}" ${look}/>`;
          }
          break;
        case "circle": {
          const r = Math.hypot(to.x - from.x, to.y - from.y);
          if (r > 0) markup = `<circle cx="${number(from.x)}" cy="${number(from.y)}" r="${number(r)}" ${look}/>`;
          break;
        }
        case "text": {
          const text = this.#options.text();
          const size = number(Math.max(whole.width, whole.height) / 40);
          const escaped = (text ?? "").replace(/&/g, "&amp;").replace(/</g, "&lt;");
          if (text) markup = `<text x="${number(to.x)}" y="${number(to.y)}" font-size="${size}">${escaped}</text>`;
        }
      }
      if (markup) void this.#options.act({ operation: "add", markup });
      this.#options.drawn();
    }
    #wheel(event) {
      event.preventDefault();
      this.zoom(Math.exp(Math.max(-100, Math.min(100, event.deltaY)) / 300), this.#options.view.place(event.clientX, event.clientY));
    }
    #key(event) {
      const { act: act2 } = this.#options;
      const command = event.ctrlKey || event.metaKey;
      const one = event.shiftKey ? 10 : 1;
      const moves = {
        ArrowLeft: [-1, 0],
        ArrowRight: [1, 0],
        ArrowUp: [0, -1],
        ArrowDown: [0, 1]
      };
      const move = moves[event.key];
      if (move && this.#selected.length > 0) {
        void act2({ operation: "move", dx: move[0] * one, dy: move[1] * one });
      } else if (move) {
        const step = this.#part.width / 10;
        this.#look({ ...this.#part, x: this.#part.x + move[0] * step, y: this.#part.y + move[1] * step });
      } else if ((event.key === "Delete" || event.key === "Backspace") && this.#selected.length > 0) {
        void act2({ operation: "delete" });
      } else if (event.key === "Escape") {
        this.#cancel();
        void act2({ operation: "deselect" });
      } else if (event.key === "+" || event.key === "=") {
        this.zoom(0.8);
      } else if (event.key === "-") {
        this.zoom(1.25);
      } else if (event.key === "0") {
        this.fit();
      } else if (command && event.key.toLowerCase() === "z") {
        void act2({ operation: event.shiftKey ? "redo" : "undo" });
      } else if (command && event.key.toLowerCase() === "y") {
        void act2({ operation: "redo" });
      } else if (command && event.key.toLowerCase() === "d") {
        void act2({ operation: "duplicate", dx: 10, dy: 10 });
      } else if (command && event.key.toLowerCase() === "g") {
        void act2({ operation: event.shiftKey ? "ungroup" : "group" });
      } else {
        return;
      }
      event.preventDefault();
    }
    /** Tells the others where the pointer is, twenty times a second at most. */
    #tell(cursor) {
      const now = performance.now();
      if (cursor && now - this.#told < 50) return;
      this.#told = now;
      this.#options.stream()?.presence({ ...cursor ? { cursor } : {}, selected: this.#selected.slice(0, 100) });
    }
    /** Frames, cursors and what is just being drawn: over the drawing, never in it. */
    #overlay() {
      const { view: view2 } = this.#options;
      const home = this.#host.getBoundingClientRect();
      const shapes = [];
      const shape = (name, attributes) => {
        const made = document.createElementNS(SVG, name);
        for (const [key2, value] of Object.entries(attributes)) made.setAttribute(key2, String(value));
        shapes.push(made);
        return made;
      };
      const frame = (name, kind, color) => {
        const element = view2.tree?.find(name);
        const box = element && view2.box(element);
        if (!box) return;
        const [x, y] = [box.x - home.x - 2, box.y - home.y - 2];
        const look = color ? { style: `stroke: ${color}` } : {};
        shape("rect", { class: kind, x, y, width: box.width + 4, height: box.height + 4, ...look });
      };
      for (const name of this.#selected) frame(name, "selected");
      for (const name of this.#marked) frame(name, "marked");
      const me = this.#options.stream()?.connection;
      for (const person of this.#people.filter((one) => one.connection !== me)) {
        const color = colorOf(person.connection);
        for (const name of person.selected ?? []) frame(name, "theirs", color);
        if (!person.cursor) continue;
        const at = view2.onPage(person.cursor);
        const [x, y] = [at.x - home.x, at.y - home.y];
        shape("path", { class: "cursor", d: `M${x} ${y}l4 14 3.5-5.5 6.5-1z`, style: `fill: ${color}` });
        shape("text", { class: "name", x: x + 12, y: y + 18, style: `fill: ${color}` }).textContent = nameOf(person);
      }
      const gesture = this.#gesture;
      if (this.#next && (gesture?.kind === "area" || gesture?.kind === "draw")) {
        const [a, b] = [view2.onPage(gesture.from), view2.onPage(this.#next.place)];
        const box = boxOf({ x: a.x - home.x, y: a.y - home.y }, { x: b.x - home.x, y: b.y - home.y });
        const tool2 = gesture.kind === "draw" ? this.#options.tool() : "rect";
        if (tool2 === "line") {
          shape("line", { class: "new", x1: a.x - home.x, y1: a.y - home.y, x2: b.x - home.x, y2: b.y - home.y });
        } else if (tool2 === "circle") {
          shape("circle", { class: "new", cx: a.x - home.x, cy: a.y - home.y, r: Math.hypot(b.x - a.x, b.y - a.y) });
        } else {
          shape("rect", { class: gesture.kind === "area" ? "area" : "new", ...box });
        }
      }
      this.#over.replaceChildren(...shapes);
    }
  };
  function boxOf(a, b) {
    return { x: Math.min(a.x, b.x), y: Math.min(a.y, b.y), width: Math.abs(a.x - b.x), height: Math.abs(a.y - b.y) };
  }
  function nameOf(person) {
    return person.name || `Guest ${person.participant.slice(0, 4)}`;
  }
  function colorOf(connection) {
    return `hsl(${connection * 5 % 12 * 30} 75% 42%)`;
  }

  // src/panels.ts
  var LISTED = 500;
  var SAID = 50;
  var Panels = class {
    #options;
    #selected = [];
    #values = /* @__PURE__ */ new Map();
    #listSoon = perFrame(() => this.#list());
    #attributesSoon = perFrame(() => this.#attributes());
    #valuesSoon = perFrame(() => this.#showValues());
    constructor(options) {
      this.#options = options;
      const list = find("elements");
      list.addEventListener("change", () => {
        const chosen = Array.from(list.selectedOptions, (option) => option.value);
        void options.act(chosen.length > 0 ? { operation: "select", element_ids: chosen } : { operation: "deselect" });
      });
      find("set").addEventListener("submit", (event) => {
        event.preventDefault();
        const [name, value] = [find("set-name"), find("set-value")];
        const [element] = this.#selected;
        if (!element) return;
        void options.act({ operation: "set_attribute", element_id: element, name: name.value.trim(), value: value.value });
        value.value = "";
      });
      find("constrain").addEventListener("submit", (event) => {
        event.preventDefault();
        const type = find("constrain-type").value;
        const text = find("constrain-value").value;
        const constraint = { type, elements: this.#selected, ...text === "" ? {} : { value: Number(text) } };
        void options.act({ operation: "add_constraint", constraint });
      });
    }
    /** Something in the tree is another. */
    changed(structure) {
      if (structure) this.#listSoon();
      this.#attributesSoon();
    }
    state(state) {
      this.#selected = state.selected_elements;
      find("undo").disabled = state.undo_depth === 0;
      find("redo").disabled = state.redo_depth === 0;
      for (const name of ["delete", "duplicate", "group", "ungroup", "front", "back"]) {
        find(name).disabled = state.selected_elements.length === 0;
      }
      find("constrain").hidden = state.selected_elements.length === 0;
      for (const option of find("elements").options) {
        option.selected = this.#selected.includes(option.value);
      }
      this.#constraints(state.constraints);
      this.#attributes();
    }
    values(values, anew = false) {
      if (anew) this.#values.clear();
      for (const value of values) this.#values.set(value.name, value);
      this.#valuesSoon();
    }
    people(people, me) {
      find("people").replaceChildren(
        ...people.map((person) => {
          const dot = make("span", "●", { "aria-hidden": "true", style: `color: ${colorOf(person.connection)}` });
          return make("li", [dot, ` ${nameOf(person)}${person.connection === me ? " (you)" : ""}`]);
        })
      );
    }
    /** Says something to everybody who reads or listens. */
    say(text, kind = "note", more = []) {
      const list = find("messages");
      const time = (/* @__PURE__ */ new Date()).toTimeString().slice(0, 8);
      list.prepend(make("li", [make("time", time), ` ${text} `, ...more], { class: kind }));
      while (list.childElementCount > SAID) list.lastElementChild?.remove();
    }
    #list() {
      const { tree } = this.#options.view;
      if (!tree) return;
      const options = [];
      let count = 0;
      for (const element of elements(tree.root)) {
        if (element === tree.root) continue;
        count += 1;
        if (options.length >= LISTED) continue;
        const name = tree.name(element);
        const option = make("option", name.startsWith("@") ? `${element.nodeName} ${name}` : `${name} (${element.nodeName})`);
        option.value = name;
        option.selected = this.#selected.includes(name);
        options.push(option);
      }
      find("elements").replaceChildren(...options);
      find("count").textContent = count > LISTED ? `${count} elements, the first ${LISTED} are listed` : `${count} elements`;
    }
    #attributes() {
      const { tree } = this.#options.view;
      const [first] = this.#selected;
      const element = first === void 0 ? void 0 : tree?.find(first);
      const body = find("attributes");
      if (body.contains(document.activeElement)) return;
      find("set").hidden = element === void 0;
      find("selected").textContent = this.#selected.length === 0 ? "Nothing is selected." : this.#selected.length === 1 ? `${element?.nodeName ?? ""} ${first}` : `${this.#selected.length} elements; of the first:`;
      body.replaceChildren(
        ...Array.from(element?.attributes ?? []).filter((a) => !a.name.startsWith("xmlns")).map(({ name, value }) => {
          const field = make("input", "", { "aria-label": name, value });
          field.addEventListener("change", () => {
            field.blur();
            void this.#options.act({ operation: "set_attribute", element_id: first, name, value: field.value });
          });
          return make("tr", [make("th", name, { scope: "row" }), make("td", [field])]);
        })
      );
    }
    #constraints(all) {
      find("no-constraints").hidden = all.length > 0;
      find("constraints").replaceChildren(
        ...all.map((constraint) => {
          const value = constraint.value == null ? "" : ` = ${number(constraint.value)}`;
          const text = make("span", `${constraint.type}${value}: ${constraint.elements.join(", ")}`);
          const remove = make("button", "Remove", { type: "button", "aria-label": `Remove ${text.textContent}` });
          remove.addEventListener("click", () => void this.#options.act({ operation: "remove_constraint", constraint }));
          const line = make("li", [text, " ", remove]);
          for (const event of ["pointerenter", "focusin"]) line.addEventListener(event, () => this.#options.mark(constraint.elements));
          for (const event of ["pointerleave", "focusout"]) line.addEventListener(event, () => this.#options.mark([]));
          return line;
        })
      );
    }
    #showValues() {
      const rows = [...this.#values.values()].sort((a, b) => a.name.localeCompare(b.name)).slice(0, LISTED);
      find("no-values").hidden = rows.length > 0;
      find("values").replaceChildren(
        ...rows.map(
          ({ name, new_value, unit }) => make("tr", [
            make("th", name, { scope: "row" }),
            make("td", new_value == null ? "no value" : `${number(new_value)} ${unit ?? ""}`)
          ])
        )
      );
    }
  };

  // src/view.ts
  var SVG2 = "http://www.w3.org/2000/svg";
  var XLINK = "http://www.w3.org/1999/xlink";
  var INERT = "urn:svgx:inert";
  var NOT_SHOWN = /* @__PURE__ */ new Set([
    "script",
    "foreignObject",
    "iframe",
    "object",
    "embed",
    "audio",
    "video",
    "canvas",
    "handler",
    "listener",
    "animate",
    "animateMotion",
    "animateTransform",
    "set",
    "discard"
  ]);
  var ELSEWHERE = /url\(\s*["']?\s*(?!#|data:image\/)[^)]*\)|@import[^;]*;?/gi;
  var LOCAL = /^\s*(#|data:image\/(png|jpeg|gif|webp)[;,])/i;
  var View = class {
    tree = null;
    #shadow;
    #shown = /* @__PURE__ */ new WeakMap();
    #models = /* @__PURE__ */ new WeakMap();
    #root = null;
    constructor(host) {
      this.#shadow = host.attachShadow({ mode: "open" });
    }
    /** Shows another drawing. */
    load(drawing, handles) {
      const parse = (text) => {
        const read2 = new DOMParser().parseFromString(text, "application/xml");
        const wrong = read2.querySelector("parsererror");
        if (wrong) throw new Error(`the drawing is no XML: ${wrong.textContent ?? ""}`);
        return read2;
      };
      this.#shown = /* @__PURE__ */ new WeakMap();
      this.#models = /* @__PURE__ */ new WeakMap();
      this.tree = new Tree(drawing, handles, parse, {
        set: (element, name, value) => {
          const copy = this.#shown.get(element);
          if (copy instanceof Element) copyAttribute(copy, element, name, value);
          if (copy === this.#root) this.#dress();
        },
        placed: (element) => this.#place(element),
        text: (element) => {
          const copy = this.#shown.get(element);
          if (!copy) return;
          copy.textContent = "";
          for (const child of Array.from(element.childNodes)) copy.appendChild(this.#copy(child));
        },
        removed: (element) => this.#shown.get(element)?.parentNode?.removeChild(this.#shown.get(element))
      });
      const root = this.#copy(this.tree.root);
      this.#root = root instanceof SVGSVGElement ? root : null;
      const style = document.createElement("style");
      style.textContent = ":host { display: block } svg { display: block; width: 100%; height: 100% }";
      this.#shadow.replaceChildren(style, root);
      this.#dress();
    }
    get root() {
      return this.#root;
    }
    /** What of the drawing there is to see, user units. */
    get whole() {
      const written = (this.tree?.root.getAttribute("viewBox") ?? "").trim().split(/[\s,]+/).map(Number);
      const [x, y, width, height] = written;
      if (written.length === 4 && width !== void 0 && height !== void 0 && width > 0 && height > 0) {
        return { x: x ?? 0, y: y ?? 0, width, height };
      }
      const size = (name, other) => parseFloat(this.tree?.root.getAttribute(name) ?? "") || other;
      return { x: 0, y: 0, width: size("width", 300), height: size("height", 150) };
    }
    /** Shows this part. */
    look(part) {
      this.#root?.setAttribute("viewBox", `${part.x} ${part.y} ${part.width} ${part.height}`);
    }
    /** A place of the page in user units of the drawing. */
    place(x, y) {
      const matrix = this.#root?.getScreenCTM()?.inverse();
      const point = new DOMPoint(x, y).matrixTransform(matrix ?? void 0);
      return { x: point.x, y: point.y };
    }
    /** A place of the drawing on the page. */
    onPage(point) {
      const place2 = new DOMPoint(point.x, point.y).matrixTransform(this.#root?.getScreenCTM() ?? void 0);
      return { x: place2.x, y: place2.y };
    }
    /** What is topmost at a place of the page. */
    at(x, y) {
      const found = this.#shadow.elementFromPoint(x, y);
      return found && found !== this.#root ? this.#models.get(found) : void 0;
    }
    /** The box of an element on the page. */
    box(element) {
      const copy = this.#shown.get(element);
      if (!(copy instanceof SVGGraphicsElement)) return void 0;
      const box = copy.getBoundingClientRect();
      return box.width + box.height > 0 ? box : void 0;
    }
    /** The root fills the stage, whatever the drawing says of its own size. */
    #dress() {
      for (const name of ["width", "height", "style", "preserveAspectRatio"]) this.#root?.removeAttribute(name);
    }
    #place(element) {
      const parent = element.parentNode && this.#shown.get(element.parentNode);
      if (!parent) return;
      const known = this.#shown.get(element);
      const copy = known ?? this.#copy(element);
      copy.parentNode?.removeChild(copy);
      let next = element.nextSibling;
      while (next && this.#shown.get(next)?.parentNode !== parent) next = next.nextSibling;
      parent.insertBefore(copy, (next && this.#shown.get(next)) ?? null);
    }
    #copy(node) {
      if (!(node instanceof Element)) {
        const text = node.nodeType === Node.COMMENT_NODE ? "" : node.nodeValue ?? "";
        const styles = node.parentNode?.nodeName === "style";
        const copy2 = document.createTextNode(styles ? text.replace(ELSEWHERE, "none") : text);
        this.#shown.set(node, copy2);
        return copy2;
      }
      const drawn = node.namespaceURI === SVG2 && !NOT_SHOWN.has(node.localName);
      const copy = document.createElementNS(drawn ? SVG2 : INERT, node.localName);
      this.#shown.set(node, copy);
      this.#models.set(copy, node);
      for (const { name, value } of Array.from(node.attributes)) copyAttribute(copy, node, name, value);
      if (drawn) for (const child of Array.from(node.childNodes)) copy.appendChild(this.#copy(child));
      return copy;
    }
  };
  function copyAttribute(copy, model, name, value) {
    const local = name.slice(name.indexOf(":") + 1).toLowerCase();
    const isLink = name === "href" || local === "href" && model.getAttributeNode(name)?.namespaceURI === XLINK;
    if (local.startsWith("on") || name.startsWith("xmlns")) return;
    if (isLink || local === "href") {
      const kept = isLink && value !== null && LOCAL.test(value) && model.localName !== "a" ? value : null;
      return setAttribute(copy, "href", kept);
    }
    if (name.includes(":")) {
      if (name === "xml:space" && value !== null) copy.setAttributeNS("http://www.w3.org/XML/1998/namespace", name, value);
      return;
    }
    setAttribute(copy, name, value?.replace(ELSEWHERE, "none") ?? null);
  }

  // src/main.ts
  var KEY = "svgx-key";
  var NAME = "svgx-name";
  var PARTICIPANT = "svgx-participant";
  var key = sessionStorage.getItem(KEY);
  var access = { base: new URL(".", location.href).href, ...key ? { key } : {} };
  var session = new URL(location.href).searchParams.get("session") || "default";
  function participant() {
    let known = sessionStorage.getItem(PARTICIPANT);
    if (!known) {
      known = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
      sessionStorage.setItem(PARTICIPANT, known);
    }
    return known;
  }
  var view = new View(find("drawing"));
  var stream = null;
  var tool = "select";
  async function act(operation) {
    if (!stream) return void 0;
    try {
      const outcome = await stream.operation(operation);
      applied(outcome);
      return outcome;
    } catch (error) {
      const problem = error instanceof Problem ? error : void 0;
      const more = problem ? [make("a", problem.code, { href: `problems/${problem.code}`, target: "_blank" })] : [];
      panels.say(error.message, "problem", more);
      return void 0;
    }
  }
  function applied(outcome) {
    stage.select(outcome.state.selected_elements);
    panels.state(outcome.state);
    for (const note of outcome.result.notes ?? []) panels.say(note.message);
    for (const message of outcome.result.messages ?? []) panels.say(message.message);
    const snapped = outcome.result.snapped_to;
    find("snapped").textContent = snapped ? `Snapped to: ${snapped}` : "";
  }
  function snap() {
    const kind = find("snap").value;
    if (kind === "off") return false;
    if (kind === "grid") return true;
    return {
      grid: 0,
      endpoint: true,
      midpoint: true,
      center: true,
      intersection: true,
      quadrant: true,
      perpendicular: true,
      tangent: true,
      nearest: true,
      // About ten pixels, in millimetres of the drawing.
      tolerance: Math.abs(view.place(10, 0).x - view.place(0, 0).x)
    };
  }
  var panels = new Panels({ view, act, mark: (elements2) => stage.mark(elements2) });
  var stage = new Stage({
    view,
    stream: () => stream,
    act,
    snap,
    tool: () => tool,
    drawn: () => choose("select"),
    text: () => prompt("Text:")
  });
  function choose(next) {
    tool = next;
    for (const button of document.querySelectorAll("[data-tool]")) {
      button.setAttribute("aria-pressed", String(button.dataset["tool"] === next));
    }
    find("stage").dataset["tool"] = next;
  }
  async function evaluate(drawing) {
    try {
      const answer = await ask(access, "evaluate", {
        method: "POST",
        headers: { "Content-Type": "image/svg+xml", Accept: "application/json" },
        body: drawing
      });
      const { results } = await answer.json();
      const values = results.flatMap(
        ({ element_id, behavior }) => behavior.calculations.map(({ name, value, unit }) => ({
          name: `${behavior.id ?? element_id}.${name}`,
          new_value: value === null ? null : Number(value),
          unit
        }))
      );
      panels.values(values, true);
    } catch (error) {
      panels.say(`The formulas: ${error.message}`, "problem");
    }
  }
  function listen() {
    const name = sessionStorage.getItem(NAME) ?? "";
    return new SessionStream({
      ...access,
      session,
      participant: participant(),
      ...name ? { name } : {},
      onState: (state, why) => {
        const words = { connecting: "Connecting…", open: "Connected", waiting: "Connection lost; trying again…", closed: "Closed" };
        const status = find("connection");
        status.textContent = words[state];
        status.className = state === "open" ? "good" : state === "waiting" ? "over" : "";
        if (state === "waiting" && why) status.title = why;
      },
      onReset: (reset) => {
        view.load(reset.drawing, reset.handles);
        stage.begin();
        stage.select(reset.state.selected_elements);
        panels.changed(true);
        panels.state(reset.state);
        panels.values([], true);
        find("sequence").textContent = `Step ${reset.sequence}`;
        void evaluate(reset.drawing);
      },
      onPatch: (patch) => {
        view.tree?.apply(patch.changes);
        panels.changed(patch.changes.some((change) => change.change !== "set"));
        if (patch.values_changed) panels.values(patch.values_changed);
        stage.refresh();
        find("sequence").textContent = `Step ${patch.sequence}`;
      },
      onPresence: (people) => {
        stage.people(people);
        panels.people(people, stream?.connection);
      },
      onConflict: (conflict) => {
        const { element_id, element, attribute, mine, theirs } = conflict;
        const who = conflict.name || conflict.by;
        const what = element_id || `@${element}`;
        if (attribute == null) return panels.say(`${who} deleted ${what}, which you had changed.`, "problem");
        const again = make("button", "Set mine again", { type: "button" });
        again.addEventListener(
          "click",
          () => void act({ operation: "set_attribute", element_id: what, name: attribute, value: mine ?? null })
        );
        panels.say(`${who} set ${attribute} of ${what} to ${theirs ?? "nothing"}; yours was ${mine ?? "nothing"}.`, "problem", [again]);
      }
    });
  }
  function buttons() {
    const operations = {
      undo: { operation: "undo" },
      redo: { operation: "redo" },
      delete: { operation: "delete" },
      duplicate: { operation: "duplicate", dx: 10, dy: 10 },
      group: { operation: "group" },
      ungroup: { operation: "ungroup" },
      front: { operation: "reorder", to: "front" },
      back: { operation: "reorder", to: "back" }
    };
    for (const [id, operation] of Object.entries(operations)) find(id).addEventListener("click", () => void act(operation));
    for (const button of document.querySelectorAll("[data-tool]")) {
      button.addEventListener("click", () => choose(button.dataset["tool"]));
    }
    find("closer").addEventListener("click", () => stage.zoom(0.8));
    find("farther").addEventListener("click", () => stage.zoom(1.25));
    find("fit").addEventListener("click", () => stage.fit());
    const name = find("name");
    name.value = sessionStorage.getItem(NAME) ?? "";
    name.addEventListener("change", () => {
      sessionStorage.setItem(NAME, name.value.trim());
      stream?.close();
      stream = listen();
    });
  }
  async function sessions() {
    const choice = find("session");
    const answer = await ask(access, "sessions");
    const { sessions: sessions2 } = await answer.json();
    const names = [.../* @__PURE__ */ new Set([session, ...sessions2.map((one) => one.session)])].sort();
    choice.replaceChildren(
      ...names.map((name) => {
        const option = make("option", name);
        option.selected = name === session;
        return option;
      })
    );
    choice.addEventListener("change", () => {
      location.search = new URLSearchParams({ session: choice.value }).toString();
    });
  }
  function wantKey() {
    find("key-error").textContent = key ? "That key is not known here." : "";
    find("key").hidden = false;
    find("console").hidden = true;
    find("key").addEventListener("submit", (event) => {
      event.preventDefault();
      sessionStorage.setItem(KEY, find("key-text").value.trim());
      location.reload();
    });
    find("key-text").focus();
  }
  async function run() {
    try {
      await sessions();
    } catch (error) {
      if (error instanceof Problem && error.document.status === 401) return wantKey();
      panels.say(error.message, "problem");
    }
    buttons();
    choose("select");
    stream = listen();
    await follow(access);
  }
  void run();
})();
