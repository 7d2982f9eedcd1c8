import { Random } from "../../engine/random.ts";
import type { ImageDataset } from "./dataset.ts";

const SIDE = 32;
const CHANNELS = 3;
const COUNTS = { train: 15_000, test: 3_000 } as const;

/** Points at equal distances on the unit circle, rounded so that the last bits of Math.sin decide nothing. */
const corners = (n: number): readonly (readonly [x: number, y: number])[] =>
  Array.from({ length: n }, (_, i) => {
    const angle = (2 * Math.PI * i) / n;
    return [Math.round(1e6 * Math.cos(angle)) / 1e6, Math.round(1e6 * Math.sin(angle)) / 1e6] as const;
  });

const [three, five] = [corners(3), corners(5)];

/** How many of the half-planes p . n <= distance, one for each normal n, a point p is outside of. */
function outside(normals: typeof three, distance: number, x: number, y: number): number {
  let count = 0;
  for (const [nx, ny] of normals) if (x * nx + y * ny > distance) count++;
  return count;
}

/** Whether a point belongs to the shape, which lies within the unit circle. None differs from its mirror image. */
const shapes: Readonly<Record<string, Shape>> = {
  disc: (x, y) => x * x + y * y <= 0.8,
  ring: (x, y) => x * x + y * y <= 1 && x * x + y * y >= 0.36,
  crescent: (x, y) => x * x + y * y <= 1 && (x - 0.5) ** 2 + y * y >= 0.6,
  triangle: (x, y) => outside(three, 0.5, x, y) === 0,
  square: (x, y) => Math.max(Math.abs(x), Math.abs(y)) <= 0.7,
  pentagon: (x, y) => outside(five, 0.8, x, y) === 0,
  // The five half-planes of a pentagon, of which one may be left.
  star: (x, y) => x * x + y * y <= 1 && outside(five, 0.31, x, y) <= 1,
  cross: (x, y) => Math.min(Math.abs(x), Math.abs(y)) <= 0.27 && Math.max(Math.abs(x), Math.abs(y)) <= 0.95,
};

/**
 * Coloured shapes, 32 x 32 x 3, 15,000 to train and 3,000 to test on, drawn the same everywhere and each time. The class is
 * the shape; place, size, turn and colours say nothing of it, nor do the shaded and noisy background and the line on it.
 */
export function loadShapes(split: keyof typeof COUNTS): ImageDataset {
  const count = COUNTS[split];
  const classes = Object.keys(shapes);
  const draws = Object.values(shapes);
  const size = SIDE * SIDE * CHANNELS;
  const images = new Uint8Array(count * size);
  const labels = Int32Array.from({ length: count }, (_, i) => i % classes.length);
  const random = new Random(0).fork(split === "train" ? 0 : 1);
  for (const [i, label] of labels.entries()) {
    const inside = draws[label];
    if (inside) draw(images.subarray(i * size, (i + 1) * size), inside, random.fork(i));
  }
  const shape = { height: SIDE, width: SIDE, channels: CHANNELS };
  return { name: `shapes-${split}`, count, ...shape, images, labels, classes };
}

type Colour = readonly [red: number, green: number, blue: number];
type Direction = readonly [cos: number, sin: number];
type Shape = (x: number, y: number) => boolean;

const colour = (random: Random): Colour => [random.integer(256), random.integer(256), random.integer(256)];

const difference = (a: Colour, b: Colour): number =>
  Math.sqrt((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2);

/** Least Euclidean distance of a shape's colour from both ends of the background. */
const CONTRAST = 80;

const MIDDLE = (SIDE - 1) / 2;

function draw(image: Uint8Array, inside: Shape, random: Random): void {
  const [from, to] = [colour(random), colour(random)];
  let paint = colour(random);
  while (Math.min(difference(paint, from), difference(paint, to)) < CONTRAST) paint = colour(random);
  const canvas = new Float64Array(image.length);
  shade(canvas, from, to, direction(random));
  strike(canvas, colour(random), direction(random), random.uniform(-12, 12));
  const [left, top] = [MIDDLE + random.uniform(-5, 5), MIDDLE + random.uniform(-5, 5)];
  fill(canvas, paint, inside, left, top, random.uniform(6, 11), direction(random));
  const noise = random.uniform(4, 24);
  for (let i = 0, bits = 0; i < image.length; i++, bits >>>= 8) {
    if (i % 4 === 0) bits = random.uint32();
    const grain = noise * ((bits & 255) / 127.5 - 1);
    image[i] = Math.max(0, Math.min(255, Math.round((canvas[i] ?? 0) + grain)));
  }
}

/** One colour that becomes another in a direction. */
function shade(canvas: Float64Array, from: Colour, to: Colour, [dx, dy]: Direction): void {
  for (let row = 0, i = 0; row < SIDE; row++) {
    for (let column = 0; column < SIDE; column++, i += CHANNELS) {
      const along = 0.5 + ((column - MIDDLE) * dx + (row - MIDDLE) * dy) / (SIDE * Math.SQRT2);
      for (let channel = 0; channel < CHANNELS; channel++) canvas[i + channel] = from[channel] ?? 0;
      blend(canvas, i, to, along);
    }
  }
}

/** A line across, at a distance from the middle. */
function strike(canvas: Float64Array, paint: Colour, [nx, ny]: Direction, distance: number): void {
  for (let row = 0, i = 0; row < SIDE; row++) {
    for (let column = 0; column < SIDE; column++, i += CHANNELS) {
      const off = (column - MIDDLE) * nx + (row - MIDDLE) * ny - distance;
      if (Math.abs(off) < 0.8) blend(canvas, i, paint, 1);
    }
  }
}

/** A shape of a size, turned, around a point. */
function fill(
  canvas: Float64Array,
  paint: Colour,
  inside: Shape,
  left: number,
  top: number,
  radius: number,
  [cos, sin]: Direction,
): void {
  const first = (centre: number): number => Math.max(0, Math.floor(centre - radius));
  const last = (centre: number): number => Math.min(SIDE - 1, Math.ceil(centre + radius));
  for (let row = first(top); row <= last(top); row++) {
    for (let column = first(left); column <= last(left); column++) {
      // Four points of each pixel: soft edges.
      let covered = 0;
      for (let part = 0; part < 4; part++) {
        const x = (column - left + (part & 1 ? 0.25 : -0.25)) / radius;
        const y = (row - top + (part & 2 ? 0.25 : -0.25)) / radius;
        if (inside(cos * x + sin * y, cos * y - sin * x)) covered += 0.25;
      }
      blend(canvas, CHANNELS * (row * SIDE + column), paint, covered);
    }
  }
}

/** A share of a colour over what a pixel has, which begins at `i`. */
function blend(canvas: Float64Array, i: number, paint: Colour, share: number): void {
  for (let channel = 0; channel < CHANNELS; channel++) {
    const ground = canvas[i + channel] ?? 0;
    canvas[i + channel] = ground + share * ((paint[channel] ?? 0) - ground);
  }
}

/** A direction, each equally likely, as (cos, sin): a point of the unit disc brought to length 1, without sines. */
function direction(random: Random): Direction {
  for (;;) {
    const [x, y] = [random.uniform(-1, 1), random.uniform(-1, 1)];
    const length = Math.sqrt(x * x + y * y);
    if (length > 0.01 && length <= 1) return [x / length, y / length];
  }
}
