/** How pictures come in: the button, a drop anywhere on the page, a paste. */
import { announce, byId } from "./dom.ts";

export function takeIn(add: (files: readonly File[]) => void): void {
  const input = byId<HTMLInputElement>("file");
  byId("pick").addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    add([...(input.files ?? [])]);
    input.value = ""; // the same file can be chosen again
  });

  if (/Mac|iPhone|iPad/.test(navigator.platform)) byId("paste-key").textContent = "⌘ V";
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])].map(named);
    if (files.length === 0) return announce("The clipboard holds no picture.");
    event.preventDefault();
    add(files);
  });

  takeDrops(add);
}

function takeDrops(add: (files: readonly File[]) => void): void {
  // Entering a child fires before leaving its parent, so the depth says whether the pointer is still inside.
  let depth = 0;
  const veil = (): void => {
    document.body.toggleAttribute("data-dragging", depth > 0);
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
    if (event.dataTransfer !== null) event.dataTransfer.dropEffect = "copy";
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    veil();
    const files = [...(event.dataTransfer?.files ?? [])];
    if (files.length > 0) add(files);
    else announce("Drop the picture’s file: this page cannot fetch pictures from other pages.");
  });
}

/** Browsers call every pasted picture `image.png`. */
function named(file: File): File {
  return /^image\.\w+$/.test(file.name) ? new File([file], "Pasted picture", { type: file.type }) : file;
}
