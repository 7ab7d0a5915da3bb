import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ask, Problem, SessionStream } from "../src/index.ts";
import { Client, create, KEY, meaning, start, until } from "./service.ts";

const DRAWING = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 400 300">
  <rect id="a" x="10" y="10" width="80" height="60"/><g id="g"><circle id="c" cx="200" cy="100" r="20"/></g>
  <text id="t" x="5" y="290">one</text></svg>`;

let base = "";
let stop = async () => {};
before(async () => ({ base, stop } = await start()));
after(async () => {
  // What a failed test left open would keep the process.
  Client.all.forEach((client) => client.stream.close());
  await stop();
});

/** The drawing as the service has it. */
async function exported(session: string): Promise<string> {
  return (await ask({ base, key: KEY }, `sessions/${session}/export`)).text();
}

/** Everybody has what the service has. */
async function agree(session: string, clients: Client[]): Promise<void> {
  const truth = meaning(await exported(session));
  for (const client of clients) {
    await until("every client has what the service has", () => meaning(client.text) === truth).catch(() => {
      assert.equal(meaning(client.text), truth);
    });
  }
}

test("what one does the other sees, and both have what the service has", async () => {
  await create(base, "two", DRAWING);
  const clients = [new Client(base, "two", { name: "Anna" }), new Client(base, "two", { name: "Ben" })];
  const [one, two] = clients as [Client, Client];
  await Promise.all(clients.map((client) => client.ready()));
  await until("they see each other", () => one.stream.people.length === 2 && two.stream.people.length === 2);

  const moved = await one.stream.operation({ operation: "move", element_id: "a", dx: 5, dy: 0 });
  assert.equal(moved.operation, "move");
  await two.stream.operation({ operation: "add", markup: '<rect id="new" width="3" height="4"/><path d="M0 0h9"/>', parent_id: "g" });
  await one.stream.operation({ operation: "set_text", element_id: "t", text: "a < b & \"c\"" });
  await two.stream.operation({ operation: "group", element_ids: ["a", "t"] });
  await one.stream.operation({ operation: "delete", element_id: "c" });
  await two.stream.operation({ operation: "set_attribute", element_id: "new", name: "arx:object", value: null });
  await agree("two", clients);
  await one.stream.operation({ operation: "undo" });
  await agree("two", clients);
  assert.ok(one.tree?.find("c"), "the deleted circle is back");
  assert.equal(one.resets, 1);
  clients.forEach((client) => client.stream.close());
});

test("a refusal is a problem with its code, and leaves the stream as it was", async () => {
  await create(base, "refused", DRAWING);
  const client = new Client(base, "refused");
  await client.ready();
  await assert.rejects(client.stream.operation({ operation: "delete", element_id: "nobody" }), (error) => {
    assert.ok(error instanceof Problem);
    assert.ok(error.document.status >= 400 && error.document.status < 500, String(error.document.status));
    return true;
  });
  await client.stream.operation({ operation: "move", element_id: "a", dx: 1, dy: 1 });
  await agree("refused", [client]);
  client.stream.close();
});

test("a session that is not there is not made, and a wrong key opens nothing", async () => {
  let said = "";
  const wrong = new Client(base, "two", { key: "wrong-0123456789abcdef", onState: (state, why) => (said += `${state} ${why ?? ""}\n`) });
  await until("it is refused", () => said.includes("waiting"));
  assert.equal(wrong.tree, undefined);
  wrong.stream.close();
});

test("a thousand lost connections with edits on their way: none doubled, none lost, none back from the dead", async () => {
  const rounds = Number(process.env["SVGX_RECONNECTS"] ?? 1000);
  await create(base, "lost", DRAWING);
  const watcher = new Client(base, "lost");
  const client = new Client(base, "lost");
  await Promise.all([watcher.ready(), client.ready()]);
  const wanted = new Set<string>();
  const waiting: Promise<unknown>[] = [];
  for (let i = 0; i < rounds; i += 1) {
    waiting.push(client.stream.operation({ operation: "add", markup: `<rect id="n${i}" width="1" height="1"/>` }));
    wanted.add(`n${i}`);
    if (i >= 20) {
      // What was deleted twenty rounds ago stays away.
      waiting.push(client.stream.operation({ operation: "delete", element_id: `n${i - 20}` }));
      wanted.delete(`n${i - 20}`);
    }
    // Before, while and after it is answered.
    if (i % 3 > 0) await new Promise((done) => setTimeout(done, i % 3));
    client.stream.reconnect();
    if (client.stream.pending > 100) await until("some are answered", () => client.stream.pending < 50);
  }
  await Promise.all(waiting);
  const ids = (text: string) => [...text.matchAll(/id="(n\d+)"/g)].map((match) => match[1] as string).sort();
  assert.deepEqual(ids(await exported("lost")), [...wanted].sort());
  await agree("lost", [watcher, client]);
  assert.equal(watcher.resets, 1, "who kept the connection saw every patch");
  client.stream.close();
  watcher.stream.close();
});

test("presence comes, moves, and goes with the connection", async () => {
  await create(base, "presence", DRAWING);
  const [one, two] = [new Client(base, "presence"), new Client(base, "presence", { name: "Ben" })];
  await Promise.all([one.ready(), two.ready()]);
  two.stream.presence({ cursor: { x: 1.5, y: 2 }, selected: ["a"] });
  await until("the pointer is seen", () => one.stream.people.some((p) => p.name === "Ben" && p.cursor?.x === 1.5));
  two.stream.close();
  await until("nobody is left over", () => one.stream.people.length === 1);
  one.stream.close();
});

test("a stream that was closed says so", async () => {
  const stream = new SessionStream({ base, key: KEY, session: "none", WebSocket: class { close() {} } as never });
  stream.close();
  await assert.rejects(stream.operation({ operation: "undo" }), /closed/);
});
