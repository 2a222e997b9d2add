/** The detector's code: modules of WebAssembly that check, split captions and train, each fetched when it is first needed. */
import { asProblem, Problem } from "./protocol.ts";
import type { Threads } from "./threads.ts";

type Checking = typeof import("./safelight.js");
type Tokenizing = typeof import("./safelight-tokenizer.js");
type Training = typeof import("./safelight-training.js");

export type CheckingEngine = Pick<Checking, "Checkpoint" | "Loader">;
export type TrainingEngine = Pick<Training, "TrainingSet" | "Trainer" | "preset" | "readLabels">;
export type TokenizerEngine = Pick<Tokenizing, "Tokenizer">;

export class Engines {
  readonly checking: () => Promise<CheckingEngine>;
  readonly tokenizer: () => Promise<TokenizerEngine> = started<Tokenizing>("safelight-tokenizer.js", [
    () => import("./safelight-tokenizer.js"),
    () => import("./safelight-tokenizer.js?again=1"),
    () => import("./safelight-tokenizer.js?again=2"),
  ]);
  readonly training: () => Promise<TrainingEngine> = started<Training>("safelight-training.js", [
    () => import("./safelight-training.js"),
    () => import("./safelight-training.js?again=1"),
    () => import("./safelight-training.js?again=2"),
  ]);

  constructor(threads: Threads) {
    this.checking = started<Checking>(
      "safelight.js",
      [() => import("./safelight.js"), () => import("./safelight.js?again=1"), () => import("./safelight.js?again=2")],
      (module) => {
        if (threads.offered) module.offerThreads((code, memory) => threads.start(code, memory));
      },
    );
  }
}

/** What wasm-bindgen makes: its default export fetches the WebAssembly that lies beside it, and starts it. */
interface Glue {
  default(): Promise<unknown>;
}

/**
 * Starts a module once; after a failure the next call tries anew, at the next of the `addresses`. Browsers may remember for
 * good that an import failed (whatwg/html#10327), but only under the same address; each is written out, because an extension
 * may import nothing else.
 */
function started<Module extends Glue>(name: string, addresses: [() => Promise<Module>, ...(() => Promise<unknown>)[]], prepare?: (module: Module) => void): () => Promise<Module> {
  let running: Promise<Module> | null = null;
  let failures = 0;
  const load = async (): Promise<Module> => {
    const address = addresses[Math.min(failures, addresses.length - 1)] ?? addresses[0];
    try {
      return (await address()) as Module;
    } catch {
      failures += 1;
      throw new Problem("network", `${name} could not be fetched.`);
    }
  };
  const start = async (): Promise<Module> => {
    const module = await load();
    await module.default();
    prepare?.(module);
    return module;
  };
  return async () => {
    running ??= start();
    try {
      return await running;
    } catch (thrown) {
      running = null;
      // Compiling fails where WebAssembly lacks SIMD; any other failure is a file that did not arrive.
      if (thrown instanceof WebAssembly.CompileError || typeof WebAssembly === "undefined")
        throw new Problem("browser-too-old", "This browser cannot run WebAssembly with SIMD.");
      throw asProblem(thrown, "network");
    }
  };
}
