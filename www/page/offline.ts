/** The service worker: the page works without a network, and a new version is taken when the person says so. */
import { byId } from "./dom.ts";

export async function keepOffline(): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  const container = navigator.serviceWorker;
  const replacing = container.controller !== null;
  let asked = false;
  try {
    const registration = await container.register("sw.js", { updateViaCache: "none" });
    const offer = (): void => {
      byId("update").hidden = registration.waiting === null || container.controller === null;
    };
    byId("update-now").addEventListener("click", () => {
      asked = true;
      if (registration.waiting) registration.waiting.postMessage("activate");
      else location.reload(); // another tab has activated it already
    });
    container.addEventListener("controllerchange", () => {
      if (asked) location.reload();
      else if (replacing) byId("update").hidden = false;
    });
    registration.addEventListener("updatefound", () => {
      registration.installing?.addEventListener("statechange", offer);
    });
    offer();
  } catch {
    // Private windows may refuse; everything but working offline still works.
  }
}

/** Asks the browser not to evict the model. Some browsers ask the person, so this waits for a first verdict. */
export async function keepStored(): Promise<void> {
  const { storage } = navigator;
  if (storage?.persist === undefined || (await storage.persisted())) return;
  await storage.persist();
}
