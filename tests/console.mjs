// Two people edit one drawing in the console, lose the connection and get it back.
// Usage: node console.mjs PATH-OF-SVGX FOLDER-FOR-SCREENSHOTS
import assert from "node:assert/strict";
import net from "node:net";
import puppeteer from "puppeteer-core";
import { start } from "./engine.mjs";

const [program, folder] = process.argv.slice(2);
const KEY = "console-0123456789abcdef";
const VIEW = { width: 1280, height: 860 };

/** A way to the engine that can be cut, as a network would. */
async function wire(address) {
  const { hostname, port } = new URL(address);
  const open = new Set();
  let cut = false;
  const server = net.createServer((near) => {
    if (cut) return near.destroy();
    const far = net.connect(Number(port), hostname);
    for (const [from, to] of [[near, far], [far, near]]) {
      open.add(from);
      from.pipe(to);
      from.on("error", () => {});
      from.on("close", () => (open.delete(from), to.destroy()));
    }
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return {
    address: `http://127.0.0.1:${server.address().port}/`,
    cut() {
      cut = true;
      for (const socket of open) socket.destroy();
    },
    mend() {
      cut = false;
    },
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

async function open(browser, address, { name = "", session, view = VIEW } = {}) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("dialog", (dialog) => dialog.accept("Hall"));
  await page.setViewport(view);
  await page.evaluateOnNewDocument((name) => sessionStorage.setItem("svgx-name", name), name);
  const query = session ? `?session=${encodeURIComponent(session)}` : "";
  await page.goto(`${address}console${query}`, { waitUntil: "domcontentloaded" });
  return { page, complaints };
}

const connected = (page) =>
  page.waitForFunction(() => document.querySelector("#connection").textContent === "Connected" &&
    document.querySelector("#drawing").shadowRoot?.querySelector("svg") !== null, { timeout: 30_000 });
/** What is shown, without the part of the sheet that one looks at. */
const shown = (page) => page.evaluate(() => {
  const copy = document.querySelector("#drawing").shadowRoot.querySelector("svg").cloneNode(true);
  copy.removeAttribute("viewBox");
  return new XMLSerializer().serializeToString(copy);
});
const attribute = (page, id, name) => page.evaluate((id, name) =>
  document.querySelector("#drawing").shadowRoot.getElementById(id)?.getAttribute(name) ?? null, id, name);
const until = (page, id, name, value) => page.waitForFunction((id, name, value) =>
  (document.querySelector("#drawing").shadowRoot.getElementById(id)?.getAttribute(name) ?? null) === value,
{ timeout: 20_000 }, id, name, value);
const middle = (page, id) => page.evaluate((id) => {
  const box = document.querySelector("#drawing").shadowRoot.getElementById(id).getBoundingClientRect();
  return [box.x + box.width / 2, box.y + box.height / 2];
}, id);
/** Waits until there are as many elements as that. */
const has = (page, selector, count) => page.waitForFunction((selector, count) =>
  document.querySelector("#drawing").shadowRoot.querySelectorAll(selector).length === count,
{ timeout: 20_000 }, selector, count);
const messages = (page) => page.$$eval("#messages li", (lines) => lines.map((line) => line.innerText));
const same = async (one, other) => {
  let [a, b] = ["", "-"];
  for (let i = 0; i < 400 && a !== b; i += 1) {
    await new Promise((done) => setTimeout(done, 50));
    [a, b] = await Promise.all([shown(one), shown(other)]);
  }
  assert.equal(a, b);
};

async function drag(page, id, dx, dy) {
  const [x, y] = await middle(page, id);
  await page.mouse.move(x, y);
  await page.mouse.down();
  for (let i = 1; i <= 12; i += 1) {
    await page.mouse.move(x + (dx * i) / 12, y + (dy * i) / 12);
    await new Promise((done) => setTimeout(done, 16));
  }
  await page.mouse.up();
}

const DRAWING = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" width="400mm" height="300mm" viewBox="0 0 400 300">
  <style>.wall { fill: #d8e3f0; stroke: #1b2330 }</style>
  <rect id="hall" class="wall" x="20" y="20" width="160" height="120"/>
  <rect id="store" class="wall" x="220" y="20" width="120" height="120"/>
  <circle id="lamp" cx="100" cy="220" r="25" fill="gold"/>
</svg>`;
const HOSTILE = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 100 100" onload="window.ran=1">
  <script>window.ran = 2</script>
  <a id="link" xlink:href="javascript:window.ran=3"><rect id="bait" width="100" height="100" onclick="window.ran=4" fill="tan"/></a>
  <image id="far" href="http://192.0.2.1/picture.png" width="10" height="10"/>
  <style>rect { stroke: url(http://192.0.2.1/paint.svg#p) } body { display: none }</style>
</svg>`;

async function create(address, session, content, headers = {}) {
  const answer = await fetch(`${address}sessions`, {
    method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify({ session, content }),
  });
  assert.ok(answer.ok, await answer.text());
}

let passed = 0;
const test = async (name, body) => {
  await body();
  passed += 1;
  console.log(`ok: ${name}`);
};

const browser = await puppeteer.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-dev-shm-usage"] });
const service = await start(program, "examples/room.svgx", "--rate-limit", "off");
try {
  const [near, far] = [await wire(service.address), await wire(service.address)];
  await create(service.address, "hall", DRAWING);
  const one = await open(browser, near.address, { name: "Anna", session: "hall" });
  const two = await open(browser, far.address, { name: "Ben", session: "hall" });
  // What one page shows says nothing of when the other does.
  const both = (wait) => Promise.all([wait(one.page), wait(two.page)]);
  await both(connected);

  await test("both see the drawing and each other", async () => {
    for (const { page } of [one, two]) {
      await page.waitForFunction(() => document.querySelectorAll("#people li").length === 2, { timeout: 20_000 });
    }
    await same(one.page, two.page);
    await one.page.waitForFunction(() => document.querySelectorAll("#classes tr").length === 3, { timeout: 20_000 });
  });
  await test("a drag of one is seen by the other, with the pointer of who drags", async () => {
    await drag(one.page, "lamp", 60, 30);
    await two.page.waitForFunction(() =>
      document.querySelector("#drawing").shadowRoot.getElementById("lamp").getAttribute("cx") !== "100", { timeout: 20_000 });
    await same(one.page, two.page);
    await two.page.waitForFunction(() => document.querySelector("#overlay .name")?.textContent === "Anna", { timeout: 20_000 });
    await two.page.screenshot({ path: `${folder}/console.png` });
  });
  await test("undo takes back what one did, for both", async () => {
    const dragged = await attribute(two.page, "lamp", "cx");
    assert.notEqual(dragged, "100");
    await one.page.click("#undo");
    await both((page) => until(page, "lamp", "cx", "100"));
    await one.page.click("#redo");
    await both((page) => until(page, "lamp", "cx", dragged));
    await one.page.click("#undo");
    await both((page) => until(page, "lamp", "cx", "100"));
    await same(one.page, two.page);
  });
  await test("the keyboard selects, moves, copies and deletes", async () => {
    await one.page.$eval("#elements", (list) => (list.closest("details").open = true));
    await one.page.waitForFunction(() => document.querySelectorAll("#elements option").length >= 3);
    await one.page.select("#elements", "store");
    await one.page.waitForFunction(() => document.querySelector("#selected").textContent.includes("store"), { timeout: 20_000 });
    await one.page.focus("#stage");
    for (let i = 0; i < 5; i += 1) await one.page.keyboard.press("ArrowRight");
    await both((page) => until(page, "store", "x", "225"));
    await one.page.click("#duplicate");
    await both((page) => has(page, "rect", 3));
    await one.page.click("#undo");
    await both((page) => has(page, "rect", 2));
    await same(one.page, two.page);
  });
  await test("what is drawn with the mouse appears for both, text as well", async () => {
    await two.page.click('[data-tool="circle"]');
    const [x, y] = await middle(two.page, "hall");
    await two.page.mouse.move(x, y);
    await two.page.mouse.down();
    await two.page.mouse.move(x + 30, y, { steps: 4 });
    await two.page.mouse.up();
    await both((page) => has(page, "circle", 2));
    await two.page.click('[data-tool="text"]');
    await two.page.mouse.click(x, y + 60);
    await one.page.waitForFunction(() => document.querySelector("#drawing").shadowRoot.querySelector("text")?.textContent === "Hall", { timeout: 20_000 });
    await same(one.page, two.page);
  });
  await test("an edit made without a connection arrives once, and whom it overwrote hears of it", async () => {
    near.cut();
    await one.page.waitForFunction(() => /lost/.test(document.querySelector("#connection").textContent), { timeout: 20_000 });
    await one.page.screenshot({ path: `${folder}/console-lost.png` });
    const set = async (page, id, name, value) => {
      await page.$eval("#set", (form) => (form.hidden = false));
      await page.$eval("#set-name", (field, name) => (field.value = name), name);
      await page.$eval("#set-value", (field, value) => (field.value = value), value);
      await page.$eval("#set", (form) => form.requestSubmit());
    };
    // Anna's waits in her page; Ben's is done.
    await set(one.page, "store", "fill", "tomato");
    await two.page.$eval("#elements", (list) => (list.closest("details").open = true));
    await two.page.select("#elements", "store");
    await two.page.waitForFunction(() => document.querySelector("#selected").textContent.includes("store"), { timeout: 20_000 });
    await set(two.page, "store", "fill", "teal");
    await until(two.page, "store", "fill", "teal");
    near.mend();
    await connected(one.page);
    await until(two.page, "store", "fill", "tomato");
    await two.page.waitForFunction(() => [...document.querySelectorAll("#messages li")].some((line) => /Anna set fill of store/.test(line.innerText)), { timeout: 20_000 });
    await same(one.page, two.page);
    assert.match((await messages(two.page)).join("\n"), /yours was teal/);
  });
  await test("nobody is left over when a page closes", async () => {
    await one.page.close();
    await two.page.waitForFunction(() => document.querySelectorAll("#people li").length === 1, { timeout: 30_000 });
  });
  await test("the pages said nothing on the console but of the lost connection", async () => {
    const own = [...one.complaints, ...two.complaints].filter((text) => !/WebSocket connection to|ERR_|net::/.test(text));
    assert.deepEqual(own, []);
  });
  await test("nothing in a drawing runs, and nothing asks another host", async () => {
    await create(service.address, "hostile", HOSTILE).catch(async () => {
      // Refused as a drawing: then it cannot come that way at all.
    });
    const { page, complaints } = await open(browser, service.address, { session: "hostile" });
    const asked = [];
    page.on("request", (request) => /192\.0\.2\.1/.test(request.url()) && asked.push(request.url()));
    await connected(page);
    await page.mouse.click(...(await middle(page, "bait")));
    await new Promise((done) => setTimeout(done, 500));
    assert.equal(await page.evaluate(() => window.ran), undefined);
    assert.deepEqual(asked, []);
    assert.notEqual(await page.evaluate(() => getComputedStyle(document.body).display), "none");
    // The browser says what it refused to run when it read the drawing.
    assert.deepEqual(complaints.filter((text) => !/violates the following Content Security Policy/.test(text)), []);
    await page.close();
  });
  await test("a phone is wide enough", async () => {
    const { page } = await open(browser, service.address, { session: "hall", view: { width: 375, height: 812, isMobile: true, hasTouch: true } });
    await connected(page);
    const [wide, view] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(wide <= view, `the page is ${wide} wide on ${view}`);
    await page.screenshot({ path: `${folder}/console-phone.png`, fullPage: true });
    await page.close();
  });
  await test("a service with keys asks for one, and a wrong one is said to be wrong", async () => {
    const guarded = await start(program, "examples/room.svgx", "--api-key", `me:${KEY}`);
    try {
      const { page } = await open(browser, guarded.address);
      await page.waitForFunction(() => !document.querySelector("#key").hidden, { timeout: 20_000 });
      await page.type("#key-text", KEY);
      await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
      await connected(page);
      await page.close();
    } finally {
      await guarded.stop();
    }
  });
  near.close();
  far.close();
} finally {
  await browser.close();
  await service.stop();
}
console.log(`test result: ${passed} passed; 0 failed; 0 ignored`);
