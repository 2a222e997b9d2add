/** The worker's entry: everything it does is in `host.ts`. Listening starts before any wasm is loaded, so no call is lost. */
import { Engines } from "./engines.ts";
import { Host } from "./host.ts";
import type { Request } from "./protocol.ts";

declare const self: DedicatedWorkerGlobalScope;

const host = new Host((reply) => self.postMessage(reply), new Engines());
self.addEventListener("message", (event: MessageEvent<Request>) => host.receive(event.data));
self.addEventListener("error", (event) => host.crash(event.message));
self.addEventListener("unhandledrejection", (event) => host.crash(event.reason));
