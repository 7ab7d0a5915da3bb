/** The drawing under the pointer and the keyboard: look, select, drag, draw. */

import type { Operation, Outcome, Person, Point, SessionStream } from "../../typescript/src/index.ts";
import { find, number, perFrame } from "./dom.ts";
import type { Box, View } from "./view.ts";

export type Tool = "select" | "rect" | "line" | "circle" | "text";

/** Pixels that a pointer may move and still has clicked. */
const STILL = 4;
const SVG = "http://www.w3.org/2000/svg";

export interface StageOptions {
  view: View;
  stream: () => SessionStream | null;
  /** Does an operation and tells of what it did or why it was refused. */
  act: (operation: Operation) => Promise<Outcome | undefined>;
  /** What a drag snaps to. */
  snap: () => unknown;
  tool: () => Tool;
  drawn: () => void;
  text: () => string | null;
}

type Gesture =
  | { kind: "pan"; from: Point; part: Box }
  | { kind: "press"; at: Point; place: Point; on: boolean; adds: boolean }
  | { kind: "drag" }
  | { kind: "area"; from: Point }
  | { kind: "draw"; from: Point };

export class Stage {
  #options: StageOptions;
  #part: Box = { x: 0, y: 0, width: 100, height: 100 };
  #gesture: Gesture | null = null;
  #selected: string[] = [];
  #marked: string[] = [];
  #people: Person[] = [];
  /** The last place of a drag, and whether the service still works on the one before. */
  #next: { place: Point; modifiers: object } | null = null;
  #ticking = false;
  #told = 0;
  #host = find("stage");
  #over = find<SVGSVGElement>("overlay");
  readonly #draw = perFrame(() => this.#overlay());

  constructor(options: StageOptions) {
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
  begin(): void {
    this.#gesture = null;
    this.fit();
  }

  select(elements: string[]): void {
    this.#selected = elements;
    this.refresh();
  }

  get selected(): string[] {
    return this.#selected;
  }

  /** Marks elements that somebody reads of beside the drawing. */
  mark(elements: string[]): void {
    this.#marked = elements;
    this.refresh();
  }

  people(people: Person[]): void {
    this.#people = people;
    this.refresh();
  }

  /** Something was drawn anew: the frames around it are too. */
  refresh(): void {
    this.#draw();
  }

  fit(): void {
    this.#look(this.#options.view.whole);
  }

  zoom(factor: number, about?: Point): void {
    const part = this.#part;
    const whole = this.#options.view.whole;
    const width = Math.min(Math.max(part.width * factor, whole.width / 10_000), whole.width * 100);
    const real = width / part.width;
    const { x, y } = about ?? { x: part.x + part.width / 2, y: part.y + part.height / 2 };
    this.#look({ x: x - (x - part.x) * real, y: y - (y - part.y) * real, width, height: part.height * real });
  }

  #look(part: Box): void {
    this.#part = part;
    this.#options.view.look(part);
    this.refresh();
  }

  #down(event: PointerEvent): void {
    if (this.#gesture || !this.#options.view.root) return;
    this.#host.focus({ preventScroll: true });
    this.#host.setPointerCapture(event.pointerId);
    const at = { x: event.clientX, y: event.clientY };
    const place = this.#options.view.place(at.x, at.y);
    if (event.button === 1 || event.button === 2 || (event.button === 0 && event.altKey && event.shiftKey)) {
      this.#gesture = { kind: "pan", from: at, part: this.#part };
    } else if (this.#options.tool() !== "select") {
      this.#gesture = { kind: "draw", from: place };
    } else {
      const on = this.#options.view.at(at.x, at.y) !== undefined;
      this.#gesture = { kind: "press", at, place, on, adds: event.ctrlKey || event.metaKey };
    }
    event.preventDefault();
  }

  #move(event: PointerEvent): void {
    const at = { x: event.clientX, y: event.clientY };
    const place = this.#options.view.place(at.x, at.y);
    this.#tell(place);
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
        const { from, part } = this.#gesture as Extract<Gesture, { kind: "pan" }>;
        const [now, then] = [place, this.#options.view.place(from.x, from.y)];
        this.#look({ ...part, x: this.#part.x - (now.x - then.x), y: this.#part.y - (now.y - then.y) });
        (this.#gesture as Extract<Gesture, { kind: "pan" }>).from = at;
        return;
      }
      case "drag":
        return this.#tick(place, event);
      case "area":
      case "draw":
        this.#next = { place, modifiers: {} };
        return this.refresh();
    }
  }

  /** Whether what is there is selected, by itself or with what it is in. */
  #holds(at: Point): boolean {
    const { view } = this.#options;
    let element: Element | null = view.at(at.x, at.y) ?? null;
    for (; element; element = element.parentElement) {
      if (this.#selected.includes(view.tree?.name(element) ?? "")) return true;
    }
    return false;
  }

  /** Sends where the pointer is: the newest place, as soon as the service is done with the last. */
  #tick(place: Point, event: { altKey: boolean; shiftKey: boolean }): void {
    this.#next = { place, modifiers: { alt: event.altKey, shift: event.shiftKey } };
    const stream = this.#options.stream();
    if (this.#ticking || !stream) return;
    const { modifiers } = this.#next;
    this.#next = null;
    this.#ticking = true;
    stream
      .tick({ operation: "drag_move", coordinates: place, modifiers, snap: this.#options.snap() })
      // A tick that was refused is followed by another; the last place is asked for until it is done.
      .catch(() => {})
      .finally(() => {
        this.#ticking = false;
        const next = this.#next;
        if (next && this.#gesture?.kind === "drag") this.#tick(next.place, { altKey: event.altKey, shiftKey: event.shiftKey });
      });
  }

  #up(event: PointerEvent): void {
    const gesture = this.#gesture;
    this.#gesture = null;
    this.#next = null;
    const place = this.#options.view.place(event.clientX, event.clientY);
    const modifiers = { ctrl: event.ctrlKey, meta: event.metaKey, alt: event.altKey, shift: event.shiftKey };
    switch (gesture?.kind) {
      case "press":
        void this.#options.act(
          gesture.on
            ? { operation: "click", coordinates: gesture.place, modifiers }
            : { operation: "deselect" },
        );
        break;
      case "drag":
        void this.#options.act({ operation: "drag_end", coordinates: place, modifiers, snap: this.#options.snap() });
        break;
      case "area":
        void this.#options.act({ operation: "select", area: boxOf(gesture.from, place), touching: event.altKey, modifiers });
        break;
      case "draw":
        this.#add(gesture.from, place);
    }
    this.refresh();
  }

  #cancel(): void {
    if (this.#gesture?.kind === "drag") void this.#options.act({ operation: "drag_end" });
    this.#gesture = null;
    this.refresh();
  }

  #add(from: Point, to: Point): void {
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

  #wheel(event: WheelEvent): void {
    event.preventDefault();
    this.zoom(Math.exp(Math.max(-100, Math.min(100, event.deltaY)) / 300), this.#options.view.place(event.clientX, event.clientY));
  }

  #key(event: KeyboardEvent): void {
    const { act } = this.#options;
    const command = event.ctrlKey || event.metaKey;
    const one = event.shiftKey ? 10 : 1;
    const moves: Record<string, [number, number]> = {
      ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
    };
    const move = moves[event.key];
    if (move && this.#selected.length > 0) {
      void act({ operation: "move", dx: move[0] * one, dy: move[1] * one });
    } else if (move) {
      const step = this.#part.width / 10;
      this.#look({ ...this.#part, x: this.#part.x + move[0] * step, y: this.#part.y + move[1] * step });
    } else if ((event.key === "Delete" || event.key === "Backspace") && this.#selected.length > 0) {
      void act({ operation: "delete" });
    } else if (event.key === "Escape") {
      this.#cancel();
      void act({ operation: "deselect" });
    } else if (event.key === "+" || event.key === "=") {
      this.zoom(0.8);
    } else if (event.key === "-") {
      this.zoom(1.25);
    } else if (event.key === "0") {
      this.fit();
    } else if (command && event.key.toLowerCase() === "z") {
      void act({ operation: event.shiftKey ? "redo" : "undo" });
    } else if (command && event.key.toLowerCase() === "y") {
      void act({ operation: "redo" });
    } else if (command && event.key.toLowerCase() === "d") {
      void act({ operation: "duplicate", dx: 10, dy: 10 });
    } else if (command && event.key.toLowerCase() === "g") {
      void act({ operation: event.shiftKey ? "ungroup" : "group" });
    } else {
      return;
    }
    event.preventDefault();
  }

  /** Tells the others where the pointer is, twenty times a second at most. */
  #tell(cursor: Point | null): void {
    const now = performance.now();
    if (cursor && now - this.#told < 50) return;
    this.#told = now;
    this.#options.stream()?.presence({ ...(cursor ? { cursor } : {}), selected: this.#selected.slice(0, 100) });
  }

  /** Frames, cursors and what is just being drawn: over the drawing, never in it. */
  #overlay(): void {
    const { view } = this.#options;
    const home = this.#host.getBoundingClientRect();
    const shapes: SVGElement[] = [];
    const shape = (name: string, attributes: Record<string, string | number>): SVGElement => {
      const made = document.createElementNS(SVG, name);
      for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
      shapes.push(made);
      return made;
    };
    const frame = (name: string, kind: string, color?: string) => {
      const element = view.tree?.find(name);
      const box = element && view.box(element);
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
      const at = view.onPage(person.cursor);
      const [x, y] = [at.x - home.x, at.y - home.y];
      shape("path", { class: "cursor", d: `M${x} ${y}l4 14 3.5-5.5 6.5-1z`, style: `fill: ${color}` });
      shape("text", { class: "name", x: x + 12, y: y + 18, style: `fill: ${color}` }).textContent =
        nameOf(person);
    }
    const gesture = this.#gesture;
    if (this.#next && (gesture?.kind === "area" || gesture?.kind === "draw")) {
      const [a, b] = [view.onPage(gesture.from), view.onPage(this.#next.place)];
      const box = boxOf({ x: a.x - home.x, y: a.y - home.y }, { x: b.x - home.x, y: b.y - home.y });
      const tool = gesture.kind === "draw" ? this.#options.tool() : "rect";
      if (tool === "line") {
        shape("line", { class: "new", x1: a.x - home.x, y1: a.y - home.y, x2: b.x - home.x, y2: b.y - home.y });
      } else if (tool === "circle") {
        shape("circle", { class: "new", cx: a.x - home.x, cy: a.y - home.y, r: Math.hypot(b.x - a.x, b.y - a.y) });
      } else {
        shape("rect", { class: gesture.kind === "area" ? "area" : "new", ...box });
      }
    }
    this.#over.replaceChildren(...shapes);
  }
}

function boxOf(a: Point, b: Point): Box {
  return { x: Math.min(a.x, b.x), y: Math.min(a.y, b.y), width: Math.abs(a.x - b.x), height: Math.abs(a.y - b.y) };
}

export function nameOf(person: Person): string {
  return person.name || `Guest ${person.participant.slice(0, 4)}`;
}

/** One of twelve colours; neighbours are far from each other. */
export function colorOf(connection: number): string {
  return `hsl(${((connection * 5) % 12) * 30} 75% 42%)`;
}
