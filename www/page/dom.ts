/** The page's elements by id, and small help with them. */

export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  return required(document.getElementById(id), `#${id}`) as T;
}

export function within<T extends HTMLElement = HTMLElement>(root: ParentNode, selector: string): T {
  return required(root.querySelector<T>(selector), selector);
}

/** Says something once to people who listen to the page. */
export function announce(words: string): void {
  byId("live").textContent = words;
}

function required<T>(element: T | null, what: string): T {
  if (element === null) throw new Error(`index.html lacks ${what}`);
  return element;
}
