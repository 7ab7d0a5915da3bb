// Drags in the page of examples/embed, served from one origin, the drawing of an engine at another.
// Usage: node embed.mjs PATH-OF-SVGX FOLDER-FOR-SCREENSHOTS FOLDER-OF-THE-PAGE
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import puppeteer from "puppeteer-core";
import { start } from "./engine.mjs";

const [program, folder, source] = process.argv.slice(2);
const KEY = "embed-0123456789abcdef";
const TYPES = { html: "text/html; charset=utf-8", js: "text/javascript; charset=utf-8" };

/** The page, at an origin of its own. */
const pages = createServer(async (request, answer) => {
  const name = request.url === "/" ? "index.html" : request.url.slice(1);
  if (!["index.html", "embed.js"].includes(name)) return answer.writeHead(404).end();
  answer.writeHead(200, { "content-type": TYPES[name.split(".").pop()] });
  answer.end(await readFile(join(source, name)));
});
await new Promise((done) => pages.listen(0, "127.0.0.1", done));
const origin = `http://127.0.0.1:${pages.address().port}`;
// Unoptimised, the engine is too slow for its budgets, and would rightly refuse.
const engine = await start(program, "examples/floor-plan.svgx", "--controller", "shadow",
  "--rate-limit", "off", "--api-key", `page:${KEY}`, "--cors-origin", origin);
const browser = await puppeteer.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage"],
});

let passed = 0;
const test = async (name, body) => {
  await body();
  passed += 1;
  console.log(`ok: ${name}`);
};

/** Opens the page with a key and a session. */
async function open(key, session) {
  const page = await browser.newPage();
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.setViewport({ width: 1000, height: 900 });
  await page.goto(origin, { waitUntil: "domcontentloaded" });
  await page.evaluate((fields) => {
    for (const [name, value] of Object.entries(fields)) document.querySelector(`[name=${name}]`).value = value;
  }, { address: engine.address, key, session });
  await page.click("button");
  return { page, complaints };
}

/** The edits that a session has had. */
const state = async () => {
  const headers = { authorization: `Bearer ${KEY}` };
  return (await fetch(`${engine.address}state`, { headers })).json();
};

/** Drags a shape of the drawing, and answers its id and what the page says of it. */
async function drag(page) {
  const grip = await page.evaluate(() => {
    // Something small with an id that lies topmost in its middle.
    for (const shape of document.querySelectorAll("#drawing [id]:not(svg):not(defs *)")) {
      const box = shape.getBoundingClientRect();
      const at = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
      if (box.width < 6 || box.width > 120 || box.height < 6 || box.height > 120) continue;
      const top = document.elementFromPoint(at.x, at.y)?.closest("[id]");
      if (top === shape && shape.localName !== "g") return { id: shape.id, ...at };
    }
    return null;
  });
  assert.ok(grip, "nothing to take hold of");
  await page.mouse.move(grip.x, grip.y);
  const began = performance.now();
  await page.mouse.down();
  // As fast as the browser takes them.
  for (let i = 1; i <= 120; i += 1) await page.mouse.move(grip.x + i / 4, grip.y + i / 6);
  await page.mouse.up();
  await page.waitForFunction(() => /Dragged|ended early/.test(document.querySelector("#said").textContent), { timeout: 60_000 });
  const took = performance.now() - began;
  const text = (selector) => page.$eval(selector, (element) => element.textContent);
  return { id: grip.id, said: await text("#said"), problem: await text("#problem"), took };
}

try {
  await test("the drawing of another origin is shown and dragged, with one request in flight", async () => {
    const { page, complaints } = await open(KEY, "default");
    await page.waitForSelector("#drawing svg", { timeout: 30_000 });
    const before = (await state()).sequence;
    const { id, said, problem, took } = await drag(page);
    assert.equal(problem, "");
    const [, requests, most] = said.match(/: (\d+) requests, (\d+) at a time/) ?? assert.fail(said);
    assert.equal(most, "1");
    // No more than 60 in a second, and one for each end.
    assert.ok(Number(requests) >= 3 && Number(requests) <= took / 16.6 + 3, `${said} in ${took} ms`);
    const after = await state();
    assert.ok(after.sequence > before && after.undo_depth > 0, JSON.stringify(after));
    assert.equal(after.drag_state.active, false, id);
    await page.screenshot({ path: `${folder}/embed.png`, fullPage: true });
    assert.deepEqual(complaints, []);
    await page.close();
  });
  await test("a refusal is waited out, by the time that the engine says", async () => {
    const { page, complaints } = await open(KEY, "default");
    await page.waitForSelector("#drawing svg", { timeout: 30_000 });
    // The engine refuses twice at the start of a drag, and then no more.
    let refused = 0;
    await page.setRequestInterception(true);
    const asked = [];
    page.on("request", (request) => {
      const body = request.method() === "POST" ? JSON.parse(request.postData()) : {};
      if (body.operation === "drag_start") asked.push(Date.now());
      if (body.operation !== "drag_start" || refused === 2) return request.continue();
      refused += 1;
      return request.respond({
        status: 503,
        headers: {
          "access-control-allow-origin": origin,
          "access-control-expose-headers": "retry-after, x-svgx-retry-after-ms",
          "retry-after": "1",
          "x-svgx-retry-after-ms": "300",
        },
        contentType: "application/problem+json",
        body: JSON.stringify({ type: "/problems/queue-full", title: "Busy", detail: "busy", trace_id: "0" }),
      });
    });
    const { said, problem } = await drag(page);
    assert.equal(problem, "");
    assert.match(said, /Dragged/);
    assert.equal(asked.length, 3);
    for (const [i, at] of asked.slice(1).entries()) assert.ok(at - asked[i] >= 300, String(asked));
    // Chromium itself reports an answer of 503 on the console.
    assert.deepEqual(complaints.filter((text) => !text.includes("503")), []);
    await page.close();
  });
  await test("a problem is shown in the engine's words, with the page that explains it", async () => {
    for (const [key, session, words] of [
      ["wrong-0123456789abcdef", "default", /the key is not known/],
      [KEY, "first-flor", /no session `first-flor`/],
    ]) {
      const { page } = await open(key, session);
      await page.waitForFunction(() => document.querySelector("#problem a"), { timeout: 30_000 });
      assert.match(await page.$eval("#problem", (element) => element.textContent), words);
      const link = await page.$eval("#problem a", (element) => element.href);
      assert.ok(link.startsWith(`${engine.address}problems/`), link);
      assert.equal((await fetch(link)).status, 200);
      await page.close();
    }
  });
} finally {
  await browser.close();
  await engine.stop();
  pages.close();
}
console.log(`test result: ok. ${passed} passed; 0 failed; 0 ignored`);
