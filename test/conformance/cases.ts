import type { ops } from "../../kernels/index.ts";
import type { Case } from "./case.ts";
import { contrastive } from "./cases/contrastive.ts";
import { elementwise } from "./cases/elementwise.ts";
import { conv2d, patches, pool, resample } from "./cases/images.ts";
import { layout, sorts } from "./cases/layout.ts";
import { matmul } from "./cases/matmul.ts";
import { loss, normalize, random } from "./cases/normalize.ts";
import { reduce } from "./cases/reduce.ts";

export type { Case, Example } from "./case.ts";

type Family = keyof typeof ops;
/** Every op of the registry. */
export type OpName = { [F in Family]: keyof (typeof ops)[F] }[Family];

/** One case for every op of the registry: an op without one does not compile. */
export const cases: Record<OpName, Case> = {
  ...elementwise,
  ...reduce,
  ...layout,
  ...sorts,
  ...normalize,
  ...random,
  ...loss,
  ...matmul,
  ...conv2d,
  ...pool,
  ...patches,
  ...resample,
  ...contrastive,
};
