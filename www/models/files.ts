/** Files that a person chose. */
import { chunks } from "../chunks.ts";
import { Problem } from "../protocol.ts";
import type { FileFacts, Source } from "./source.ts";

export class Files implements Source {
  readonly words: string;
  readonly name: string;
  readonly #files: Map<string, File>;

  constructor(files: readonly File[]) {
    this.#files = new Map(files.map((file) => [file.name, file]));
    this.words = files.map(({ name }) => name).sort().join(", ");
    this.name = nameOf(files);
  }

  weights(): string {
    const [only, ...others] = [...this.#files.keys()].filter((name) => name.endsWith(".safetensors"));
    if (only === undefined || others.length > 0)
      throw new Problem("model-source", "Choose config.json with one .safetensors file, or with all its parts and their index.json.");
    return only;
  }

  async text(name: string): Promise<string | null> {
    return (await this.#files.get(name)?.text()) ?? null;
  }

  async facts(name: string): Promise<FileFacts> {
    const { size, lastModified } = this.#file(name);
    return { name, bytes: size, tag: String(lastModified), sha256: null };
  }

  async *read({ name }: FileFacts, start: number, end: number): AsyncGenerator<Uint8Array> {
    try {
      yield* chunks(this.#file(name).slice(start, end).stream());
    } catch (thrown) {
      if (thrown instanceof DOMException && thrown.name === "NotReadableError")
        throw new Problem("picture-unreadable", `${name} could not be read.`);
      throw thrown;
    }
  }

  #file(name: string): File {
    const file = this.#files.get(name);
    if (file === undefined) throw new Problem("model-source", `${name} is missing among the files.`);
    return file;
  }
}

/** What a model from these files may be called: what its config.json says it was loaded from, else as its folder or its file. */
export async function proposedName(files: readonly File[]): Promise<string> {
  const config = await files.find(({ name }) => name === "config.json")?.text().catch(() => "");
  return lastPart(origin(config ?? "")) || nameOf(files);
}

function nameOf(files: readonly File[]): string {
  const [folder] = files.map(({ webkitRelativePath }) => (webkitRelativePath ?? "").split("/")[0] ?? "").filter(Boolean);
  const stem = files.find(({ name }) => name.endsWith(ENDING))?.name.slice(0, -ENDING.length) ?? "";
  return folder || (ANY_MODEL.test(stem) ? "" : stem) || "my-model";
}

const ENDING = ".safetensors";
/** What every checkpoint's file is called, and every part of one. */
const ANY_MODEL = /^model([-.]\d+-of-\d+)?$/;

/** `_name_or_path` of a config.json; empty where there is none. */
function origin(config: string): string {
  try {
    const { _name_or_path: path } = JSON.parse(config) as { _name_or_path?: unknown };
    return typeof path === "string" ? path : "";
  } catch {
    return "";
  }
}

/** Of a path of any system, or of an id on the hub. */
function lastPart(path: string): string {
  return path.split(/[\\/]/).filter((part) => /[\p{L}\p{N}]/u.test(part)).at(-1)?.trim() ?? "";
}
