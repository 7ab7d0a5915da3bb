// Opens the first page as a person does: on a desktop, a phone, with a key, by keyboard.
// Usage: node pages.mjs PATH-OF-SVGX FOLDER-FOR-SCREENSHOTS
import assert from "node:assert/strict";
import puppeteer from "puppeteer-core";
import { start } from "./engine.mjs";

const [program, folder] = process.argv.slice(2);
const engine = (...flags) => start(program, "examples/floor-plan.svgx", ...flags);
const KEY = "pages-0123456789abcdef";

/** Opens the page and notes what the console says. */
async function open(browser, address, view) {
  const page = await browser.newPage();
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(address) && !url.startsWith("blob:")) complaints.push(`asks ${url}`);
  });
  await page.setViewport(view);
  await page.goto(address, { waitUntil: "domcontentloaded" });
  return { page, complaints };
}

const shown = (page) => page.waitForFunction(() =>
  document.querySelector("#drawing img").naturalWidth > 0 &&
  document.querySelectorAll("#classes tr").length === 3, { timeout: 30_000 });
const shot = (page, name) => page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });

let passed = 0;
const test = async (name, body) => {
  await body();
  passed += 1;
  console.log(`ok: ${name}`);
};

const browser = await puppeteer.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage"],
});
try {
  const service = await engine();
  const { address } = service;
  await test("the page shows the drawing and three budgets, without a word on the console", async () => {
    const { page, complaints } = await open(browser, address, { width: 1280, height: 900 });
    await shown(page);
    assert.equal(await page.$eval("#key", (form) => form.hidden), true);
    const rows = await page.$$eval("#classes tr", (rows) => rows.map((row) => row.innerText));
    for (const [i, budget] of ["16 ms", "32 ms", "100 ms"].entries()) assert.match(rows[i], new RegExp(budget));
    await shot(page, "desktop");
    assert.deepEqual(complaints, []);
    await page.close();
  });
  await test("an edit appears, and requests move the figures", async () => {
    const { page, complaints } = await open(browser, address, { width: 1280, height: 900 });
    await shown(page);
    const before = await page.$eval("#drawing img", (image) => image.src);
    const drawing = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 30"><rect width="40" height="30" fill="teal"/></svg>';
    const body = JSON.stringify({ operation: "load", content: drawing });
    const answer = await fetch(`${address}interactive`, { method: "POST", headers: { "content-type": "application/json" }, body });
    assert.equal(answer.status, 200, await answer.text());
    await page.waitForFunction((old) => document.querySelector("#drawing img").src !== old, { timeout: 30_000 }, before);
    await page.waitForFunction(() => document.querySelector("#classes tr td:nth-of-type(4)").textContent !== "0", { timeout: 30_000 });
    await shot(page, "edited");
    assert.deepEqual(complaints, []);
    await page.close();
  });
  await test("a trace that was sampled is drawn as a waterfall", async () => {
    const { page, complaints } = await open(browser, address, { width: 1280, height: 900 });
    const body = JSON.stringify({ operation: "click", coordinates: { x: 20, y: 15 } });
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    await fetch(`${address}interactive`, { method: "POST", headers: { "content-type": "application/json", traceparent }, body });
    await page.waitForFunction(() => [...document.querySelectorAll("#trace-choice option")].some((o) => o.value.startsWith("4bf92f35")), { timeout: 30_000 });
    await page.select("#trace-choice", "4bf92f3577b34da6a3ce929d0e0e4736");
    await page.waitForFunction(() => [...document.querySelectorAll("#waterfall th")].some((th) => /interactive/.test(th.textContent)), { timeout: 30_000 });
    const bars = await page.$$eval("#waterfall .span", (bars) => bars.map((bar) => bar.getBoundingClientRect().width));
    assert.ok(bars.length >= 3 && bars.every((width) => width > 0), String(bars));
    await shot(page, "waterfall");
    assert.deepEqual(complaints, []);
    await page.close();
  });
  await test("a phone is wide enough, and dark is dark", async () => {
    const { page, complaints } = await open(browser, address, { width: 375, height: 812, isMobile: true, hasTouch: true });
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }]);
    await shown(page);
    const [wide, view] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(wide <= view, `the page is ${wide} wide on ${view}`);
    const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(paper, "rgb(18, 22, 28)");
    await shot(page, "phone");
    assert.deepEqual(complaints, []);
    await page.close();
  });
  await test("the dashboards are there as pictures, fetched when they come into view", async () => {
    for (const [name, scheme, view] of [
      ["dashboards", "light", { width: 1280, height: 900 }],
      ["dashboards-phone", "dark", { width: 375, height: 812, isMobile: true, hasTouch: true }],
    ]) {
      const { page, complaints } = await open(browser, address, view);
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      const pictures = "#dashboards img";
      assert.deepEqual(await page.$$eval(pictures, (all) => all.map((image) => image.loading)), ["lazy", "lazy", "lazy"]);
      for (const image of await page.$$(pictures)) await image.scrollIntoView();
      await page.waitForFunction((pictures) =>
        [...document.querySelectorAll(pictures)].every((image) => image.naturalWidth > 1000), { timeout: 30_000 }, pictures);
      const words = await page.$eval("#dashboards", (section) => section.innerText);
      assert.match(words, /recorded run, not of this service/);
      const [wide, inner] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(wide <= inner, `the page is ${wide} wide on ${inner}`);
      await (await page.$("#dashboards")).screenshot({ path: `${folder}/${name}.png` });
      assert.deepEqual(complaints, []);
      await page.close();
    }
  });
  await test("every link of the page leads somewhere", async () => {
    const { page } = await open(browser, address, { width: 1280, height: 900 });
    const links = await page.$$eval("a", (links) => links.map((link) => link.href));
    assert.ok(links.length >= 8);
    for (const link of links) assert.equal((await fetch(link)).status, 200, link);
    await page.goto(`${address}problems/rate-limited`);
    assert.match(await page.$eval("main", (main) => main.innerText), /429/);
    await page.close();
  });
  await service.stop();

  const keyed = await engine("--api-key", `person:${KEY}`);
  await test("with keys the page asks for one, by keyboard, and keeps it for the tab", async () => {
    const { page } = await open(browser, keyed.address, { width: 1280, height: 900 });
    await page.waitForFunction(() => document.activeElement.id === "key-text", { timeout: 30_000 });
    await page.keyboard.type("wrong-0123456789abcdef");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.querySelector("#key-error").textContent !== "", { timeout: 30_000 });
    await page.keyboard.type(KEY);
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.querySelector("#key").hidden, { timeout: 30_000 });
    await page.evaluate(() => fetch("interactive", {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${sessionStorage.getItem("svgx-key")}` },
      body: JSON.stringify({ operation: "load", content: '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 3"><path d="M0 0h4v3z"/></svg>' }),
    }));
    await shown(page);
    await page.reload();
    await shown(page);
    await page.close();
  });
  await keyed.stop();
} finally {
  await browser.close();
}
console.log(`test result: ok. ${passed} passed; 0 failed; 0 ignored`);
