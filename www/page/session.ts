/** The client that is open, and the head that it uses; both may change while the page is open. */
import { Client } from "../client.ts";
import type { ClientState } from "../client.ts";
import { asProblem, Problem } from "../protocol.ts";
import type { DevicePreference } from "../safelight.js";
import { rememberHead, rememberPack } from "./settings.ts";
import type { Settings } from "./settings.ts";

export class Session {
  readonly #settings: Settings;
  readonly #onState: (state: ClientState) => void;
  /** Hears of every client that opens, and of its end (`null`). */
  readonly #onClient: (client: Client | null) => void;
  readonly #headListeners: (() => void)[] = [];
  #current: Client | null = null;
  #waiting: { resolve: (client: Client) => void; reject: (problem: Problem) => void }[] = [];
  /** Why the last opening failed; `null` while one is under way or a client is open. */
  #problem: Problem | null = null;
  /** Counts openings, so that the outcome of one that was replaced is ignored. */
  #turn = 0;

  constructor(settings: Settings, onState: (state: ClientState) => void, onClient: (client: Client | null) => void) {
    this.#settings = settings;
    this.#onState = onState;
    this.#onClient = onClient;
  }

  async open(preference: DevicePreference): Promise<void> {
    this.close();
    this.#problem = null;
    const mine = this.#turn;
    const onState = (state: ClientState): void => {
      if (mine === this.#turn) this.#show(state);
    };
    const models = new URL("models/", document.baseURI).href;
    const { pack, head, storedPack, storedHead } = this.#settings;
    try {
      const client = await Client.open({ models, pack, head, storedPack, storedHead, preference, onState });
      if (mine !== this.#turn) return client.close();
      this.#current = client;
      this.#onClient(client);
      for (const { resolve } of this.#waiting.splice(0)) resolve(client);
    } catch (thrown) {
      if (mine !== this.#turn) return;
      const problem = asProblem(thrown, "worker-crashed");
      this.#problem = problem;
      this.#onState({ phase: "failed", problem });
      for (const { reject } of this.#waiting.splice(0)) reject(problem);
    }
  }

  /** Ends the client and gives its memory back, until the next `open`. */
  close(): void {
    this.#turn += 1;
    this.#onClient(null);
    this.#current?.close();
    this.#current = null;
  }

  /** The client, as soon as one is open; rejects with the problem where none could be opened. */
  client(signal?: AbortSignal): Promise<Client> {
    if (signal?.aborted) return Promise.reject(new Problem("cancelled", "Stopped."));
    if (this.#current !== null) return Promise.resolve(this.#current);
    if (this.#problem !== null) return Promise.reject(this.#problem);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      signal?.addEventListener("abort", () => reject(new Problem("cancelled", "Stopped.")), { once: true });
    });
  }

  headInUse(): string | null {
    return this.#settings.storedHead;
  }

  async useHead(sha256: string | null): Promise<void> {
    const client = await this.client();
    const before = this.#settings.storedHead;
    this.#settings.storedHead = sha256; // the client tells its new state before it returns
    try {
      await client.useHead(sha256);
    } catch (thrown) {
      this.#settings.storedHead = before;
      throw thrown;
    }
    this.#remember(sha256);
  }

  /** The model that was added and is in use; `null`: the site's. */
  modelInUse(): string | null {
    return this.#settings.storedPack;
  }

  /** Opens an added model (by SHA-256) with its newest head, or again the site's (`null`). */
  async useModel(sha256: string | null): Promise<void> {
    const { listHeads } = await import("../heads.ts");
    const heads = sha256 === null ? [] : (await listHeads()).filter(({ pack }) => pack === sha256);
    rememberPack(this.#settings, sha256);
    this.#remember(heads[0]?.sha256 ?? null);
    await this.open(this.#settings.preference);
  }

  onHead(listener: () => void): void {
    this.#headListeners.push(listener);
  }

  #show(state: ClientState): void {
    this.#onState(state);
    const replaced = state.phase === "ready" && state.opened.notices.some(({ code }) => code === "head-replaced");
    if (replaced && this.#settings.storedHead !== null) this.#remember(null);
    if (state.phase !== "ready" || !state.opened.notices.some(({ code }) => code === "model-replaced")) return;
    rememberPack(this.#settings, null);
    this.#remember(null);
  }

  #remember(sha256: string | null): void {
    rememberHead(this.#settings, sha256);
    for (const listener of this.#headListeners) listener();
  }
}
