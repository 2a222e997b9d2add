/** The limits to choose from: the head's own, and those at which it was measured. */
import type { DetectorInfo, OperatingPoint } from "../safelight.js";
import { h } from "./dom.ts";
import { chooseRate, chosenRate, pointAt } from "./limit.ts";
import * as words from "./words.ts";

/** Fills `place`, a fieldset; `changed` hears of a choice. */
export function showLimits(place: HTMLElement, { thresholds, operatingPoints, figures }: DetectorInfo["head"], changed: () => void): void {
  const shown = JSON.stringify([thresholds, operatingPoints, figures]);
  if (place.dataset["shown"] === shown) return choose(place, operatingPoints); // the rows stay, and with them a keyboard's focus
  place.dataset["shown"] = shown;
  const row = (point: OperatingPoint | null, title: string, detail: string): HTMLElement => {
    const radio = h("input", { type: "radio", name: "limit", value: point === null ? "" : String(point.falsePositiveRate) });
    radio.addEventListener("change", () => {
      chooseRate(point?.falsePositiveRate ?? null);
      changed();
    });
    return h("label", { class: "limit" }, radio, h("span", {}, title, h("small", {}, detail)));
  };
  const own =
    `From ${words.percent(thresholds.generated)} on. ` +
    (figures.n === 0
      ? "How often it errs was not measured."
      : `On ${figures.n.toLocaleString("en")} pictures that it had never seen, it called ${words.share(figures.realCalledGenerated, "real photographs")} generated.`);
  const measured = operatingPoints.map((point) =>
    row(point, words.share(point.falsePositiveRate, "real pictures"), `From ${words.percent(point.threshold)} on; finds ${words.share(point.truePositiveRate, "generated ones")}.`),
  );
  place.replaceChildren(
    h("legend", place.hasAttribute("aria-labelledby") ? { class: "hidden" } : {}, "From where a picture is called likely generated"),
    row(null, "The head’s own limit", own),
    ...measured,
  );
  choose(place, operatingPoints);
}

/** Marks the choice that holds: the head's own where it was not measured at the chosen one. */
function choose(place: HTMLElement, points: readonly OperatingPoint[]): void {
  const chosen = String(pointAt(points, chosenRate())?.falsePositiveRate ?? "");
  for (const radio of place.querySelectorAll("input")) radio.checked = radio.value === chosen;
}

/** What the rates in the list are, and are not. */
export function limitsMeaning({ operatingPoints, operatingPointsSource }: DetectorInfo["head"]): string {
  return operatingPoints.length === 0
    ? "The head in use was measured at its own limit only, so there is nothing else to choose."
    : `The rates were measured on ${operatingPointsSource}. They do not carry over to every source: expect more false alarms on pictures unlike those.`;
}
