/** The live stream of a session: operations out, patches in, over one WebSocket that comes back by itself. */

import { Problem, type Access } from "./ask.ts";
import type { Answer, Conflict, Frame, Hello, Operation, Outcome, Patch, Person, Point, Reset } from "./frames.ts";

const PROTOCOL = "svgx.v1";
/** Operations that wait for an answer at most; more are refused at once. */
const MOST_PENDING = 1000;
/** Milliseconds until a first new attempt, and the most between two. */
const SOON = 250;
const LATE = 15_000;
/** Milliseconds without an answer after which a stream is taken for dead. */
const PATIENCE = 10_000;
/** How often an operation is sent again because the service is busy. */
const TRIES = 5;

/** `connecting`: nothing is known yet; `open`: patches arrive; `waiting`: it will be tried again; `closed`: for good. */
export type StreamState = "connecting" | "open" | "waiting" | "closed";

export interface StreamOptions extends Access {
  session: string;
  /** Who this is: the same name after a reload goes on with the same undo list. */
  participant?: string;
  /** What others read. */
  name?: string;
  /** Another implementation than the global one. */
  WebSocket?: new (url: string, protocols: string[]) => WebSocket;
  onState?: (state: StreamState, why?: string) => void;
  onHello?: (hello: Hello) => void;
  /** The whole drawing: what was known before is void. */
  onReset?: (reset: Reset) => void;
  /** In order, none left out, none twice. Throwing asks for the whole drawing. */
  onPatch?: (patch: Patch) => void;
  onPresence?: (people: Person[]) => void;
  onConflict?: (conflict: Conflict) => void;
  /** Everything to this sequence is on disk. */
  onDurable?: (sequence: number) => void;
}

interface Pending {
  id: string;
  operation: Operation;
  done: (outcome: Outcome) => void;
  failed: (error: Error) => void;
  /** Dropped with the stream instead of being sent again. */
  transient: boolean;
  tries: number;
  /** When it was sent on this connection; 0: not yet. */
  sent: number;
  /** The service was busy: it is sent again in a while. */
  resting: boolean;
}

export class SessionStream {
  readonly #options: StreamOptions;
  #socket: WebSocket | null = null;
  #state: StreamState = "connecting";
  #participant: string | undefined;
  #connection: number | undefined;
  #token: string | undefined;
  /** The last patch that was done; none until a drawing came. */
  #sequence: number | undefined;
  /** A drawing was asked for: patches are of no use until it comes. */
  #lost = true;
  #greeted = false;
  #attempt = 0;
  #number = 0;
  readonly #prefix = Math.random().toString(36).slice(2, 12);
  readonly #pending = new Map<string, Pending>();
  readonly #people = new Map<number, Person>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setInterval> | undefined;
  #here: { cursor?: Point; selected?: string[] } = {};

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#participant = options.participant;
    this.#open();
    this.#watch = setInterval(() => this.#look(), 1000);
  }

  get state(): StreamState {
    return this.#state;
  }

  get participant(): string | undefined {
    return this.#participant;
  }

  get connection(): number | undefined {
    return this.#connection;
  }

  /** The last patch that was done. */
  get sequence(): number {
    return this.#sequence ?? 0;
  }

  /** Operations without an answer. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Everybody who is there, this one included. */
  get people(): Person[] {
    return [...this.#people.values()];
  }

  /**
   * Does an operation; what the service answers. Operations are done in the order they are given,
   * each after the answer to the one before. One is kept over a lost connection and sent again with
   * the same id, so that it is done once.
   *
   * @throws {Problem} where the service refuses it.
   */
  operation(operation: Operation): Promise<Outcome> {
    return this.#send(operation, false);
  }

  /**
   * The same for what is of no use later, such as a tick of a drag: it is sent at once or not at all,
   * and is dropped with the connection.
   */
  tick(operation: Operation): Promise<Outcome> {
    return this.#send(operation, true);
  }

  /** Tells the others where one points and what one has selected. */
  presence(here: { cursor?: Point; selected?: string[] }): void {
    this.#here = here;
    if (this.#greeted) this.#write({ frame: "presence", ...here });
  }

  /** Asks for the whole drawing. */
  reset(): void {
    if (this.#lost) return;
    this.#lost = true;
    this.#write({ frame: "reset" });
  }

  /** Drops the connection as a network would; it comes back. */
  reconnect(): void {
    this.#socket?.close();
  }

  /** Ends it; what has no answer fails. */
  close(): void {
    clearTimeout(this.#timer);
    clearInterval(this.#watch);
    this.#become("closed");
    this.#socket?.close();
    this.#socket = null;
    for (const pending of this.#pending.values()) pending.failed(new Error("the stream was closed"));
    this.#pending.clear();
  }

  #send(operation: Operation, transient: boolean): Promise<Outcome> {
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
  #waits(): boolean {
    for (const pending of this.#pending.values()) if (!pending.transient && pending.sent === 0) return true;
    return false;
  }

  /** Sends the first operation, where it is not on its way: what follows it may depend on it. */
  #next(): void {
    if (!this.#greeted) return;
    for (const pending of this.#pending.values()) {
      if (pending.transient) continue;
      if (pending.sent === 0 && !pending.resting) this.#ask(pending);
      return;
    }
  }

  #ask(pending: Pending): void {
    pending.sent = Date.now();
    this.#write({ frame: "operation", id: pending.id, base: this.sequence, operation: pending.operation });
  }

  #write(frame: object): void {
    if (this.#socket?.readyState === 1) this.#socket.send(JSON.stringify(frame));
  }

  #become(state: StreamState, why?: string): void {
    if (this.#state === state && state !== "waiting") return;
    this.#state = state;
    this.#options.onState?.(state, why);
  }

  #open(): void {
    const { base, session, key } = this.#options;
    const url = new URL(`sessions/${encodeURIComponent(session)}/live`, base);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    // A browser can set no header here, and an address is written into logs.
    const protocols = key ? [PROTOCOL, `svgx.key.${base64url(key)}`] : [PROTOCOL];
    const Socket = this.#options.WebSocket ?? WebSocket;
    const socket = new Socket(url.href, protocols);
    this.#socket = socket;
    socket.onopen = () => {
      this.#write({
        frame: "hello",
        ...(this.#participant === undefined ? {} : { participant: this.#participant }),
        ...(this.#options.name === undefined ? {} : { name: this.#options.name }),
        ...(this.#token === undefined ? {} : { resume: this.#token }),
      });
    };
    socket.onmessage = (message) => {
      if (this.#socket === socket) this.#take(JSON.parse(String(message.data)) as Frame);
    };
    socket.onerror = () => {};
    socket.onclose = (closed) => {
      if (this.#socket === socket) this.#ended(closed.reason || `closed with ${closed.code}`);
    };
  }

  #ended(why: string): void {
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
  #look(): void {
    const late = Date.now() - PATIENCE;
    for (const pending of this.#pending.values()) {
      if (this.#greeted && pending.sent > 0 && pending.sent < late) return this.reconnect();
    }
  }

  #take(frame: Frame): void {
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
        return this.#refused(frame.id ?? undefined, frame.problem, frame.retry_after_ms ?? undefined);
      case "conflict":
        return this.#options.onConflict?.(frame);
      case "presence":
        for (const person of frame.here) this.#people.set(person.connection, person);
        for (const connection of frame.left) this.#people.delete(connection);
        return this.#options.onPresence?.(this.people);
    }
  }

  #patch(patch: Patch): void {
    const next = (this.#sequence ?? 0) + 1;
    if (this.#lost || patch.sequence < next) return;
    if (patch.sequence > next) return this.reset();
    try {
      this.#options.onPatch?.(patch);
    } catch {
      // What is shown cannot be trusted any more.
      return this.reset();
    }
    this.#sequence = patch.sequence;
    this.#token = patch.token;
  }

  #answered(answer: Answer): void {
    const pending = this.#pending.get(answer.id);
    this.#pending.delete(answer.id);
    pending?.done(answer.outcome);
    this.#next();
  }

  #refused(id: string | undefined, document: Problem["document"], wait: number | undefined): void {
    const problem = new Problem(document, wait === undefined ? undefined : wait / 1000);
    const pending = id === undefined ? undefined : this.#pending.get(id);
    if (!pending) {
      this.#options.onState?.(this.#state, problem.message);
      return;
    }
    if (wait !== undefined && !pending.transient && pending.tries < TRIES) {
      // The same id: done once, however often it is asked.
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
}

function base64url(text: string): string {
  const bytes = new TextEncoder().encode(text);
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
