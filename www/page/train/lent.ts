/** What the page lends to the training view, and how to call the worker through it. */
import type { CallOptions } from "../../attempt.ts";
import type { Client } from "../../client.ts";
import { asProblem } from "../../protocol.ts";
import type { Calls } from "../../protocol.ts";

export interface Lent {
  /** The client that is open, as soon as one is. */
  client(signal?: AbortSignal): Promise<Client>;
  /** SHA-256 of the person's own head that is in use; `null`: the site's. */
  headInUse(): string | null;
  useHead(sha256: string | null): Promise<void>;
  /** Hears when another head is in use. */
  onHead(listener: () => void): void;
}

type Asked = "label" | "embed" | "missing" | "presets" | "audit" | "readHead";

/** A call that survives an exchange of the client, which happens when the person chooses another device. */
export async function ask<K extends Asked>(lent: Lent, kind: K, input: Calls[K]["input"], options: CallOptions = {}): Promise<Calls[K]["result"]> {
  for (;;) {
    const client = await lent.client(options.signal);
    try {
      return await client.call(kind, input, options);
    } catch (thrown) {
      if (asProblem(thrown, "worker-crashed").code !== "cancelled" || options.signal?.aborted) throw thrown;
    }
  }
}
