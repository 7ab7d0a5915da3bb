/** A drawing as its elements and their handles; patches are done on it. */

import type { Change } from "./frames.ts";

const ELEMENT = 1;
const TEXT = 3;
const CDATA = 4;
const XMLNS = "http://www.w3.org/2000/xmlns/";

/** Makes a document of XML text; `DOMParser` in a browser. */
export type Parse = (text: string) => Document;

/** Who wants to know what was changed, after it was. */
export interface Observer {
  set?(element: Element, name: string, value: string | null): void;
  /** An element and all in it is at its place, for the first time or anew. */
  placed?(element: Element): void;
  text?(element: Element): void;
  /** Taken out, and out of the document already. */
  removed?(element: Element): void;
}

export class Tree {
  readonly document: Document;
  readonly #elements = new Map<number, Element>();
  readonly #handles = new WeakMap<Element, number>();
  readonly #parse: Parse;
  readonly #observer: Observer;

  constructor(drawing: string, handles: number[], parse: Parse, observer: Observer = {}) {
    this.#parse = parse;
    this.#observer = observer;
    this.document = parse(drawing);
    this.#know(this.root, handles);
  }

  get root(): Element {
    const root = this.document.documentElement;
    if (!root) throw new Error("a drawing without an element");
    return root;
  }

  element(handle: number): Element | undefined {
    return this.#elements.get(handle);
  }

  handle(element: Element): number | undefined {
    return this.#handles.get(element);
  }

  /** How an operation calls an element. */
  name(element: Element): string {
    return element.getAttribute("id") || `@${this.#handles.get(element)}`;
  }

  /** The element that an operation calls so. */
  find(name: string): Element | undefined {
    if (name.startsWith("@")) return this.#elements.get(Number(name.slice(1)));
    return this.document.getElementById(name) ?? undefined;
  }

  /** Does the changes of a patch, in order. Throws where one does not fit: then the drawing has to come anew. */
  apply(changes: Change[]): void {
    for (const change of changes) this.#change(change);
  }

  #change(change: Change): void {
    const at = (handle: number): Element => {
      const found = this.#elements.get(handle);
      if (!found) throw new Error(`no element has the handle ${handle}`);
      return found;
    };
    switch (change.change) {
      case "set": {
        const element = at(change.element);
        const value = change.value ?? null;
        setAttribute(element, change.name, value);
        this.#observer.set?.(element, change.name, value);
        return;
      }
      case "add": {
        const added = this.#read(change.markup, at(change.parent));
        this.#know(added, change.handles);
        place(added, at(change.parent), change.at ?? null, change.before == null ? null : at(change.before));
        this.#observer.placed?.(added);
        return;
      }
      case "move": {
        const element = at(change.element);
        element.parentNode?.removeChild(element);
        place(element, at(change.parent), change.at ?? null, change.before == null ? null : at(change.before));
        this.#observer.placed?.(element);
        return;
      }
      case "text": {
        const element = at(change.element);
        element.textContent = change.text;
        this.#observer.text?.(element);
        return;
      }
      case "remove": {
        const element = at(change.element);
        for (const one of elements(element)) {
          const handle = this.#handles.get(one);
          if (handle !== undefined) this.#elements.delete(handle);
        }
        element.parentNode?.removeChild(element);
        this.#observer.removed?.(element);
      }
    }
  }

  /** Reads markup with the namespaces of the place it goes to. */
  #read(markup: string, parent: Element): Element {
    const spaces = new Map<string, string>();
    for (let at: Element | null = parent; at; at = at.parentNode?.nodeType === ELEMENT ? (at.parentNode as Element) : null) {
      for (const { name, value } of Array.from(at.attributes)) {
        if ((name === "xmlns" || name.startsWith("xmlns:")) && !spaces.has(name)) spaces.set(name, value);
      }
    }
    const declared = [...spaces].map(([name, value]) => ` ${name}="${escape(value)}"`).join("");
    const root = this.#parse(`<place${declared}>${markup}</place>`).documentElement;
    const read = root && Array.from(root.childNodes).find((node) => node.nodeType === ELEMENT);
    if (!read) throw new Error("markup without an element");
    return this.document.importNode(read, true) as Element;
  }

  #know(root: Element, handles: number[]): void {
    const all = [...elements(root)];
    if (all.length !== handles.length) throw new Error(`${all.length} elements with ${handles.length} handles`);
    all.forEach((element, i) => {
      const handle = handles[i] as number;
      this.#elements.set(handle, element);
      this.#handles.set(element, handle);
    });
  }
}

/** An element and all in it, in document order. */
export function* elements(root: Element): Generator<Element> {
  const open: Element[] = [root];
  for (let next = open.pop(); next; next = open.pop()) {
    yield next;
    const inside = Array.from(next.childNodes).filter((node) => node.nodeType === ELEMENT) as Element[];
    open.push(...inside.reverse());
  }
}

/**
 * Puts an element among the children of another: before one of them; where there is text beside them,
 * at a place among all nodes. White space alone is how the text was written, and does not count.
 */
function place(element: Element, parent: Element, at: number | null, before: Element | null): void {
  let next: Node | null = before;
  const mixed = Array.from(parent.childNodes).some((node) => isText(node) && (node.nodeValue ?? "").trim() !== "");
  if (at !== null && mixed) {
    // Texts side by side count as one.
    let count = 0;
    next = parent.firstChild;
    while (next && count < at) {
      const text = isText(next);
      next = next.nextSibling;
      while (text && next && isText(next)) next = next.nextSibling;
      count += 1;
    }
  }
  parent.insertBefore(element, next);
}

function isText(node: Node): boolean {
  return node.nodeType === TEXT || node.nodeType === CDATA;
}

/** Sets an attribute by its name as it is written, in the namespace of its prefix. */
export function setAttribute(element: Element, name: string, value: string | null): void {
  const prefix = name.includes(":") ? name.slice(0, name.indexOf(":")) : null;
  const space =
    name === "xmlns" || prefix === "xmlns" ? XMLNS : prefix === null ? null : element.lookupNamespaceURI(prefix);
  if (value === null) {
    element.removeAttribute(name);
  } else if (space === null) {
    element.setAttribute(name, value);
  } else {
    element.setAttributeNS(space, name, value);
  }
}

function escape(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/"/g, "&quot;");
}
