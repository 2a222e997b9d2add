/** How pictures come in: the button, a drop anywhere on the page, a paste. */
import { announce, byId } from "./dom.ts";
import type { Taker } from "./drops.ts";

/** Returns what a drop does; `here` says whether pasting means checking. */
export function takeIn(add: (files: readonly File[]) => void, here: () => boolean): Taker {
  const input = byId<HTMLInputElement>("file");
  byId("pick").addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    add([...(input.files ?? [])]);
    input.value = ""; // the same file can be chosen again
  });

  if (/Mac|iPhone|iPad/.test(navigator.platform)) byId("paste-key").textContent = "⌘ V";
  document.addEventListener("paste", (event) => {
    if (!here()) return;
    const files = [...(event.clipboardData?.files ?? [])].map(named);
    if (files.length === 0) return announce("The clipboard holds no picture.");
    event.preventDefault();
    add(files);
  });

  const take = ({ files }: DataTransfer): void => {
    if (files.length > 0) add([...files]);
    else announce("Drop the picture’s file: this page cannot fetch pictures from other pages.");
  };
  return { veil: "Drop to check", take };
}

/** Browsers call every pasted picture `image.png`. */
function named(file: File): File {
  return /^image\.\w+$/.test(file.name) ? new File([file], "Pasted picture", { type: file.type }) : file;
}
