// What somebody writes against the types that openapi-typescript makes.
import type { components, paths } from "./engine";

type Problem = components["schemas"]["Problem"];
type Operation = components["schemas"]["InteractiveRequest"];
type Parsed = paths["/parse"]["post"]["responses"][200]["content"]["application/json"];

async function ask<T>(address: string, path: keyof paths, body: unknown): Promise<T> {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${address}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) {
    const problem = (await answer.json()) as Problem;
    throw new Error(`${problem.code}: ${problem.detail}`);
  }
  return (await answer.json()) as T;
}

export async function run(address: string, drawing: string): Promise<number> {
  const request: paths["/parse"]["post"]["requestBody"]["content"]["application/json"] = { content: drawing };
  const parsed = await ask<Parsed>(address, "/parse", request);
  const click: Operation = { operation: "click", element_id: "bulb", content: drawing };
  const done = await ask<components["schemas"]["InteractiveAnswer"]>(address, "/interactive", click);
  const solve: components["schemas"]["SolveRequest"] = { problem: { entities: [{ id: "a", type: "point", x: 1, y: 2 }] } };
  const solved = await ask<components["schemas"]["SolveAnswer"]>(address, "/constraints/solve", solve);
  return parsed.elements.length + done.state.undo_depth + solved.entities.length;
}
