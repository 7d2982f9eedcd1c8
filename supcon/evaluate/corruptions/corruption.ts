import type { Random } from "../../../engine/random.ts";
import type { ImageShape } from "../../data/dataset.ts";

/** One image. */
export interface Picture extends ImageShape {
  /** [height, width, channels], row-major, in [0, 1]. */
  readonly pixels: Float32Array;
}

/** Makes the damaged pixels of a picture, which stays as it is. They may leave [0, 1]: whoever stores them clips. */
export type Damage = (picture: Picture, random: Random) => Float32Array | Promise<Float32Array>;

/** One constant, or one tuple of constants, for each severity from 1 to 5. */
export type Five<T> = readonly [T, T, T, T, T];

/** A kind of damage in its five severities. */
export type Corruption = Five<Damage>;

/** The same damage with five constants. */
export const corruption = <T>(
  [a, b, c, d, e]: Five<T>,
  damage: (picture: Picture, constant: T, random: Random) => ReturnType<Damage>,
): Corruption => {
  const by =
    (constant: T): Damage =>
    (picture, random) =>
      damage(picture, constant, random);
  return [by(a), by(b), by(c), by(d), by(e)];
};
