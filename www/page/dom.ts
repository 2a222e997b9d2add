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
  if (element === null) throw new Error(`the document lacks ${what}`);
  return element;
}

export type Child = Node | string | null | false;

type Properties = Record<string, string | number | boolean | null | ((event: Event) => void)>;

/**
 * `<tag …properties>children</tag>`. A function is a listener for the event it is named after (`click`); `true`
 * and `false` switch an attribute; `null` leaves it out.
 */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, properties: Properties = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (typeof value === "boolean") element.toggleAttribute(name, value);
    else if (value !== null) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== false));
  return element;
}
