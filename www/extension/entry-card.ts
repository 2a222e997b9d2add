/** The page's card for one entry of the room, with what only the extension knows: host, caption, a permission to ask. */
import type { CheckState } from "../line.ts";
import { Caption } from "../page/caption.ts";
import { Card } from "../page/card.ts";
import { within } from "../page/dom.ts";
import { limited } from "../page/limit.ts";
import { Problem } from "../protocol.ts";
import { send } from "./link.ts";
import type { Entry, EntryState } from "./messages.ts";

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
  readonly #card: Card;
  #caption: Caption | undefined;
  /** The words that count. */
  #given: Entry["given"] = null;
  #state: EntryState;
  #shown = "";
  /** What the card shows of the picture itself: drawn again only when that is another. */
  #pictured: string;

  constructor(entry: Entry) {
    const { id } = entry;
    this.#state = entry.state;
    this.#pictured = pictured(entry);
    this.#card = new Card(entry, entry.thumbnail ?? NONE, {
      cancel: () => send({ kind: "cancel", id }),
      again: () => send({ kind: "again", id }),
      remove: () => send({ kind: "remove", id }),
      caption: (place) => (this.#caption = new Caption(place, (caption) => send({ kind: "caption", id, caption }))),
    });
    within(this.element, ".allow").addEventListener("click", () => void this.#allow(id));
  }

  get element(): HTMLElement {
    return this.#card.element;
  }

  /** Tells whether the state is another than before. */
  show(entry: Entry, state: CheckState): boolean {
    if (this.#pictured !== pictured(entry)) this.#card.picture(entry, entry.thumbnail ?? NONE);
    this.#pictured = pictured(entry);
    if (entry.given !== this.#given) this.#caption?.fill(entry.given ?? "");
    this.#given = entry.given;
    if (entry.caption !== null) this.#caption?.propose(entry.caption);
    this.#card.show(state);
    const again = within(this.element, ".again");
    const hadFocus = document.activeElement === again; // the page's card may just have given it
    again.hidden ||= entry.state.name === "done" || entry.state.name === "blocked";
    if (again.hidden && hadFocus) this.focus();
    if (entry.size === 0) within(this.element, ".meta").textContent = ""; // not known yet
    this.#showOrigin(entry);
    const changed = this.#shown !== state.name;
    this.#shown = state.name;
    this.#state = entry.state;
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

  /** Asks for the picture's host, at the click that needs it. */
  async #allow(id: string): Promise<void> {
    const state = this.#state;
    if (state.name === "blocked" && (await chrome.permissions.request({ origins: [state.origin] }))) send({ kind: "again", id });
  }
}

function pictured({ name, size, thumbnail }: Entry): string {
  return [name, size, thumbnail?.length ?? 0].join(" ");
}
