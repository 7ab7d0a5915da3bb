/** The changes of all sessions, against the real service. */
import assert from "node:assert/strict";
import test from "node:test";
import { call, followChanges, Problem, type Change } from "../src/index.ts";
import { create, KEY, start } from "./service.ts";

const DRAWING = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><rect id="a" width="3" height="3"/></svg>`;

test("changes come as they are made, go on from a cursor, and say what is lost", { timeout: 120_000 }, async (t) => {
  const { base, stop } = await start();
  t.after(stop);
  const access = { base, key: KEY };
  const edit = () =>
    call(access, "post", "/interactive", { body: { operation: "move", element_ids: ["a"], dx: 1, dy: 0, session: "plan" } });
  const before = await call(access, "get", "/changes", {});
  assert.deepEqual(before.changes, []);

  const halt = new AbortController();
  const seen: Change[] = [];
  await create(base, "plan", DRAWING);
  for await (const change of followChanges(access, { after: before.next, signal: halt.signal })) {
    seen.push(change);
    if (seen.length < 5) await edit();
    else halt.abort();
  }
  assert.deepEqual(
    seen.map(({ session, sequence, kind }) => [session, sequence, kind]),
    [1, 2, 3, 4, 5].map((sequence) => ["plan", sequence, sequence === 1 ? "begun" : "edited"]),
  );
  // From the second on.
  const rest: number[] = [];
  for await (const change of followChanges(access, { after: seen[1]?.cursor })) {
    rest.push(change.sequence);
    if (change.sequence === 5) break;
  }
  assert.deepEqual(rest, [3, 4, 5]);

  // A cursor of another past.
  const lost = followChanges(access, { after: "1-1" });
  await assert.rejects(lost.next(), (error) => error instanceof Problem && error.code === "changes-lost");
  let told = 0;
  const onLost = async () => {
    told += 1;
    await edit();
  };
  for await (const change of followChanges(access, { after: "1-1", onLost })) {
    assert.equal(change.sequence, 6);
    break;
  }
  assert.equal(told, 1);
});
