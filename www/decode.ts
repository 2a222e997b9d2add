/** A picture's bytes, and pictures that Rust does not decode (AVIF, HEIC, …) and this browser may. */
import { asProblem, Problem } from "./protocol.ts";

export interface Decoded {
  /** Straight alpha, 8 bit, upright, in the picture's own colour numbers. */
  rgba: Uint8Array;
  width: number;
  height: number;
  format: string;
}

/** Side above which no canvas is asked for: browsers refuse them, some by crashing. */
const LARGEST_SIDE = 16_384;
const LARGEST_AREA = 120_000_000;

/** The bytes of a file, which may be gone by now. */
export async function readable(picture: Blob): Promise<Uint8Array> {
  try {
    return new Uint8Array(await picture.arrayBuffer());
  } catch (thrown) {
    throw new Problem("picture-unreadable", asProblem(thrown, "picture-unreadable").message);
  }
}

/** `null` when the browser cannot decode it either. */
export async function decodeInBrowser(picture: Blob, bytes: Uint8Array): Promise<Decoded | null> {
  let bitmap: ImageBitmap;
  try {
    const options: ImageBitmapOptions = {
      colorSpaceConversion: "none",
      premultiplyAlpha: "none",
      imageOrientation: "from-image",
    };
    bitmap = await createImageBitmap(picture, options);
  } catch {
    return null;
  }
  try {
    const { width, height } = bitmap;
    if (width > LARGEST_SIDE || height > LARGEST_SIDE || width * height > LARGEST_AREA) return null;
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    if (context === null) return null;
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    return { rgba: new Uint8Array(data.buffer), width, height, format: formatName(picture, bytes) };
  } finally {
    bitmap.close();
  }
}

/** ISO base media files name their brand at byte 8. */
function formatName(picture: Blob, bytes: Uint8Array): string {
  const brand = String.fromCharCode(...bytes.subarray(4, 12));
  if (/^ftypavi[fs]/.test(brand)) return "AVIF";
  if (/^ftyp(hei|hev|mif1)/.test(brand)) return "HEIC";
  const subtype = picture.type.split("/")[1];
  return subtype ? subtype.replace(/\+.*$/, "").toUpperCase() : "unknown";
}
