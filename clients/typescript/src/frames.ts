/** The frames of a session's stream, as `docs/together.md` describes them. */

import type { ProblemDocument } from "./ask.ts";

export interface Point {
  /** User units of the drawing, to the right. */
  x: number;
  /** User units of the drawing, downward. */
  y: number;
}

/** Somebody at one client. */
export interface Person {
  /** One stream. */
  connection: number;
  /** The person; the same over several streams. */
  participant: string;
  name?: string | null;
  cursor?: Point | null;
  selected?: string[];
}

/** What changed in the tree. Elements are named by their handles. */
export type Change =
  | { change: "set"; element: number; name: string; value?: string | null; at?: number | null }
  | {
      change: "add";
      element: number;
      parent: number;
      before?: number | null;
      at?: number | null;
      markup: string;
      /** Of all elements in `markup`, in document order. */
      handles: number[];
    }
  | { change: "move"; element: number; parent: number; before?: number | null; at?: number | null }
  | { change: "text"; element: number; text: string }
  | { change: "remove"; element: number };

export interface Area {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface ValueChange {
  name: string;
  old_value?: number | null;
  new_value?: number | null;
  unit?: string | null;
}

/** What a participant has of a session besides the drawing. */
export interface SessionState {
  selected_elements: string[];
  hovered_element?: string | null;
  undo_depth: number;
  redo_depth: number;
  sequence: number;
  precision_level: string;
  constraints: unknown[];
}

/** What an operation did, as `POST /interactive` answers. */
export interface Outcome {
  operation: string;
  result: {
    element_id?: string | null;
    coordinates?: Point | null;
    snapped_to?: string | null;
    notes?: { code: string; message: string; element_id?: string | null }[];
    messages?: { message: string }[];
    values_changed?: ValueChange[];
    [member: string]: unknown;
  };
  state: SessionState;
}

export interface Hello {
  frame: "hello";
  protocol: string;
  session: string;
  participant: string;
  connection: number;
  sequence: number;
  resumed: boolean;
  participants: Person[];
}

export interface Reset {
  frame: "reset";
  why: string;
  token: string;
  sequence: number;
  /** The canonical text. */
  drawing: string;
  /** Of all elements of `drawing`, in document order. */
  handles: number[];
  state: SessionState;
  participants: Person[];
}

export interface Patch {
  frame: "patch";
  token: string;
  sequence: number;
  /** The participant. */
  by: string;
  /** Of the operation, where it had one. */
  id?: string | null;
  operation: string;
  changes: Change[];
  redraw?: Area;
  values_changed?: ValueChange[];
}

export interface Answer {
  frame: "answer";
  id: string;
  sequence: number;
  durable: boolean;
  /** The operation was done before; this is what it did then. */
  repeated: boolean;
  outcome: Outcome;
}

/** Somebody else's later change stands where mine was. */
export interface Conflict {
  frame: "conflict";
  element: number;
  element_id?: string | null;
  /** Without: the element was deleted. */
  attribute?: string | null;
  mine?: string | null;
  theirs?: string | null;
  by: string;
  name?: string | null;
  sequence: number;
}

export type Frame =
  | Hello
  | Reset
  | Patch
  | Answer
  | Conflict
  | { frame: "durable"; sequence: number }
  | { frame: "problem"; id?: string | null; problem: ProblemDocument; retry_after_ms?: number | null }
  | { frame: "presence"; here: Person[]; left: number[] };

/** The body of `POST /interactive` without a drawing. */
export interface Operation {
  operation: string;
  [member: string]: unknown;
}
