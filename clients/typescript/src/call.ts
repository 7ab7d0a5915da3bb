/** Requests whose types are those of the service's description. */
import type { paths } from "./api.ts";
import { ask, type Access } from "./ask.ts";

type Json<C> = C extends { content: { "application/json": infer T } } ? T : never;
type Answers<O> = O extends { responses: infer R } ? R[keyof R] : never;
type Parts<O, In extends string> = O extends { parameters: { [K in In]: infer T } } ? { [K in In]: T } : unknown;
type Maybe<O, In extends string> = O extends { parameters: { [K in In]?: infer T } } ? { [K in In]?: T } : unknown;
type Sent<O> = O extends { requestBody: infer B } ? { body: Json<B> } : unknown;

/** What a request has to say: `path`, `query` and `body`, as far as its endpoint has them. */
export type Said<O> = Parts<O, "path"> & Maybe<O, "query"> & Sent<O>;
/** What a request is answered with. */
export type Answer<O> = Json<Answers<O>>;

/**
 * One request in JSON, answered in JSON.
 *
 * @throws {Problem} for every status that is not good.
 */
export async function call<P extends keyof paths, M extends keyof paths[P] & string>(
  access: Access,
  method: M,
  path: P,
  said: Said<paths[P][M]>,
  signal?: AbortSignal,
): Promise<Answer<paths[P][M]>> {
  const parts = said as { path?: Record<string, unknown>; query?: Record<string, unknown>; body?: unknown };
  const place = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(parts.path?.[name])));
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parts.query ?? {})) {
    if (value !== undefined && value !== null) query.set(name, String(value));
  }
  const options: RequestInit = { method: method.toUpperCase(), signal: signal ?? null };
  if (parts.body !== undefined) {
    options.headers = { "Content-Type": "application/json" };
    options.body = JSON.stringify(parts.body);
  }
  const answer = await ask(access, `${place.slice(1)}${query.size > 0 ? `?${query}` : ""}`, options);
  return (answer.status === 204 ? undefined : await answer.json()) as Answer<paths[P][M]>;
}
