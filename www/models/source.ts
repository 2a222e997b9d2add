/** What is asked of a place where a checkpoint's files lie. */

/** What is known of a file before it is read. */
export interface FileFacts {
  name: string;
  bytes: number;
  /** Changes when the file does: `ETag`, or the time of its last change. */
  tag: string;
  /** What its source says its SHA-256 is; `null` where it says none. */
  sha256: string | null;
}

export interface Source {
  /** What it is, for people: the pack says it. */
  readonly words: string;
  /** What a model from here is called, if nobody says otherwise. */
  readonly name: string;
  /** A small file, whole; `null` where there is none of that name. */
  text(name: string): Promise<string | null>;
  facts(name: string): Promise<FileFacts>;
  /** Bytes `start` to before `end`, in chunks. */
  read(file: FileFacts, start: number, end: number): AsyncGenerator<Uint8Array>;
  /** The name of the one weight file, where there is no index. */
  weights(): string;
}

/** The one weight file of most checkpoints, and the list of parts that others have. */
export const WHOLE = "model.safetensors";
export const INDEX = `${WHOLE}.index.json`;
