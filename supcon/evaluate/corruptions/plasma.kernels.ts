import type { Random } from "../../../engine/random.ts";

/**
 * A cloudy texture [size, size] in [0, 1], size a power of two, by the diamond-square algorithm (Fournier, Fussell and
 * Carpenter, CACM 25, 1982) on a torus: the points of a grid are known; first the middles of its squares, then those of
 * its edges get the mean of their four neighbours and a random offset. Then the grid is twice as fine and offsets are
 * smaller by decay^2.
 */
export function plasma(size: number, decay: number, random: Random): Float32Array {
  const map = new Float64Array(size * size);
  const at = (y: number, x: number) => map[((y + size) % size) * size + ((x + size) % size)]!;
  let range = 1;
  for (let step = size; step >= 2; step /= 2, range /= decay ** 2) {
    const half = step / 2;
    const offset = () => random.uniform(-range, range);
    for (let y = half; y < size; y += step) {
      for (let x = half; x < size; x += step) {
        const corners = at(y - half, x - half) + at(y - half, x + half) + at(y + half, x - half) + at(y + half, x + half); // prettier-ignore
        map[y * size + x] = corners / 4 + offset();
      }
    }
    for (let y = 0; y < size; y += half) {
      for (let x = y % step === 0 ? half : 0; x < size; x += step) {
        const around = at(y - half, x) + at(y + half, x) + at(y, x - half) + at(y, x + half);
        map[y * size + x] = around / 4 + offset();
      }
    }
  }
  let [least, greatest] = [Infinity, -Infinity];
  for (const value of map) {
    least = Math.min(least, value);
    greatest = Math.max(greatest, value);
  }
  const extent = greatest - least || 1;
  return Float32Array.from(map, (value) => (value - least) / extent);
}
