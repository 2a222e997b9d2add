/** A drop anywhere on the page goes to the view that is shown. */
import { within, byId } from "./dom.ts";

export interface Taker {
  /** What the veil says while something is dragged over the page. */
  veil: string;
  take: (data: DataTransfer) => void;
}

let taker: Taker | null = null;

/** Who takes drops from now on; `null`: nobody. */
export function giveDropsTo(next: Taker | null): void {
  taker = next;
  within(byId("veil"), "span").textContent = next?.veil ?? "";
}

export function listenForDrops(): void {
  // Entering a child fires before leaving its parent, so the depth says whether the pointer is still inside.
  let depth = 0;
  const veil = (): void => {
    document.body.toggleAttribute("data-dragging", depth > 0 && taker !== null);
  };
  document.addEventListener("dragenter", (event) => {
    event.preventDefault();
    depth += 1;
    veil();
  });
  document.addEventListener("dragleave", () => {
    depth = Math.max(0, depth - 1);
    veil();
  });
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    if (event.dataTransfer !== null) event.dataTransfer.dropEffect = taker === null ? "none" : "copy";
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    veil();
    if (event.dataTransfer !== null) taker?.take(event.dataTransfer);
  });
}
