// Starts an engine for the tests in Chromium.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** Starts an engine and answers with its address and a way to end it. */
export async function start(program, drawing, ...flags) {
  const child = spawn(program, [
    "serve", "--listen", "127.0.0.1:0", "--internal-listen", "127.0.0.1:0",
    "--open", drawing, ...flags,
    // Without the settings of whoever runs the tests.
  ], { stdio: ["ignore", "pipe", "ignore"], env: {} });
  const ended = new Promise((done) => child.once("exit", done));
  for await (const line of createInterface({ input: child.stdout })) {
    const event = line.startsWith("{") ? JSON.parse(line) : {};
    if (event.event === "listening") {
      child.stdout.resume();
      return {
        address: `http://${event.public}/`,
        async stop() {
          child.kill("SIGTERM");
          await ended;
        },
      };
    }
  }
  throw new Error("the engine did not say where it listens");
}
