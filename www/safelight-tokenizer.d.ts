/** What the wasm module that splits captions offers to the worker (`tokenizer/src/web.rs`). */

export default function init(): Promise<unknown>;

/** Captions to CLIP's token ids. */
export class Tokenizer {
  /** Reads a `tokenizer.json`. */
  constructor(json: Uint8Array);
  /** Tokens that it knows. */
  readonly vocabulary: number;
  /** At most `context` token ids; `undefined` where nothing is left of the caption. */
  encode(caption: string, context: number): Uint32Array | undefined;
  free(): void;
}
