// Pictures as CLIP takes them. The browser's own scaling serves here: it only has to be the same for both peers.
const SIDE = 224;
const MEAN = [0.48145466, 0.4578275, 0.40821073]; // openai/CLIP, clip/clip.py
const STD = [0.26862954, 0.26130258, 0.27577711];

/** Addresses of pictures → [n, 3, side, side], normalised. */
export async function clipPixels(pictures) {
  const area = SIDE * SIDE;
  const pixels = new Float32Array(pictures.length * 3 * area);
  const context = new OffscreenCanvas(SIDE, SIDE).getContext("2d", { willReadFrequently: true });
  for (const [n, address] of pictures.entries()) {
    const bitmap = await createImageBitmap(await (await fetch(address)).blob());
    context.drawImage(bitmap, 0, 0, SIDE, SIDE);
    const { data } = context.getImageData(0, 0, SIDE, SIDE); // [side, side, 4]
    for (let channel = 0; channel < 3; channel += 1)
      for (let at = 0; at < area; at += 1)
        pixels[(n * 3 + channel) * area + at] = (data[at * 4 + channel] / 255 - MEAN[channel]) / STD[channel];
  }
  return pixels;
}
