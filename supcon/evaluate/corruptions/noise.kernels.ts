/** Noise, independent in each pixel and channel. */
import { corruption } from "./corruption.ts";
import { Poisson } from "./poisson.kernels.ts";

/** Added normal deviates of standard deviation sigma: low light. */
export const gaussianNoise = corruption([0.04, 0.06, 0.08, 0.09, 0.1], ({ pixels }, sigma, random) =>
  pixels.map((x) => x + random.normal(0, sigma)),
);

const poisson = new Poisson();

/** Light counted in photons: so many are expected of a white pixel, and the count is a Poisson deviate. */
export const shotNoise = corruption([500, 250, 100, 75, 50], ({ pixels }, photons, random) =>
  pixels.map((x) => poisson.draw(x * photons, random) / photons),
);

/** A share of values is lost: half of them are 1, half 0 (salt and pepper). */
export const impulseNoise = corruption([0.01, 0.02, 0.03, 0.05, 0.07], ({ pixels }, share, random) =>
  pixels.map((x) => {
    const u = random.uniform();
    return u >= share ? x : u < share / 2 ? 1 : 0;
  }),
);

/** Noise that is stronger where the image is brighter: x + x n, n normal of standard deviation sigma. */
export const speckleNoise = corruption([0.06, 0.1, 0.12, 0.16, 0.2], ({ pixels }, sigma, random) =>
  pixels.map((x) => x + x * random.normal(0, sigma)),
);
