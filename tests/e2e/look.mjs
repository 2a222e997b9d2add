// What every screen must be: readable in light and dark, named for those who hear it, no wider than the window.

const SCHEMES = ["light", "dark"];
const WIDTHS = [1280, 390];

/** Pictures of the page in light and dark, wide and narrow, and the faults found on the way. */
export async function look(page, folder, name) {
  const faults = [];
  for (const scheme of SCHEMES) {
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }, { name: "prefers-reduced-motion", value: "reduce" }]);
    for (const width of WIDTHS) {
      await page.setViewport({ width, height: 844 });
      if (await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth)) faults.push(`${name}, ${width} px: scrolls sideways`);
      const full = await page.evaluate(() => document.documentElement.scrollHeight);
      await page.setViewport({ width, height: Math.max(844, full) }); // pictures that load when seen are seen
      await new Promise((resolve) => setTimeout(resolve, 150));
      await page.screenshot({ path: `${folder}${name}-${scheme}-${width}.png` });
    }
    faults.push(...(await page.evaluate(poorContrast)).map((fault) => `${name}, ${scheme}: ${fault}`));
  }
  faults.push(...(await page.evaluate(unnamed)).map((fault) => `${name}: ${fault}`));
  await page.setViewport({ width: 1280, height: 900 });
  return faults;
}

/** Runs in the page: text with a contrast below 4.5. */
export function poorContrast() {
  const numbers = (colour) => colour.match(/[\d.]+/g).map(Number);
  const srgb = (colour) => (colour.startsWith("color(srgb") ? numbers(colour.slice(10)).map((value, index) => (index < 3 ? value * 255 : value)) : numbers(colour));
  const luminance = (colour) => {
    const [r, g, b] = srgb(colour).map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (srgb(colour)[3] !== 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== "");
    if (!own || !element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) || element.closest(".veil, noscript, .hidden")) continue;
    const style = getComputedStyle(element);
    const colour = element instanceof SVGElement ? style.fill : style.color;
    if (srgb(colour)[3] === 0) continue; // shown by its number only
    const [light, dark] = [luminance(colour), luminance(behind(element))].sort((a, b) => b - a);
    const ratio = (light + 0.05) / (dark + 0.05);
    if (ratio < 4.5) found.push(`${ratio.toFixed(2)}: ${element.textContent.trim().slice(0, 40)}`);
  }
  return found;
}

/** Runs in the page: what has no name, two elements of one id, headings that skip a level, targets too small to hit. */
export function unnamed() {
  const found = [];
  const name = (element) =>
    element.getAttribute("aria-label") || document.getElementById(element.getAttribute("aria-labelledby"))?.textContent || element.closest("label")?.textContent || document.querySelector(`label[for="${element.id}"]`)?.textContent || element.textContent.trim();
  for (const element of document.querySelectorAll("button, input, summary, progress, [role=meter], [role=img], [role=region], section[aria-label], section[aria-labelledby]"))
    if (element.checkVisibility() && !name(element)) found.push(`no name: ${element.outerHTML.slice(0, 80)}`);
  for (const image of document.images) if (!image.hasAttribute("alt")) found.push("an image without alt");
  const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
  for (const id of new Set(ids)) if (ids.indexOf(id) !== ids.lastIndexOf(id)) found.push(`id twice: ${id}`);
  const levels = [...document.querySelectorAll("h1, h2, h3")].filter((heading) => heading.checkVisibility()).map(({ tagName }) => Number(tagName[1]));
  levels.forEach((level, index) => level > (levels[index - 1] ?? 0) + 1 && found.push(`heading ${level} after ${levels[index - 1]}`));
  if (levels.filter((level) => level === 1).length !== 1) found.push("not one visible h1");
  for (const button of document.querySelectorAll("button"))
    if (button.checkVisibility() && button.getBoundingClientRect().height < 24) found.push(`too small: ${button.textContent}`);
  return found;
}
