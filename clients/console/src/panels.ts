/** What stands beside the drawing: elements, attributes, values, constraints, people, messages. */

import type { Operation, Outcome, Person, SessionState, ValueChange } from "../../typescript/src/index.ts";
import { elements } from "../../typescript/src/tree.ts";
import { find, make, number, perFrame } from "./dom.ts";
import { colorOf, nameOf } from "./stage.ts";
import type { View } from "./view.ts";

/** Elements listed at most; a drawing may have a hundred thousand. */
const LISTED = 500;
const SAID = 50;

interface Constraint {
  type: string;
  elements: string[];
  value?: number | null;
}

export interface PanelOptions {
  view: View;
  act: (operation: Operation) => Promise<Outcome | undefined>;
  /** Marks elements in the drawing. */
  mark: (elements: string[]) => void;
}

export class Panels {
  #options: PanelOptions;
  #selected: string[] = [];
  #values = new Map<string, ValueChange>();
  readonly #listSoon = perFrame(() => this.#list());
  readonly #attributesSoon = perFrame(() => this.#attributes());
  readonly #valuesSoon = perFrame(() => this.#showValues());

  constructor(options: PanelOptions) {
    this.#options = options;
    const list = find<HTMLSelectElement>("elements");
    list.addEventListener("change", () => {
      const chosen = Array.from(list.selectedOptions, (option) => option.value);
      void options.act(chosen.length > 0 ? { operation: "select", element_ids: chosen } : { operation: "deselect" });
    });
    find("set").addEventListener("submit", (event) => {
      event.preventDefault();
      const [name, value] = [find<HTMLInputElement>("set-name"), find<HTMLInputElement>("set-value")];
      const [element] = this.#selected;
      if (!element) return;
      void options.act({ operation: "set_attribute", element_id: element, name: name.value.trim(), value: value.value });
      value.value = "";
    });
    find("constrain").addEventListener("submit", (event) => {
      event.preventDefault();
      const type = find<HTMLSelectElement>("constrain-type").value;
      const text = find<HTMLInputElement>("constrain-value").value;
      const constraint = { type, elements: this.#selected, ...(text === "" ? {} : { value: Number(text) }) };
      void options.act({ operation: "add_constraint", constraint });
    });
  }

  /** Something in the tree is another. */
  changed(structure: boolean): void {
    if (structure) this.#listSoon();
    this.#attributesSoon();
  }

  state(state: SessionState): void {
    this.#selected = state.selected_elements;
    find<HTMLButtonElement>("undo").disabled = state.undo_depth === 0;
    find<HTMLButtonElement>("redo").disabled = state.redo_depth === 0;
    for (const name of ["delete", "duplicate", "group", "ungroup", "front", "back"]) {
      find<HTMLButtonElement>(name).disabled = state.selected_elements.length === 0;
    }
    find("constrain").hidden = state.selected_elements.length === 0;
    for (const option of find<HTMLSelectElement>("elements").options) {
      option.selected = this.#selected.includes(option.value);
    }
    this.#constraints(state.constraints as Constraint[]);
    this.#attributes();
  }

  values(values: ValueChange[], anew = false): void {
    if (anew) this.#values.clear();
    for (const value of values) this.#values.set(value.name, value);
    this.#valuesSoon();
  }

  people(people: Person[], me: number | undefined): void {
    find("people").replaceChildren(
      ...people.map((person) => {
        const dot = make("span", "●", { "aria-hidden": "true", style: `color: ${colorOf(person.connection)}` });
        return make("li", [dot, ` ${nameOf(person)}${person.connection === me ? " (you)" : ""}`]);
      }),
    );
  }

  /** Says something to everybody who reads or listens. */
  say(text: string, kind: "note" | "problem" = "note", more: Node[] = []): void {
    const list = find("messages");
    const time = new Date().toTimeString().slice(0, 8);
    list.prepend(make("li", [make("time", time), ` ${text} `, ...more], { class: kind }));
    while (list.childElementCount > SAID) list.lastElementChild?.remove();
  }

  #list(): void {
    const { tree } = this.#options.view;
    if (!tree) return;
    const options: HTMLOptionElement[] = [];
    let count = 0;
    for (const element of elements(tree.root)) {
      if (element === tree.root) continue;
      count += 1;
      if (options.length >= LISTED) continue;
      const name = tree.name(element);
      const option = make("option", name.startsWith("@") ? `${element.nodeName} ${name}` : `${name} (${element.nodeName})`);
      option.value = name;
      option.selected = this.#selected.includes(name);
      options.push(option);
    }
    find("elements").replaceChildren(...options);
    find("count").textContent = count > LISTED ? `${count} elements, the first ${LISTED} are listed` : `${count} elements`;
  }

  #attributes(): void {
    const { tree } = this.#options.view;
    const [first] = this.#selected;
    const element = first === undefined ? undefined : tree?.find(first);
    const body = find("attributes");
    // What somebody is typing is not taken from under the hands.
    if (body.contains(document.activeElement)) return;
    find("set").hidden = element === undefined;
    find("selected").textContent =
      this.#selected.length === 0 ? "Nothing is selected." : this.#selected.length === 1 ? `${element?.nodeName ?? ""} ${first}` : `${this.#selected.length} elements; of the first:`;
    body.replaceChildren(
      ...Array.from(element?.attributes ?? []).filter((a) => !a.name.startsWith("xmlns")).map(({ name, value }) => {
        const field = make("input", "", { "aria-label": name, value });
        field.addEventListener("change", () => {
          field.blur();
          void this.#options.act({ operation: "set_attribute", element_id: first, name, value: field.value });
        });
        return make("tr", [make("th", name, { scope: "row" }), make("td", [field])]);
      }),
    );
  }

  #constraints(all: Constraint[]): void {
    find("no-constraints").hidden = all.length > 0;
    find("constraints").replaceChildren(
      ...all.map((constraint) => {
        const value = constraint.value == null ? "" : ` = ${number(constraint.value)}`;
        const text = make("span", `${constraint.type}${value}: ${constraint.elements.join(", ")}`);
        const remove = make("button", "Remove", { type: "button", "aria-label": `Remove ${text.textContent}` });
        remove.addEventListener("click", () => void this.#options.act({ operation: "remove_constraint", constraint }));
        const line = make("li", [text, " ", remove]);
        for (const event of ["pointerenter", "focusin"]) line.addEventListener(event, () => this.#options.mark(constraint.elements));
        for (const event of ["pointerleave", "focusout"]) line.addEventListener(event, () => this.#options.mark([]));
        return line;
      }),
    );
  }

  #showValues(): void {
    const rows = [...this.#values.values()].sort((a, b) => a.name.localeCompare(b.name)).slice(0, LISTED);
    find("no-values").hidden = rows.length > 0;
    find("values").replaceChildren(
      ...rows.map(({ name, new_value, unit }) =>
        make("tr", [
          make("th", name, { scope: "row" }),
          make("td", new_value == null ? "no value" : `${number(new_value)} ${unit ?? ""}`),
        ]),
      ),
    );
  }
}
