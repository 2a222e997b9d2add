/**
 * The next picture, decoded and made ready while the GPU works on the present one and this thread would sleep. It is
 * known by its bytes, so it never matters whether, when or for what it was expected: a check that finds nothing made
 * ready does all by itself, and tells by itself what is wrong with its picture.
 */
import { hash } from "./hash.ts";
import type { Detector, Prepared } from "./safelight.js";

/**
 * From this block on the device works by itself: a fast one is given all blocks at once; a slow one's are timed one by one
 * (`src/clip/pace.rs`), and its first two are not to be disturbed.
 */
const QUIET = 2;

/** One file, and its SHA-256. */
interface File {
  bytes: Uint8Array;
  sha256: string;
}

export class Ahead {
  /** What was expected and is not made ready; its bytes are read meanwhile. */
  #expected: Promise<File | null> | null = null;
  /** At most one. */
  #ready: { sha256: string; prepared: Prepared } | null = null;
  /** The detector of a check that is past the blocks that are not to be disturbed, until the next check begins. */
  #quiet: Detector | null = null;
  readonly #crash: (cause: unknown) => void;

  /** `crash` hears of a panic, which leaves the module unusable, also to the check that is under way. */
  constructor(crash: (cause: unknown) => void) {
    this.#crash = crash;
  }

  /** What will probably be checked next; `null`: nothing. What was made ready before is freed. */
  expect(picture: Blob | null): void {
    this.#forget();
    if (picture !== null) this.#expected = read(picture);
    this.#begin();
  }

  /** Told after every block of a check: a time to work, if the device is one that works alone. */
  rest(detector: Detector, done: number): void {
    if (done < QUIET || detector.info.device.kind !== "gpu") return;
    this.#quiet = detector;
    this.#begin();
  }

  /**
   * What was made ready of the file that is being read, now the caller's; `null`: nothing. It is taken at once, so that the
   * next one can be expected; a file that cannot be read is the caller's to tell.
   */
  async take(reading: Promise<Uint8Array>): Promise<Prepared | null> {
    const ready = this.#ready;
    this.#ready = null;
    this.clear();
    if (ready === null) return null;
    const sha256 = await reading.then(hash).catch(() => null);
    if (sha256 === ready.sha256) return ready.prepared;
    ready.prepared.free();
    return null;
  }

  /** Nothing is expected, and nothing held: before what was made ready would no longer fit. */
  clear(): void {
    this.#forget();
    this.#quiet = null;
  }

  #forget(): void {
    this.#expected = null;
    this.#ready?.prepared.free();
    this.#ready = null;
  }

  #begin(): void {
    const [detector, expected] = [this.#quiet, this.#expected];
    if (detector === null || expected === null) return;
    // A task of its own, which begins when the blocks that follow were handed to the device.
    setTimeout(() => {
      void expected.then((file) => {
        // It may have been taken back, or the next check may have begun.
        if (file !== null && this.#expected === expected) this.#prepare(detector, file);
      });
    });
  }

  #prepare(detector: Detector, { bytes, sha256 }: File): void {
    this.#expected = null;
    try {
      this.#ready = { sha256, prepared: detector.prepare(bytes) };
    } catch (thrown) {
      if (thrown instanceof WebAssembly.RuntimeError) this.#crash(thrown);
      // Else the picture cannot be read, or not by Rust: its own check finds out.
    }
  }
}

/** `null` where it cannot be read, or not be told from others. */
async function read(picture: Blob): Promise<File | null> {
  try {
    const bytes = new Uint8Array(await picture.arrayBuffer());
    return { bytes, sha256: await hash(bytes) };
  } catch {
    return null;
  }
}
