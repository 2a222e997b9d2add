/**
 * Runs inside the page that holds the picture, at the person's click, and leaves nothing there. The browser takes
 * the function's text, so it may use nothing from outside itself.
 */

/** What the page gave. */
export interface InPage {
  url: string;
  /** The file as a `data:` address; `null` where the page may not read it. */
  data: string | null;
  /** Alternative text and the figure's caption. */
  caption: string | null;
}

/**
 * The picture with that address, or (`null`) the largest one that can be seen, or (`data:` alone, which stands for an
 * address that the browser left out) the only one with a `data:` address that long. `null` where there is none.
 */
export async function readPicture(address: string | null): Promise<InPage | null> {
  const SMALLEST_SIDE = 64; // shown smaller than this, it is an icon
  const LONGEST_ADDRESS = 2 << 20; // of those that Chromium tells

  function* elements(root: Document | ShadowRoot): Generator<Element> {
    for (const element of root.querySelectorAll("*")) {
      yield element;
      if (element.shadowRoot) yield* elements(element.shadowRoot);
    }
  }
  const addressOf = (element: Element): string | null => {
    if (element instanceof HTMLImageElement) return element.currentSrc || element.src || null;
    if (element instanceof HTMLInputElement && element.type === "image") return element.src;
    if (element instanceof SVGImageElement) return URL.canParse(element.href.baseVal, document.baseURI) ? new URL(element.href.baseVal, document.baseURI).href : null;
    if (address !== null) return null;
    return /^url\("(.+)"\)$/.exec(getComputedStyle(element).backgroundImage)?.[1] ?? null;
  };
  const shownArea = (element: Element): number => {
    const { width, height } = element.getBoundingClientRect();
    const hidden = !element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
    return hidden || Math.min(width, height) < SMALLEST_SIDE ? 0 : width * height;
  };
  const captionOf = (element: Element): string | null => {
    const alternative = element.getAttribute("alt") ?? element.getAttribute("aria-label") ?? "";
    const figure = element.closest("figure")?.querySelector("figcaption")?.textContent ?? "";
    const words = [alternative, figure].map((text) => text.trim().replace(/\s+/g, " "));
    return [...new Set(words)].filter(Boolean).join(" · ").slice(0, 300) || null;
  };
  const dataOf = (blob: Blob): Promise<string> =>
    new Promise((resolve, reject) => {
      const reader = new FileReader();
      reader.onload = () => resolve(String(reader.result));
      reader.onerror = () => reject(reader.error);
      reader.readAsDataURL(blob);
    });
  /** First what the browser has already; then anew, for a copy that was stored without the host's consent. */
  const read = async (url: string): Promise<string | null> => {
    if (url.startsWith("data:")) return url;
    const own = new URL(url, document.baseURI).origin === location.origin;
    for (const cache of own || url.startsWith("blob:") ? (["force-cache"] as const) : (["force-cache", "reload"] as const)) {
      try {
        const response = await fetch(url, { cache });
        const blob = await response.blob();
        if (response.ok && blob.size > 0 && !/^text\/|json/.test(blob.type)) return await dataOf(blob);
      } catch {
        // the next attempt
      }
    }
    return null;
  };

  const isLeftOut = address === "data:";
  let found: Element | null = null;
  let largest = 0;
  for (const element of elements(document)) {
    const url = addressOf(element);
    if (url === null) continue;
    if (isLeftOut && url.startsWith("data:") && url.length > LONGEST_ADDRESS) {
      if (found !== null && addressOf(found) !== url) return null; // which of them was clicked cannot be told
      found = element;
    }
    if (address !== null && url === address) {
      found = element;
      break;
    }
    if (address !== null) continue;
    const area = shownArea(element);
    if (area > largest) [found, largest] = [element, area];
  }
  const url = isLeftOut || address === null ? found && addressOf(found) : address;
  if (url === null) return null;
  return { url, data: await read(url), caption: found && captionOf(found) };
}
