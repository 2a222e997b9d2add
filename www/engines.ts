/** The detector's code: modules of WebAssembly that check, split captions and train, each fetched when it is first needed. */
import { asProblem, Problem } from "./protocol.ts";
import { startHelpers, threadsOffered } from "./threads.ts";

export type CheckingEngine = Pick<typeof import("./safelight.js"), "Checkpoint" | "Loader">;
export type TrainingEngine = Pick<typeof import("./safelight-training.js"), "TrainingSet" | "Trainer" | "preset" | "readLabels">;

export type TokenizerEngine = Pick<typeof import("./safelight-tokenizer.js"), "Tokenizer">;

export class Engines {
  readonly checking: () => Promise<CheckingEngine> = started(async () => {
    const module = await import("./safelight.js");
    await module.default();
    if (threadsOffered()) module.offerThreads(startHelpers);
    return module;
  });
  readonly tokenizer: () => Promise<TokenizerEngine> = started(async () => {
    const module = await import("./safelight-tokenizer.js");
    await module.default();
    return module;
  });
  readonly training: () => Promise<TrainingEngine> = started(async () => {
    const module = await import("./safelight-training.js");
    await module.default();
    return module;
  });
}

/** Starts a module once; after a failure the next call tries anew. */
function started<Module>(start: () => Promise<Module>): () => Promise<Module> {
  let running: Promise<Module> | null = null;
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
