/** Client of SVGX Engine. */
export * from "./frames.ts";
export { Problem, ask, type Access, type ProblemDocument } from "./ask.ts";
export { SessionStream, type StreamOptions, type StreamState } from "./stream.ts";
export { Tree } from "./tree.ts";
