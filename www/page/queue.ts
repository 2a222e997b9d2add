/** The pictures on the page, checked one after another by whichever client is open. */
import type { Client } from "../client.ts";
import { asProblem, Problem } from "../protocol.ts";
import type { Notice } from "../protocol.ts";
import { Card } from "./card.ts";
import type { Lent } from "./train/bench.ts";
import { announce, byId } from "./dom.ts";
import * as words from "./words.ts";

interface Item {
  file: File;
  card: Card;
  /** Present while the picture is waiting or being checked. */
  abort: AbortController | null;
}

export class Queue {
  readonly #items: Item[] = [];
  readonly #waiting: Item[] = [];
  #client: Client | null = null;
  #busy = false;
  /** Called after each verdict. */
  onVerdict: () => void = () => undefined;

  readonly #lent: Lent;

  constructor(lent: Lent) {
    this.#lent = lent;
    byId("clear").addEventListener("click", () => {
      for (const item of [...this.#items]) this.#remove(item);
      byId("pick").focus();
    });
  }

  add(files: readonly File[]): void {
    // The newest batch is on top, in its own order.
    const items = files.map((file) => {
      const item: Item = { file, abort: null, card: this.#card(file, () => item) };
      return item;
    });
    this.#items.unshift(...items);
    byId("cards").prepend(...items.map(({ card }) => card.element));
    for (const item of items) this.#enqueue(item);
    if (files.length > 0) announce(files.length === 1 ? `${files[0]?.name} added` : `${files.length} pictures added`);
    this.#count();
  }

  /** Uses this detector from now on; `null` while there is none. Nothing that waits is lost. */
  use(client: Client | null): void {
    this.#client = client;
    for (const item of this.#waiting) item.card.show({ name: "waiting", modelReady: client !== null });
    void this.#work();
  }

  #card(file: File, item: () => Item): Card {
    return new Card(file, {
      lent: this.#lent,
      cancel: () => this.#cancel(item()),
      again: () => this.#enqueue(item()),
      remove: () => this.#remove(item()),
    });
  }

  #enqueue(item: Item): void {
    item.abort = new AbortController();
    this.#waiting.push(item);
    item.card.show({ name: "waiting", modelReady: this.#client !== null });
    void this.#work();
  }

  #cancel(item: Item): void {
    item.abort?.abort();
    const index = this.#waiting.indexOf(item);
    if (index < 0) return; // running: `#check` hears of it
    this.#waiting.splice(index, 1);
    item.abort = null;
    item.card.show({ name: "failed", problem: new Problem("cancelled", "Stopped.") });
  }

  #remove(item: Item): void {
    this.#cancel(item);
    const index = this.#items.indexOf(item);
    if (index < 0) return;
    this.#items.splice(index, 1);
    item.card.remove();
    const neighbour = this.#items[index] ?? this.#items[index - 1];
    if (neighbour) neighbour.card.focus();
    else byId("pick").focus();
    this.#count();
  }

  async #work(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    while (this.#client !== null) {
      const item = this.#waiting.shift();
      if (item === undefined) break;
      await this.#check(item, this.#client);
    }
    this.#busy = false;
  }

  async #check(item: Item, client: Client): Promise<void> {
    const { card, file } = item;
    const signal = (item.abort ??= new AbortController()).signal;
    let notice: Notice | null = null;
    card.show({ name: "reading" });
    try {
      const verdict = await client.check(file, {
        signal,
        onProgress: (progress) => card.show({ name: "checking", progress }),
        onNotice: (given) => {
          notice = given;
          card.show({ name: "reading" });
        },
      });
      card.show({ name: "done", verdict, figures: client.opened?.info.head.figures ?? null, notice });
      announce(`${file.name}: ${words.VERDICT[verdict.label]}, ${words.percent(verdict.probability)}`);
      this.onVerdict();
    } catch (thrown) {
      const problem = asProblem(thrown, "worker-crashed");
      if (problem.code === "cancelled" && !signal.aborted) {
        // The detector was exchanged under it: first in line for the next one.
        this.#waiting.unshift(item);
        card.show({ name: "waiting", modelReady: this.#client !== null });
        return;
      }
      card.show({ name: "failed", problem });
      if (this.#items.includes(item)) announce(`${file.name}: ${words.sentence(problem)}`);
    }
    item.abort = null;
  }

  #count(): void {
    byId("results").hidden = this.#items.length === 0;
    byId("clear").hidden = this.#items.length < 2;
    byId("results-count").textContent = this.#items.length > 1 ? String(this.#items.length) : "";
  }
}
