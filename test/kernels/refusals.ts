/** What every op of the registry refuses. */
import type { OpName } from "../conformance/cases.ts";
import { elementwise } from "./refusals/elementwise.ts";
import type { Entry } from "./refusals/entry.ts";
import { conv2d, patches, pool, resample } from "./refusals/images.ts";
import { layout, sort } from "./refusals/layout.ts";
import { matmul } from "./refusals/matmul.ts";
import { contrastive } from "./refusals/contrastive.ts";
import { loss, normalize, random } from "./refusals/normalize.ts";
import { reduce } from "./refusals/reduce.ts";

export type { Entry } from "./refusals/entry.ts";

/** Every op: one without an entry does not compile. */
export const refusals: Record<OpName, Entry> = {
  ...elementwise,
  ...reduce,
  ...layout,
  ...sort,
  ...matmul,
  ...conv2d,
  ...pool,
  ...patches,
  ...resample,
  ...normalize,
  ...random,
  ...loss,
  ...contrastive,
};
