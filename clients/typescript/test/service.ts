/** A service of one's own for a test: the program named by `SVGX`. */

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { DOMParser, XMLSerializer } from "@xmldom/xmldom";
import WebSocket from "ws";
import { ask, SessionStream, Tree, type StreamOptions } from "../src/index.ts";

export const KEY = "client-0123456789abcdef";

export async function start(): Promise<{ base: string; stop: () => Promise<void> }> {
  const program = process.env["SVGX"];
  if (!program) throw new Error("SVGX names no program");
  const flags = ["serve", "--listen", "127.0.0.1:0", "--internal-listen", "127.0.0.1:0"];
  const child = spawn(program, [...flags, "--rate-limit", "off", "--api-key", `test:${KEY}`], {
    stdio: ["ignore", "pipe", "ignore"],
    env: {},
  });
  const ended = new Promise((done) => child.once("exit", done));
  for await (const line of createInterface({ input: child.stdout })) {
    const event = line.startsWith("{") ? JSON.parse(line) : {};
    if (event.event !== "listening") continue;
    child.stdout.resume();
    const stop = async () => {
      child.kill("SIGTERM");
      await ended;
    };
    return { base: `http://${event.public}/`, stop };
  }
  throw new Error("the service did not say where it listens");
}

export async function create(base: string, session: string, content: string): Promise<void> {
  await ask({ base, key: KEY }, "sessions", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ session, content }),
  });
}

/** One who edits, and the drawing as it arrived there. */
export class Client {
  static readonly all: Client[] = [];
  readonly stream: SessionStream;
  tree: Tree | undefined;
  resets = 0;
  conflicts = 0;

  constructor(base: string, session: string, options: Partial<StreamOptions> = {}) {
    Client.all.push(this);
    this.stream = new SessionStream({
      base,
      key: KEY,
      session,
      WebSocket: WebSocket as unknown as NonNullable<StreamOptions["WebSocket"]>,
      onReset: (reset) => {
        this.resets += 1;
        const parse = (text: string) => new DOMParser().parseFromString(text, "application/xml") as unknown as Document;
        this.tree = new Tree(reset.drawing, reset.handles, parse);
      },
      onPatch: (patch) => this.tree?.apply(patch.changes),
      onConflict: () => (this.conflicts += 1),
      ...options,
    });
  }

  /** The drawing as this client has it. */
  get text(): string {
    if (!this.tree) return "";
    return new XMLSerializer().serializeToString(this.tree.document as never);
  }

  async ready(): Promise<void> {
    await until("a drawing came", () => this.tree !== undefined && this.stream.state === "open");
  }
}

export async function until(what: string, done: () => boolean | Promise<boolean>, seconds = 30): Promise<void> {
  const end = Date.now() + 1000 * seconds;
  while (!(await done())) {
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await new Promise((next) => setTimeout(next, 20));
  }
}

/** The same drawing, however it was written: its elements, attributes by name, and texts. */
export function meaning(text: string): string {
  const root = new DOMParser().parseFromString(text, "application/xml").documentElement as unknown as Element;
  const of = (element: Element): unknown => [
    element.nodeName,
    Object.fromEntries(Array.from(element.attributes, (a) => [a.name, a.value] as const).sort()),
    Array.from(element.childNodes)
      .map((node) => (node.nodeType === 1 ? of(node as Element) : node.nodeType === 3 || node.nodeType === 4 ? (node.nodeValue ?? "").trim() : ""))
      .filter((part) => part !== ""),
  ];
  return JSON.stringify(of(root));
}
