/** What the person, or the page's address, chose: `?device=auto|gpu|cpu&pack=ID&head=ID`. */
import type { DevicePreference } from "../safelight.js";

export interface Settings {
  preference: DevicePreference;
  /** Ids in `models/catalog.json`; `null` takes its default. */
  pack: string | null;
  head: string | null;
  /** SHA-256 of a model that the person added; the address's `pack` goes before it. */
  storedPack: string | null;
  /** SHA-256 of the person's own head; the address's `head` goes before it. */
  storedHead: string | null;
}

const DEVICE = "safelight-device";
const PACK = "safelight-pack";
const HEAD = "safelight-head";

export function readSettings(): Settings {
  const address = new URLSearchParams(location.search);
  return {
    preference: asPreference(address.get("device")) ?? asPreference(stored(DEVICE)) ?? "auto",
    pack: address.get("pack"),
    head: address.get("head"),
    storedPack: address.has("pack") ? null : stored(PACK),
    storedHead: address.has("head") ? null : stored(HEAD),
  };
}

/** Remembers which of the person's own heads is in use; `null`: the site's. */
export function rememberHead(settings: Settings, sha256: string | null): void {
  settings.storedHead = sha256;
  store(HEAD, sha256);
}

/** Remembers which of the added models is in use; `null`: the site's. */
export function rememberPack(settings: Settings, sha256: string | null): void {
  settings.storedPack = sha256;
  store(PACK, sha256);
}

/** Binds the radio buttons; a choice is remembered, the address is not. */
export function onPreference(settings: Settings, changed: (preference: DevicePreference) => void): void {
  for (const radio of document.querySelectorAll<HTMLInputElement>("input[name=preference]")) {
    radio.checked = radio.value === settings.preference;
    radio.addEventListener("change", () => {
      const preference = asPreference(radio.value);
      if (preference === null) return;
      settings.preference = preference;
      store(DEVICE, preference);
      changed(preference);
    });
  }
}

function asPreference(value: string | null): DevicePreference | null {
  return value === "auto" || value === "gpu" || value === "cpu" ? value : null;
}

function stored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // storage is switched off
  }
}

function store(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // it is only remembered for this visit
  }
}
