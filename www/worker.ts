/** The worker's entry: everything it does is in `host.ts`. Listening starts before any wasm is loaded, so no call is lost. */
import { Engines } from "./engines.ts";
import { Host } from "./host.ts";
import type { FromWorker, ToWorker } from "./protocol.ts";
import { Threads } from "./threads.ts";

declare const self: DedicatedWorkerGlobalScope;

const post = (message: FromWorker): void => self.postMessage(message);
const threads = new Threads(post);
const host = new Host(post, new Engines(threads));
self.addEventListener("message", ({ data }: MessageEvent<ToWorker>) => ("helper" in data ? threads.hear(data) : host.receive(data)));
self.addEventListener("error", (event) => host.crash(event.message));
self.addEventListener("unhandledrejection", (event) => host.crash(event.reason));
