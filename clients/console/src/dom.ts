/** Small tools for the page. */

export function find<T extends Element = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found as Element as T;
}

/** An element with its text or its children. */
export function make<K extends keyof HTMLElementTagNameMap>(
  name: K,
  inside: string | (string | Node)[] = [],
  attributes: Record<string, string> = {},
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (typeof inside === "string") made.textContent = inside;
  else made.append(...inside);
  return made;
}

/** At most once per frame of the screen. */
export function perFrame(work: () => void): () => void {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      work();
    });
  };
}

/** A number with the digits that count. */
export function number(value: number): string {
  return Number(value.toPrecision(6)).toString();
}
