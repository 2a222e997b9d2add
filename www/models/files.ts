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
    const [first] = files;
    this.name = first?.webkitRelativePath.split("/")[0] || "my-model";
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
