/**
 * The drawing as it is shown: a copy of the tree in a shadow root, so that its styles and ids stay in it.
 *
 * A drawing may come from anybody. The copy holds what draws and nothing that runs or asks other
 * hosts; the page's Content-Security-Policy forbids both a second time. What is not copied stands as an
 * inert element, so that the two trees keep the same shape.
 */

import { setAttribute, Tree } from "../../typescript/src/tree.ts";
import type { Point } from "../../typescript/src/index.ts";

const SVG = "http://www.w3.org/2000/svg";
const XLINK = "http://www.w3.org/1999/xlink";
const INERT = "urn:svgx:inert";
const NOT_SHOWN = new Set([
  "script", "foreignObject", "iframe", "object", "embed", "audio", "video", "canvas", "handler", "listener",
  "animate", "animateMotion", "animateTransform", "set", "discard",
]);
/** Addresses in styles that are neither of the drawing nor pictures in it. */
const ELSEWHERE = /url\(\s*["']?\s*(?!#|data:image\/)[^)]*\)|@import[^;]*;?/gi;
const LOCAL = /^\s*(#|data:image\/(png|jpeg|gif|webp)[;,])/i;

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export class View {
  tree: Tree | null = null;
  #shadow: ShadowRoot;
  #shown = new WeakMap<Node, Node>();
  #models = new WeakMap<Node, Element>();
  #root: SVGSVGElement | null = null;

  constructor(host: HTMLElement) {
    this.#shadow = host.attachShadow({ mode: "open" });
  }

  /** Shows another drawing. */
  load(drawing: string, handles: number[]): void {
    const parse = (text: string): Document => {
      const read = new DOMParser().parseFromString(text, "application/xml");
      const wrong = read.querySelector("parsererror");
      if (wrong) throw new Error(`the drawing is no XML: ${wrong.textContent ?? ""}`);
      return read;
    };
    this.#shown = new WeakMap();
    this.#models = new WeakMap();
    this.tree = new Tree(drawing, handles, parse, {
      set: (element, name, value) => {
        const copy = this.#shown.get(element);
        if (copy instanceof Element) copyAttribute(copy, element, name, value);
        if (copy === this.#root) this.#dress();
      },
      placed: (element) => this.#place(element),
      text: (element) => {
        const copy = this.#shown.get(element);
        if (!copy) return;
        copy.textContent = "";
        for (const child of Array.from(element.childNodes)) copy.appendChild(this.#copy(child));
      },
      removed: (element) => this.#shown.get(element)?.parentNode?.removeChild(this.#shown.get(element) as Node),
    });
    const root = this.#copy(this.tree.root);
    this.#root = root instanceof SVGSVGElement ? root : null;
    const style = document.createElement("style");
    style.textContent = ":host { display: block } svg { display: block; width: 100%; height: 100% }";
    this.#shadow.replaceChildren(style, root);
    this.#dress();
  }

  get root(): SVGSVGElement | null {
    return this.#root;
  }

  /** What of the drawing there is to see, user units. */
  get whole(): Box {
    const written = (this.tree?.root.getAttribute("viewBox") ?? "").trim().split(/[\s,]+/).map(Number);
    const [x, y, width, height] = written;
    if (written.length === 4 && width !== undefined && height !== undefined && width > 0 && height > 0) {
      return { x: x ?? 0, y: y ?? 0, width, height };
    }
    const size = (name: string, other: number) => parseFloat(this.tree?.root.getAttribute(name) ?? "") || other;
    return { x: 0, y: 0, width: size("width", 300), height: size("height", 150) };
  }

  /** Shows this part. */
  look(part: Box): void {
    this.#root?.setAttribute("viewBox", `${part.x} ${part.y} ${part.width} ${part.height}`);
  }

  /** A place of the page in user units of the drawing. */
  place(x: number, y: number): Point {
    const matrix = this.#root?.getScreenCTM()?.inverse();
    const point = new DOMPoint(x, y).matrixTransform(matrix ?? undefined);
    return { x: point.x, y: point.y };
  }

  /** A place of the drawing on the page. */
  onPage(point: Point): Point {
    const place = new DOMPoint(point.x, point.y).matrixTransform(this.#root?.getScreenCTM() ?? undefined);
    return { x: place.x, y: place.y };
  }

  /** What is topmost at a place of the page. */
  at(x: number, y: number): Element | undefined {
    const found = this.#shadow.elementFromPoint(x, y);
    return found && found !== this.#root ? this.#models.get(found) : undefined;
  }

  /** The box of an element on the page. */
  box(element: Element): DOMRect | undefined {
    const copy = this.#shown.get(element);
    if (!(copy instanceof SVGGraphicsElement)) return undefined;
    const box = copy.getBoundingClientRect();
    return box.width + box.height > 0 ? box : undefined;
  }

  /** The root fills the stage, whatever the drawing says of its own size. */
  #dress(): void {
    for (const name of ["width", "height", "style", "preserveAspectRatio"]) this.#root?.removeAttribute(name);
  }

  #place(element: Element): void {
    const parent = element.parentNode && this.#shown.get(element.parentNode);
    if (!parent) return;
    const known = this.#shown.get(element);
    const copy = known ?? this.#copy(element);
    copy.parentNode?.removeChild(copy);
    // The next sibling that has a copy: texts that were joined have none of their own.
    let next = element.nextSibling;
    while (next && this.#shown.get(next)?.parentNode !== parent) next = next.nextSibling;
    parent.insertBefore(copy, (next && this.#shown.get(next)) ?? null);
  }

  #copy(node: Node): Node {
    if (!(node instanceof Element)) {
      const text = node.nodeType === Node.COMMENT_NODE ? "" : (node.nodeValue ?? "");
      const styles = node.parentNode?.nodeName === "style";
      const copy = document.createTextNode(styles ? text.replace(ELSEWHERE, "none") : text);
      this.#shown.set(node, copy);
      return copy;
    }
    const drawn = node.namespaceURI === SVG && !NOT_SHOWN.has(node.localName);
    const copy = document.createElementNS(drawn ? SVG : INERT, node.localName);
    this.#shown.set(node, copy);
    this.#models.set(copy, node);
    for (const { name, value } of Array.from(node.attributes)) copyAttribute(copy, node, name, value);
    // What is not drawn shows no text either.
    if (drawn) for (const child of Array.from(node.childNodes)) copy.appendChild(this.#copy(child));
    return copy;
  }
}

function copyAttribute(copy: Element, model: Element, name: string, value: string | null): void {
  const local = name.slice(name.indexOf(":") + 1).toLowerCase();
  const isLink = name === "href" || (local === "href" && model.getAttributeNode(name)?.namespaceURI === XLINK);
  if (local.startsWith("on") || name.startsWith("xmlns")) return;
  if (isLink || local === "href") {
    const kept = isLink && value !== null && LOCAL.test(value) && model.localName !== "a" ? value : null;
    return setAttribute(copy, "href", kept);
  }
  // Of other namespaces nothing draws, but for `xml:space`.
  if (name.includes(":")) {
    if (name === "xml:space" && value !== null) copy.setAttributeNS("http://www.w3.org/XML/1998/namespace", name, value);
    return;
  }
  setAttribute(copy, name, value?.replace(ELSEWHERE, "none") ?? null);
}
