/** The state of the SLO controller, as it streams in. */

import { ask, type Access } from "../../typescript/src/index.ts";
import { find, make } from "./dom.ts";

interface Status {
  mode: string;
  tier: string;
  classes: { class: string; p95_ms: number | null; budget_ms: number }[];
}

function show(status: Status): void {
  const rows = status.classes.map((row) => {
    const share = row.p95_ms === null ? 0 : row.p95_ms / row.budget_ms;
    const mark = row.p95_ms === null ? "quiet" : share > 1 ? "over" : share > 0.8 ? "near" : "good";
    return make("tr", [
      make("th", row.class, { scope: "row" }),
      make("td", row.p95_ms === null ? "–" : `${row.p95_ms.toFixed(1)} ms`, { class: mark }),
      make("td", `${row.budget_ms} ms`),
    ]);
  });
  find("classes").replaceChildren(...rows);
  find("tier").textContent = `Precision ${status.tier}, controller ${status.mode}`;
}

/** Reads server-sent events; `EventSource` can send no key. */
async function read(access: Access): Promise<void> {
  const answer = await ask(access, "slo/stream", { headers: { Accept: "text/event-stream" } });
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = (await reader?.read()) ?? { value: undefined, done: true };
    if (done) return;
    text += value;
    const events = text.split("\n\n");
    text = events.pop() ?? "";
    for (const event of events) {
      const data = event.split("\n").find((line) => line.startsWith("data: "));
      if (data) show(JSON.parse(data.slice(6)) as Status);
    }
  }
}

/** Shows it for as long as the page is open. */
export async function follow(access: Access): Promise<void> {
  for (let wait = 1000; ; wait = Math.min(2 * wait, 30_000)) {
    try {
      await read(access);
      wait = 1000;
    } catch {
      find("tier").textContent = "The controller's state does not arrive; trying again.";
    }
    await new Promise((done) => setTimeout(done, wait));
  }
}
