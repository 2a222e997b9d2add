/** The detector that is open: one at a time, and the line is told of each change. */
import { Client } from "./client.ts";
import type { ClientOptions, ClientState } from "./client.ts";
import { asProblem } from "./protocol.ts";

export class Session {
  readonly #use: (client: Client | null) => void;
  readonly #onState: (state: ClientState) => void;
  #client: Client | null = null;
  /** Counts openings, so that the outcome of one that was replaced is ignored. */
  #turn = 0;

  /** `use` is given each detector when it is ready, and `null` while there is none. */
  constructor(use: (client: Client | null) => void, onState: (state: ClientState) => void) {
    this.#use = use;
    this.#onState = onState;
  }

  /** Opens a detector in the place of the one before. */
  async open(options: Omit<ClientOptions, "onState">): Promise<void> {
    this.close();
    const turn = this.#turn;
    const onState = (state: ClientState): void => {
      if (turn === this.#turn) this.#onState(state);
    };
    try {
      const client = await Client.open({ ...options, onState });
      if (turn !== this.#turn) return client.close();
      this.#client = client;
      this.#use(client);
    } catch (thrown) {
      onState({ phase: "failed", problem: asProblem(thrown, "worker-crashed") });
    }
  }

  /** Ends the detector and frees its memory. */
  close(): void {
    this.#turn += 1;
    this.#use(null);
    this.#client?.close();
    this.#client = null;
  }
}
