/** The console: one session, edited by whoever is there. */

import { ask, Problem, SessionStream, type Access, type Operation, type Outcome } from "../../typescript/src/index.ts";
import { follow } from "./controller.ts";
import { find, make } from "./dom.ts";
import { Panels } from "./panels.ts";
import { Stage, type Tool } from "./stage.ts";
import { View } from "./view.ts";

/** As the first page keeps it: for this tab. */
const KEY = "svgx-key";
const NAME = "svgx-name";
const PARTICIPANT = "svgx-participant";

const key = sessionStorage.getItem(KEY);
const access: Access = { base: new URL(".", location.href).href, ...(key ? { key } : {}) };
const session = new URL(location.href).searchParams.get("session") || "default";

/** Who this tab is: after a reload the same, with the same undo list. */
function participant(): string {
  let known = sessionStorage.getItem(PARTICIPANT);
  if (!known) {
    known = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    sessionStorage.setItem(PARTICIPANT, known);
  }
  return known;
}

const view = new View(find("drawing"));
let stream: SessionStream | null = null;
let tool: Tool = "select";

async function act(operation: Operation): Promise<Outcome | undefined> {
  if (!stream) return undefined;
  try {
    const outcome = await stream.operation(operation);
    applied(outcome);
    return outcome;
  } catch (error) {
    const problem = error instanceof Problem ? error : undefined;
    const more = problem ? [make("a", problem.code, { href: `problems/${problem.code}`, target: "_blank" })] : [];
    panels.say((error as Error).message, "problem", more);
    return undefined;
  }
}

/** What an operation did for this participant alone. */
function applied(outcome: Outcome): void {
  stage.select(outcome.state.selected_elements);
  panels.state(outcome.state);
  for (const note of outcome.result.notes ?? []) panels.say(note.message);
  for (const message of outcome.result.messages ?? []) panels.say(message.message);
  const snapped = outcome.result.snapped_to;
  find("snapped").textContent = snapped ? `Snapped to: ${snapped}` : "";
}

function snap(): unknown {
  const kind = find<HTMLSelectElement>("snap").value;
  if (kind === "off") return false;
  if (kind === "grid") return true;
  return {
    grid: 0, endpoint: true, midpoint: true, center: true, intersection: true, quadrant: true,
    perpendicular: true, tangent: true, nearest: true,
    // About ten pixels, in millimetres of the drawing.
    tolerance: Math.abs(view.place(10, 0).x - view.place(0, 0).x),
  };
}

const panels = new Panels({ view, act, mark: (elements) => stage.mark(elements) });
const stage: Stage = new Stage({
  view,
  stream: () => stream,
  act,
  snap,
  tool: () => tool,
  drawn: () => choose("select"),
  text: () => prompt("Text:"),
});

function choose(next: Tool): void {
  tool = next;
  for (const button of document.querySelectorAll<HTMLButtonElement>("[data-tool]")) {
    button.setAttribute("aria-pressed", String(button.dataset["tool"] === next));
  }
  find("stage").dataset["tool"] = next;
}

/** One behavior in the answer of `/evaluate`. */
interface Evaluated {
  element_id: string;
  behavior: {
    id?: string;
    calculations: { name: string; value: number | boolean | null; unit: string | null }[];
  };
}

/** The values of all formulas, for the drawing as it came; later ones arrive with the patches. */
async function evaluate(drawing: string): Promise<void> {
  try {
    const answer = await ask(access, "evaluate", {
      method: "POST",
      headers: { "Content-Type": "image/svg+xml", Accept: "application/json" },
      body: drawing,
    });
    const { results } = (await answer.json()) as { results: Evaluated[] };
    const values = results.flatMap(({ element_id, behavior }) =>
      behavior.calculations.map(({ name, value, unit }) => ({
        name: `${behavior.id ?? element_id}.${name}`,
        new_value: value === null ? null : Number(value),
        unit,
      })),
    );
    panels.values(values, true);
  } catch (error) {
    panels.say(`The formulas: ${(error as Error).message}`, "problem");
  }
}

function listen(): SessionStream {
  const name = sessionStorage.getItem(NAME) ?? "";
  return new SessionStream({
    ...access,
    session,
    participant: participant(),
    ...(name ? { name } : {}),
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
      again.addEventListener("click", () =>
        void act({ operation: "set_attribute", element_id: what, name: attribute, value: mine ?? null }),
      );
      panels.say(`${who} set ${attribute} of ${what} to ${theirs ?? "nothing"}; yours was ${mine ?? "nothing"}.`, "problem", [again]);
    },
  });
}

function buttons(): void {
  const operations: Record<string, Operation> = {
    undo: { operation: "undo" },
    redo: { operation: "redo" },
    delete: { operation: "delete" },
    duplicate: { operation: "duplicate", dx: 10, dy: 10 },
    group: { operation: "group" },
    ungroup: { operation: "ungroup" },
    front: { operation: "reorder", to: "front" },
    back: { operation: "reorder", to: "back" },
  };
  for (const [id, operation] of Object.entries(operations)) find(id).addEventListener("click", () => void act(operation));
  for (const button of document.querySelectorAll<HTMLButtonElement>("[data-tool]")) {
    button.addEventListener("click", () => choose(button.dataset["tool"] as Tool));
  }
  find("closer").addEventListener("click", () => stage.zoom(0.8));
  find("farther").addEventListener("click", () => stage.zoom(1.25));
  find("fit").addEventListener("click", () => stage.fit());
  const name = find<HTMLInputElement>("name");
  name.value = sessionStorage.getItem(NAME) ?? "";
  name.addEventListener("change", () => {
    sessionStorage.setItem(NAME, name.value.trim());
    stream?.close();
    stream = listen();
  });
}

/** The sessions of the key, to choose from. */
async function sessions(): Promise<void> {
  const choice = find<HTMLSelectElement>("session");
  const answer = await ask(access, "sessions");
  const { sessions } = (await answer.json()) as { sessions: { session: string }[] };
  const names = [...new Set([session, ...sessions.map((one) => one.session)])].sort();
  choice.replaceChildren(
    ...names.map((name) => {
      const option = make("option", name);
      option.selected = name === session;
      return option;
    }),
  );
  choice.addEventListener("change", () => {
    location.search = new URLSearchParams({ session: choice.value }).toString();
  });
}

/** Shows the form where a key is missing or not known. */
function wantKey(): void {
  find("key-error").textContent = key ? "That key is not known here." : "";
  find("key").hidden = false;
  find("console").hidden = true;
  find("key").addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem(KEY, find<HTMLInputElement>("key-text").value.trim());
    location.reload();
  });
  find("key-text").focus();
}

async function run(): Promise<void> {
  try {
    await sessions();
  } catch (error) {
    if (error instanceof Problem && error.document.status === 401) return wantKey();
    panels.say((error as Error).message, "problem");
  }
  buttons();
  choose("select");
  stream = listen();
  await follow(access);
}

void run();
