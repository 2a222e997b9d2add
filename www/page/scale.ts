/** The probability as a picture: bands for the three answers and a needle. */
import type { Verdict } from "../safelight.js";
import { percent, scaleText } from "./words.ts";

/** Bands narrower than this have no room for their word. */
const NARROW = 0.14;

export function drawScale(scale: HTMLElement, verdict: Verdict): void {
  const { probability, thresholds, label } = verdict;
  scale.style.setProperty("--probability", String(probability));
  scale.style.setProperty("--real", String(thresholds.real));
  scale.style.setProperty("--unsure", String(thresholds.generated - thresholds.real));
  scale.style.setProperty("--generated", String(1 - thresholds.generated));
  scale.dataset["label"] = label;
  scale.toggleAttribute("data-narrow", thresholds.generated - thresholds.real < NARROW);
  scale.setAttribute("aria-label", "Probability of being generated");
  scale.setAttribute("aria-valuenow", String(Math.round(probability * 100)));
  scale.setAttribute("aria-valuetext", scaleText(verdict));
  const needleLabel = scale.querySelector(".needle-label");
  if (needleLabel !== null) needleLabel.textContent = percent(probability);
}
