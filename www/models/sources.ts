/** Where a checkpoint's files lie: files that a person chose, a folder of this site, or the Hugging Face hub. */
import { Problem } from "../protocol.ts";
import type { ModelSource } from "../protocol.ts";
import { Files } from "./files.ts";
import { openHub } from "./hub.ts";
import type { Source } from "./source.ts";
import { Web } from "./web.ts";

/** `hub`: the address of the hub. */
export async function sourceOf(source: ModelSource, hub: string, signal: AbortSignal): Promise<Source> {
  switch (source.kind) {
    case "files":
      return new Files(source.files);
    case "site": {
      const folder = new URL(source.folder.replace(/\/?$/, "/"), self.location.origin);
      if (folder.origin !== self.location.origin) throw new Problem("model-source", "That address is not on this site.");
      return new Web(folder, `${folder.pathname} of ${folder.host}`, folder.pathname.split("/").at(-2) ?? "", signal);
    }
    case "hub":
      return openHub(hub.replace(/\/?$/, "/"), source.id, source.revision, signal);
  }
}
