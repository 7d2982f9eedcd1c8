/** All rows, by topic. */
import { batchNorm } from "./batch-norm.ts";
import { coldStart } from "./cold-start.ts";
import { conv2d } from "./conv2d.ts";
import { data } from "./data.ts";
import { loss } from "./loss.ts";
import { matmul } from "./matmul.ts";
import { memory } from "./memory.ts";
import { optimizer } from "./optimizer.ts";
import type { Row, SuiteOptions } from "./row.ts";
import { scaling } from "./scaling.ts";
import { supCon } from "./supcon.ts";
import { training } from "./training.ts";

const topics: Readonly<Record<string, (options: SuiteOptions) => readonly Row[]>> = {
  matmul,
  conv2d,
  "batch-norm": batchNorm,
  memory,
  loss,
  supcon: supCon,
  optimizer,
  data,
  training,
  "cold start": coldStart,
  scaling,
};

export const topicNames = Object.keys(topics);

/** The rows whose topic or name has `filter` in it, in any case; of a quick run only the most telling ones. */
export function rowsOf(options: SuiteOptions, filter: string, quick: boolean): Row[] {
  const wanted = filter.toLowerCase();
  return Object.values(topics)
    .flatMap((rows) => rows(options))
    .filter(({ topic, name }) => `${topic} ${name}`.toLowerCase().includes(wanted))
    .filter((row) => !quick || row.quick === true);
}
