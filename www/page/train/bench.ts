/** What the screens of training share: the client of the moment, and where to go next. */
import type { Client, CallOptions } from "../../client.ts";
import { asProblem } from "../../protocol.ts";
import type { Calls, StoredHead } from "../../protocol.ts";
import type { Taker } from "../drops.ts";
import type { Project } from "./project.ts";

/** What the page lends to the training view. */
export interface Lent {
  /** The client that is open, as soon as one is. */
  client(signal?: AbortSignal): Promise<Client>;
  /** SHA-256 of the person's own head that is in use; `null`: the site's. */
  headInUse(): string | null;
  useHead(sha256: string | null): Promise<void>;
  /** Hears when another head is in use. */
  onHead(listener: () => void): void;
}

/** A screen of the training view. `leave` stops what it runs. */
export interface Screen {
  element: HTMLElement;
  step: Step;
  leave?: () => void;
  /** Another head is in use. */
  headChanged?: () => void;
  /** What a drop does here; nothing, where it is missing. */
  drop?: Taker;
}

export type Step = "folder" | "labels" | "audit" | "train" | "report";

export interface Bench extends Lent {
  show(screen: Screen): void;
  /** Back to the first screen. */
  home(): void;
  /** The report of a head; `project`: the folder it was trained on, while that is open. */
  report(head: StoredHead, project: Project | null): void;
  /** The list of heads changed. */
  headsChanged(): void;
}

type Asked = "label" | "embed" | "audit" | "readHead";

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
