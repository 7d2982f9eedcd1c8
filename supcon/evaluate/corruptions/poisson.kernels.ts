import type { Random } from "../../../engine/random.ts";

/**
 * Poisson deviates, P(n) = e^-rate rate^n / n!, by inversion: the least n whose cumulated probability exceeds a uniform
 * number. The table of a rate is kept, since images of bytes have few different rates. Rates up to 700 (e^-rate must be
 * a normal double).
 */
export class Poisson {
  readonly #tables = new Map<number, Float64Array>();

  draw(rate: number, random: Random): number {
    let table = this.#tables.get(rate);
    if (!table) this.#tables.set(rate, (table = cumulated(rate)));
    const u = random.uniform();
    let [low, high] = [0, table.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (table[middle]! > u) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** P(0), P(0) + P(1), ..., to 10 standard deviations beyond the mean. */
function cumulated(rate: number): Float64Array {
  const table = new Float64Array(Math.ceil(rate + 10 * Math.sqrt(rate)) + 10);
  let [probability, sum] = [Math.exp(-rate), 0];
  for (let n = 0; n < table.length; n++) {
    if (n > 0) probability *= rate / n;
    table[n] = sum += probability;
  }
  return table;
}
