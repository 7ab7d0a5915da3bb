/** Client of SVGX Engine. */
export * from "./frames.ts";
export { Problem, ask, type Access, type ProblemDocument } from "./ask.ts";
export { followChanges, type Change, type ChangesOptions } from "./changes.ts";
export { call, type Answer, type Said } from "./call.ts";
export type { components, paths } from "./api.ts";
export { SessionStream, type StreamOptions, type StreamState } from "./stream.ts";
export { Tree } from "./tree.ts";
