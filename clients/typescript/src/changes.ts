/** What changes in any session of a key. */
import type { components } from "./api.ts";
import { Problem, type Access } from "./ask.ts";
import { call } from "./call.ts";

export type Change = components["schemas"]["ChangeEntry"];

export interface ChangesOptions {
  /** The cursor of the last change that was taken; what comes from now on without. */
  after?: string | undefined;
  /** Ends the iteration. */
  signal?: AbortSignal;
  /** Seconds for which the service is asked to wait: 20 without. */
  wait?: number;
  /**
   * Some changes are not known any more: all sessions are to be read anew before it goes on, with what changed after
   * `next`. Without, it ends by the problem.
   */
  onLost?: (next: string) => Promise<void> | void;
}

/**
 * Each change once, those of a session in order. It asks again by itself where the service was not reached or was busy;
 * who goes on later does so from the `cursor` of the last one.
 *
 * @throws {Problem} for what asking again does not mend.
 */
export async function* followChanges(access: Access, options: ChangesOptions = {}): AsyncGenerator<Change, void, void> {
  const { signal, wait = 20, onLost } = options;
  let after = options.after ?? "now";
  let pause = 0;
  while (!signal?.aborted) {
    try {
      const answer = await call(access, "get", "/changes", { query: { after, wait } }, signal);
      pause = 0;
      for (const change of answer.changes) {
        if (signal?.aborted) return;
        yield change;
      }
      after = answer.next;
    } catch (error) {
      if (signal?.aborted) return;
      if (error instanceof Problem) {
        const { status, next } = error.document;
        if (status === 410 && typeof next === "string" && onLost) {
          await onLost(next);
          after = next;
          continue;
        }
        if (status < 500 && status !== 429) throw error;
      } else if (!(error instanceof TypeError)) throw error;
      // `fetch` throws a TypeError where nobody was reached.
      pause = Math.min(Math.max(2 * pause, 0.25), 15);
      const seconds = Math.max(pause, error instanceof Problem ? (error.retryAfter ?? 0) : 0);
      await new Promise((next) => setTimeout(next, 1000 * seconds));
    }
  }
}
