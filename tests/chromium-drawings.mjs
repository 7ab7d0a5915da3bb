// Draws every file of a folder with our program and with Chromium, and compares them.
// Usage: node chromium-drawings.mjs PATH-OF-SVGX DRAWINGS FOLDER-FOR-PICTURES [PART-OF-A-NAME]
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const [program, drawings, folder, part = ""] = process.argv.slice(2);
/** Pixels of a drawing that may differ, in percent. */
const MOST_PERCENT = 0.5;
/** A pixel differs when any channel is further apart than this, of 255. */
const FAR = 48;
/** Three-panel pictures that are written: those that differ most. */
const PANELS = 8;
const SIDE = 200;

/** Compares two PNG files in the page; answers the share that differs and a picture of it. */
function compare(ours, theirs, far) {
  const read = async (data) => {
    // Unlike an `img`, a bitmap is decoded at once in a page that is not in front.
    const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const canvas = document.createElement("canvas");
    canvas.width = image.width;
    canvas.height = image.height;
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    return { canvas, pixels: context.getImageData(0, 0, canvas.width, canvas.height) };
  };
  return Promise.all([read(ours), read(theirs)]).then(([a, b]) => {
    const { width, height } = b.canvas;
    if (a.canvas.width !== width || a.canvas.height !== height) {
      throw new Error(`${a.canvas.width} x ${a.canvas.height}, not ${width} x ${height}`);
    }
    const shown = new ImageData(width, height);
    let differ = 0;
    for (let at = 0; at < a.pixels.data.length; at += 4) {
      const apart = [0, 1, 2, 3].map((c) => Math.abs(a.pixels.data[at + c] - b.pixels.data[at + c]));
      const bad = apart.some((d) => d > far);
      differ += bad ? 1 : 0;
      shown.data.set(bad ? [220, 0, 0, 255] : [245, 245, 245, 255], at);
    }
    const panels = document.createElement("canvas");
    panels.width = 3 * width + 20;
    panels.height = height;
    const context = panels.getContext("2d");
    context.drawImage(a.canvas, 0, 0);
    context.drawImage(b.canvas, width + 10, 0);
    context.putImageData(shown, 2 * (width + 10), 0);
    const percent = (100 * differ) / (width * height);
    return { percent, panels: panels.toDataURL("image/png").split(",")[1] };
  });
}

const names = readdirSync(drawings).filter((n) => n.endsWith(".svg") && n.includes(part)).sort();
if (names.length === 0) throw new Error(`no drawing in ${drawings} has "${part}" in its name`);
for (const old of readdirSync(folder)) if (old.endsWith(".png")) rmSync(join(folder, old));
const browser = await puppeteer.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--force-color-profile=srgb", "--lang=en", "--font-render-hinting=none", "--disable-lcd-text", "--disable-gpu"],
});
const results = [];
try {
  const page = await browser.newPage();
  const taken = [];
  await page.setViewport({ width: SIDE, height: SIDE });
  for (const name of names) {
    const file = join(drawings, name);
    try {
      const made = join(folder, "ours.tmp.png");
      execFileSync(program, ["render", file, "-o", made, "--background", "white"], { stdio: ["ignore", "ignore", "pipe"] });
      const ours = readFileSync(made).toString("base64");
      await page.goto(pathToFileURL(resolve(file)).href);
      const theirs = Buffer.from(await page.screenshot({ type: "png" })).toString("base64");
      taken.push({ name, ours, theirs });
    } catch (error) {
      results.push({ name, percent: 100, failed: String(error.stderr || error.message).trim().split("\n")[0] });
    }
  }
  // All in one page: a screenshot of a page that is not in front may wait for ever.
  await page.goto("about:blank");
  for (const { name, ours, theirs } of taken) {
    results.push({ name, ...(await page.evaluate(compare, ours, theirs, FAR)) });
  }
} finally {
  await browser.close();
  rmSync(join(folder, "ours.tmp.png"), { force: true });
}

results.sort((a, b) => b.percent - a.percent);
// The differences that are known, and no others: docs/drawing-differences.md is the list.
const listed = new Set(readFileSync("docs/drawing-differences.md", "utf8")
  .split("\n").filter((line) => /^\| .* \|$/.test(line))
  .flatMap((line) => [...line.split("|").at(-2).matchAll(/`([a-z0-9-]+)`/g)].map((m) => `${m[1]}.svg`)));
const differs = (r) => r.percent > MOST_PERCENT;
const bad = results.filter((r) => differs(r) !== listed.has(r.name));
console.log("differs  drawing");
for (const r of results) {
  const mark = differs(r) ? (listed.has(r.name) ? "  known" : "  FAILS") : listed.has(r.name) ? "  FAILS: listed as different" : "";
  console.log(`${r.percent.toFixed(2).padStart(6)}%  ${r.name}${mark}${r.failed ? `: ${r.failed}` : ""}`);
}
for (const { name, panels } of results.slice(0, Math.max(PANELS, bad.length))) {
  if (panels) writeFileSync(join(folder, name.replace(/svg$/, "png")), Buffer.from(panels, "base64"));
}
const known = results.filter((r) => differs(r) && listed.has(r.name)).length;
console.log(`${results.length} drawings, ${results.length - known - bad.length} within ${MOST_PERCENT}%, ${known} known to differ, ${bad.length} wrong (pictures in ${folder}/)`);
process.exit(bad.length === 0 ? 0 : 1);
