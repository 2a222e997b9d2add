/** The pictures on the page: their cards, and their place in the line. */
import type { Client } from "../client.ts";
import { Line } from "../line.ts";
import type { CheckState, Waiter } from "../line.ts";
import { Caption } from "./caption.ts";
import { Card } from "./card.ts";
import { Correction } from "./correction.ts";
import { announce, byId } from "./dom.ts";
import { chosenRate, limited } from "./limit.ts";
import type { Lent } from "./train/lent.ts";
import * as words from "./words.ts";

interface Item extends Waiter {
  name: string;
  card: Card;
  /** As the line told it, before the person's limit. */
  state: CheckState | null;
}

export class Queue {
  readonly #items: Item[] = [];
  readonly #lent: Lent;
  readonly #line = new Line<Item>((item, state) => this.#show(item, state));
  /** Called after each verdict. */
  onVerdict: () => void = () => undefined;

  /** What is lent serves corrections. */
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
      const item: Item = { name: file.name, picture: file, caption: null, abort: null, card: this.#card(file, () => item), state: null };
      return item;
    });
    this.#items.unshift(...items);
    byId("cards").prepend(...items.map(({ card }) => card.element));
    for (const item of items) this.#line.join(item);
    if (files.length > 0) announce(files.length === 1 ? `${files[0]?.name} added` : `${files.length} pictures added`);
    this.#count();
  }

  /** Uses this detector from now on; `null` while there is none. Nothing that waits is lost. */
  use(client: Client | null): void {
    this.#line.use(client);
  }

  /** Shows every verdict under the limit that holds now. */
  refresh(): void {
    for (const { card, state } of this.#items) if (state?.name === "done") card.show(limited(state, chosenRate()));
  }

  #card(file: File, item: () => Item): Card {
    return new Card(file, URL.createObjectURL(file), {
      correction: (place) => new Correction(place, file, () => captionOf(item()), this.#lent),
      caption: (place) =>
        new Caption(place, (caption) => {
          item().caption = caption;
          this.#line.join(item());
        }),
      cancel: () => this.#line.leave(item()),
      again: () => this.#line.join(item()),
      remove: () => this.#remove(item()),
    });
  }

  #remove(item: Item): void {
    const index = this.#items.indexOf(item);
    if (index < 0) return;
    this.#items.splice(index, 1);
    this.#line.leave(item);
    item.card.remove();
    const neighbour = this.#items[index] ?? this.#items[index - 1];
    if (neighbour) neighbour.card.focus();
    else byId("pick").focus();
    this.#count();
  }

  #show(item: Item, state: CheckState): void {
    item.state = state;
    const shown = state.name === "done" ? limited(state, chosenRate()) : state;
    item.card.show(shown);
    if (!this.#items.includes(item)) return;
    const spoken = words.spoken(shown);
    if (spoken !== null) announce(`${item.name}: ${spoken}`);
    if (state.name === "done") this.onVerdict();
  }

  #count(): void {
    byId("results").hidden = this.#items.length === 0;
    byId("clear").hidden = this.#items.length < 2;
    byId("results-count").textContent = this.#items.length > 1 ? String(this.#items.length) : "";
  }
}

/** The caption that its verdict was given with. */
function captionOf({ caption, state }: Item): string | null {
  return state?.name === "done" && state.verdict.caption === "used" ? caption : null;
}
