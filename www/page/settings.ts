/** What the person, or the page's address, chose: `?device=auto|gpu|cpu&pack=ID&head=ID`. */
import type { DevicePreference } from "../safelight.js";

export interface Settings {
  preference: DevicePreference;
  /** Ids in `models/catalog.json`; `null` takes its default. */
  pack: string | null;
  head: string | null;
}

const KEY = "safelight-device";

export function readSettings(): Settings {
  const address = new URLSearchParams(location.search);
  return {
    preference: asPreference(address.get("device")) ?? asPreference(stored()) ?? "auto",
    pack: address.get("pack"),
    head: address.get("head"),
  };
}

/** Binds the radio buttons; a choice is remembered, the address is not. */
export function onPreference(settings: Settings, changed: (preference: DevicePreference) => void): void {
  for (const radio of document.querySelectorAll<HTMLInputElement>("input[name=preference]")) {
    radio.checked = radio.value === settings.preference;
    radio.addEventListener("change", () => {
      const preference = asPreference(radio.value);
      if (preference === null) return;
      settings.preference = preference;
      store(preference);
      changed(preference);
    });
  }
}

function asPreference(value: string | null): DevicePreference | null {
  return value === "auto" || value === "gpu" || value === "cpu" ? value : null;
}

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // storage is switched off
  }
}

function store(preference: DevicePreference): void {
  try {
    localStorage.setItem(KEY, preference);
  } catch {
    // it is only remembered for this visit
  }
}
