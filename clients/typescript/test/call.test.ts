/** Requests by the types of the description, against the real service. */
import assert from "node:assert/strict";
import test from "node:test";
import { call, Problem } from "../src/index.ts";
import { KEY, start } from "./service.ts";

const DRAWING = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 100 50">
  <rect id="room" x="10" y="10" width="30" height="20"/>
</svg>`;

test("a request says what its endpoint takes, and its answer is what its endpoint gives", async (t) => {
  const { base, stop } = await start();
  t.after(stop);
  const access = { base, key: KEY };

  const parsed = await call(access, "post", "/parse", { body: { content: DRAWING } });
  assert.ok("elements" in parsed, "not deferred");
  assert.deepEqual(parsed.elements.flatMap((element) => element.id ?? []), ["room"]);

  const made = await call(access, "post", "/sessions", { body: { session: "a b", content: DRAWING } });
  assert.equal(made.session, "a b");
  const all = await call(access, "get", "/sessions", {});
  assert.ok(all.sessions.some((one) => one.session === "a b"));
  const one = await call(access, "get", "/sessions/{session}", { path: { session: "a b" } });
  assert.equal(one.session, "a b");

  const moved = await call(access, "post", "/interactive", {
    body: { operation: "move", element_ids: ["room"], dx: 5, dy: 0, session: "a b" },
  });
  assert.ok("state" in moved);
  assert.equal(moved.state.undo_depth, 1);

  const wrong = call(access, "get", "/sessions/{session}", { path: { session: "nobody" } });
  await assert.rejects(wrong, (error) => error instanceof Problem && error.document.status === 404);
  // @ts-expect-error: an endpoint that is not there.
  await assert.rejects(call(access, "post", "/parsed", { body: {} }), Problem);
});
