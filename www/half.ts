/**
 * Features are kept as IEEE 754 half floats: half the room, and an error (2⁻¹¹ of a value) far below what the
 * tower's own 8-bit weights cause. Written out because `Float16Array` is younger than the browsers this supports.
 */

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** Rounds to the nearest half, ties to even; too large becomes infinite. */
export function toHalf(values: Float32Array): Uint16Array {
  const halves = new Uint16Array(values.length);
  for (let index = 0; index < values.length; index += 1) {
    float[0] = values[index] as number;
    halves[index] = roundBits(bits[0] as number);
  }
  return halves;
}

/** Exact: every half is a float. */
export function fromHalf(halves: Uint16Array, into: Float32Array = new Float32Array(halves.length), at = 0): Float32Array {
  for (let index = 0; index < halves.length; index += 1) into[at + index] = floatOf(halves[index] as number);
  return into;
}

function roundBits(value: number): number {
  const sign = (value >>> 16) & 0x8000;
  const exponent = (value >>> 23) & 0xff;
  const fraction = value & 0x7fffff;
  if (exponent === 0xff) return sign | 0x7c00 | (fraction === 0 ? 0 : 0x200);
  const shifted = exponent - 112; // the two formats' biases are 127 and 15
  if (shifted >= 31) return sign | 0x7c00;
  if (shifted > 0) return sign | evenShift((shifted << 23) | fraction, 13);
  if (shifted < -10) return sign;
  return sign | evenShift(fraction | 0x800000, 14 - shifted); // subnormal
}

/** `value >> by`, rounded; a carry runs into the exponent, which is what it should do. */
function evenShift(value: number, by: number): number {
  const kept = value >>> by;
  const rest = value & ((1 << by) - 1);
  const half = 1 << (by - 1);
  return rest > half || (rest === half && (kept & 1) === 1) ? kept + 1 : kept;
}

function floatOf(half: number): number {
  const sign = (half & 0x8000) === 0 ? 1 : -1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
