/** Small things done to a picture before it is checked. */

/** Two pixels of the panel's largest thumbnail for each of its own, for dense screens. */
const THUMBNAIL_SIDE = 352;
/** A drawing says what it is near its start, after comments and declarations. */
const DRAWING_START = 1024;

/** The bytes behind a `data:` address. */
export async function blobOf(data: string): Promise<Blob> {
  const base64 = /^data:([^,]*?) *; *base64 *,/i.exec(data);
  if (base64 === null) return (await fetch(data)).blob();
  const digits = data.slice(base64[0].length);
  const binary = atob(digits.includes("%") ? decodeURIComponent(digits) : digits); // `fetch` refuses long ones in Firefox
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = binary.charCodeAt(at);
  return new Blob([bytes], { type: base64[1] ?? "" });
}

export function dataUrlOf(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

/** Whether it is SVG: shapes, which the detector was never shown. */
export async function isDrawing(picture: Blob): Promise<boolean> {
  const start = await picture.slice(0, DRAWING_START).text();
  return picture.type.startsWith("image/svg") || /^\s*(<\?xml[^>]*>|<!--[\s\S]*?-->|<!DOCTYPE svg[^>]*>|\s)*<svg[\s>]/i.test(start);
}

/** A small copy as a `data:` address; `null` where the browser cannot show the picture. */
export async function thumbnail(picture: Blob): Promise<string | null> {
  try {
    const bitmap = await createImageBitmap(picture);
    const scale = Math.min(1, THUMBNAIL_SIDE / Math.max(bitmap.width, bitmap.height));
    const side = (length: number): number => Math.max(1, Math.round(length * scale));
    const canvas = new OffscreenCanvas(side(bitmap.width), side(bitmap.height));
    canvas.getContext("2d")?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
    return await dataUrlOf(await canvas.convertToBlob({ type: "image/webp", quality: 0.85 }));
  } catch {
    return null;
  }
}
