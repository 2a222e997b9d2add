/** The page's card for one entry of the room, with what only the extension knows: host, caption, a permission to ask. */
import type { CheckState } from "../line.ts";
import { Caption } from "../page/caption.ts";
import { Card } from "../page/card.ts";
import { within } from "../page/dom.ts";
import { limited } from "../page/limit.ts";
import { Problem } from "../protocol.ts";
import { send } from "./link.ts";
import type { Entry } from "./messages.ts";

/** What a thumbnail is until there is one: an address that no image can be read from. */
const NONE = "data:,";

/** The entry's state in the words of the page, its verdict under the person's limit. */
export function checkState({ state }: Entry, rate: number | null): CheckState {
  switch (state.name) {
    case "fetching":
      return { name: "reading" };
    case "blocked": {
      const words = `This picture comes from ${state.host}, and the page may not read it. Safelight can fetch it from there if you allow it.`;
      return { name: "failed", problem: new Problem("host-blocked", words) };
    }
    case "failed":
      return { name: "failed", problem: new Problem(state.failure.code, state.failure.message) };
    case "done":
      return limited(state, rate);
    default:
      return state;
  }
}

export class EntryCard {
  #card: Card;
  /** What the card was made for: a name, a size or a thumbnail that comes later makes a new one. */
  #made: string;
  #state = "";

  constructor(entry: Entry) {
    this.#card = cardOf(entry);
    this.#made = madeFor(entry);
  }

  get element(): HTMLElement {
    return this.#card.element;
  }

  /** Tells whether the state is another than before. */
  show(entry: Entry, state: CheckState): boolean {
    if (this.#made !== madeFor(entry)) {
      const before = this.#card;
      const focused = before.element.contains(document.activeElement);
      this.#card = cardOf(entry);
      this.#made = madeFor(entry);
      before.element.replaceWith(this.#card.element);
      before.remove();
      if (focused) this.focus();
    }
    this.#card.show(state);
    const again = within(this.element, ".again");
    const hadFocus = document.activeElement === again; // the page's card may just have given it
    again.hidden ||= entry.state.name === "done" || entry.state.name === "blocked";
    if (again.hidden && hadFocus) this.focus();
    if (entry.size === 0) within(this.element, ".meta").textContent = ""; // not known yet
    this.#showOrigin(entry);
    const changed = this.#state !== state.name;
    this.#state = state.name;
    return changed;
  }

  focus(): void {
    this.#card.focus();
  }

  remove(): void {
    this.#card.remove();
  }

  #showOrigin({ state, host, caption }: Entry): void {
    const origin = within(this.element, ".origin");
    origin.textContent = [host === null ? "" : `From ${host}.`, caption === null ? "" : `Described there as “${caption}”.`].filter(Boolean).join(" ");
    origin.hidden = origin.textContent === "";
    const allow = within<HTMLButtonElement>(this.element, ".allow");
    allow.hidden = state.name !== "blocked";
    if (state.name === "blocked") allow.textContent = `Allow ${state.host}`;
  }
}

function cardOf(entry: Entry): Card {
  const { id, name, caption, given, state } = entry;
  const card = new Card(entry, entry.thumbnail ?? NONE, {
    cancel: () => send({ kind: "cancel", id }),
    again: () => send({ kind: "again", id }),
    remove: () => send({ kind: "remove", id }),
    caption: (place) => {
      const field = new Caption(place, name, (caption) => send({ kind: "caption", id, caption }));
      if (given !== null) field.fill(given);
      else if (caption !== null) field.propose(caption);
      return field;
    },
  });
  if (state.name === "blocked") within(card.element, ".allow").addEventListener("click", () => void allow(id, state.origin));
  return card;
}

/** Asks for the picture's host, at the click that needs it. */
async function allow(id: string, origin: string): Promise<void> {
  if (await chrome.permissions.request({ origins: [origin] })) send({ kind: "again", id });
}

function madeFor({ name, size, caption, thumbnail, state }: Entry): string {
  return [name, size, caption, thumbnail?.length ?? 0, state.name === "blocked" ? state.origin : ""].join(" ");
}
