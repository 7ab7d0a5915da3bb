/** Requests, and what they fail with. */

/** A problem document (RFC 9457). */
export interface ProblemDocument {
  type: string;
  title: string;
  status: number;
  detail?: string;
  /** The kind, one word for programs. */
  code?: string;
  [member: string]: unknown;
}

/** What the service answered instead of what was asked for. */
export class Problem extends Error {
  readonly document: ProblemDocument;
  /** Seconds after which asking again is worth it, where the service said so. */
  readonly retryAfter: number | undefined;

  constructor(document: ProblemDocument, retryAfter?: number) {
    super(document.detail ?? document.title);
    this.name = "Problem";
    this.document = document;
    this.retryAfter = retryAfter;
  }

  get code(): string {
    return this.document.code ?? "unknown";
  }
}

/** Where the service is, and who asks. */
export interface Access {
  /** Its address, such as `http://127.0.0.1:8000/`. */
  base: string;
  key?: string;
}

/**
 * One request; its answer, whatever the status, is `Response` where it is good.
 *
 * @throws {Problem} for every other status.
 */
export async function ask(access: Access, path: string, options: RequestInit = {}): Promise<Response> {
  const headers = new Headers(options.headers);
  if (access.key) headers.set("Authorization", `Bearer ${access.key}`);
  const answer = await fetch(new URL(path, access.base), { ...options, headers, cache: "no-store" });
  if (answer.ok || answer.status === 304) return answer;
  const other = { type: "about:blank", title: `status ${answer.status}`, status: answer.status };
  const document = (await answer.json().catch(() => other)) as ProblemDocument;
  const wait = Number(answer.headers.get("Retry-After"));
  throw new Problem(document, wait > 0 ? wait : undefined);
}
