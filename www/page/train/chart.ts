/** A small drawing with two axes: an SVG for those who see it, a sentence and a table for everyone. */
import { h } from "../dom.ts";

export interface Axis {
  label: string;
  from: number;
  to: number;
  ticks: number[];
  format?: (value: number) => string;
}

export type Point = readonly [x: number, y: number];

export interface Series {
  /** Chooses the stroke in the style sheet: `real`, `web`, `past`. */
  kind: string;
  points: readonly Point[];
  /** Drawn at the points: nothing, or dots. */
  dots?: boolean;
}

const WIDTH = 360;
const HEIGHT = 240;
const PLOT = { left: 44, right: WIDTH - 12, top: 24, bottom: HEIGHT - 40 };

/** The drawing; `said` is what it shows, in words. */
export function chart(said: string, x: Axis, y: Axis, series: readonly Series[], extra: readonly SVGElement[] = []): SVGSVGElement {
  const drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", class: "chart", "aria-label": said });
  drawing.append(...axes(x, y), ...extra);
  for (const { kind, points, dots } of series) {
    const path = points.map((point, index) => `${index === 0 ? "M" : "L"}${place(x, y, point).join(" ")}`).join("");
    drawing.append(svg("path", { d: path, class: `line ${kind}` }));
    const marks = dots || points.length === 1 ? points : [];
    for (const point of marks) {
      const [cx, cy] = place(x, y, point);
      drawing.append(svg("circle", { cx, cy, r: 3.5, class: `dot ${kind}` }));
    }
  }
  return drawing;
}

/** A straight line of the plot's own, such as chance. */
export function rule(x: Axis, y: Axis, from: Point, to: Point, kind: string): SVGElement {
  const [x1, y1] = place(x, y, from);
  const [x2, y2] = place(x, y, to);
  return svg("line", { x1, y1, x2, y2, class: `line ${kind}` });
}

/** The drawing with its caption, its legend and, on request, its numbers. */
export function figure(title: string, drawing: SVGSVGElement, legend: [kind: string, label: string][], table: HTMLTableElement | null): HTMLElement {
  return h(
    "figure",
    { class: "plot" },
    h("figcaption", {}, title),
    drawing,
    legend.length > 0 && h("ul", { class: "legend" }, ...legend.map(([kind, label]) => h("li", { class: `key ${kind}` }, label))),
    table !== null && h("details", { class: "numbers" }, h("summary", {}, "Numbers"), h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `${title}: numbers` }, table)),
  );
}

/** A table of words and numbers; the first cell of each row names the row. */
export function table(caption: string, heads: readonly string[], rows: readonly (readonly (string | Node)[])[]): HTMLTableElement {
  return h(
    "table",
    {},
    h("caption", { class: "hidden" }, caption),
    h("thead", {}, h("tr", {}, ...heads.map((head) => h("th", { scope: "col" }, head)))),
    h("tbody", {}, ...rows.map(([head, ...cells]) => h("tr", {}, h("th", { scope: "row" }, head ?? ""), ...cells.map((cell) => h("td", {}, cell))))),
  );
}

function axes(x: Axis, y: Axis): SVGElement[] {
  const { left, right, bottom } = PLOT;
  const ofX = x.ticks.map((tick) => text(place(x, y, [tick, y.from])[0], bottom + 16, show(x, tick), "middle"));
  const ofY = y.ticks.flatMap((tick) => {
    const at = place(x, y, [x.from, tick])[1];
    return [svg("line", { x1: left, x2: right, y1: at, y2: at, class: "grid" }), text(left - 6, at + 4, show(y, tick), "end")];
  });
  const names = [text(right, HEIGHT - 6, x.label, "end", "axis"), text(2, 11, y.label, "start", "axis")];
  const base = svg("line", { x1: left, x2: right, y1: bottom, y2: bottom, class: "base" });
  return [...ofY, base, ...ofX, ...names];
}

function place(x: Axis, y: Axis, [px, py]: Point): [number, number] {
  const along = (axis: Axis, value: number): number => (axis.to === axis.from ? 0 : (value - axis.from) / (axis.to - axis.from));
  const inside = (share: number): number => Math.min(1, Math.max(0, share));
  const { left, right, top, bottom } = PLOT;
  const round = (value: number): number => Math.round(value * 10) / 10;
  return [round(left + inside(along(x, px)) * (right - left)), round(bottom - inside(along(y, py)) * (bottom - top))];
}

const show = (axis: Axis, value: number): string => axis.format?.(value) ?? String(value);

function text(x: number, y: number, words: string, anchor: string, kind = "tick"): SVGElement {
  const element = svg("text", { x, y, class: kind, "text-anchor": anchor });
  element.textContent = words;
  return element;
}

export function svg<K extends keyof SVGElementTagNameMap>(tag: K, attributes: Record<string, string | number>): SVGElementTagNameMap[K] {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}
