import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Elements } from "../../engine/backend.ts";
import { ValueError } from "../../engine/errors.ts";
import type { StateDict } from "../../nn/index.ts";
import { atomicWrite } from "../run/atomic.ts";
import { MetricsWriter } from "../run/metrics.ts";
import type { MetricsRow } from "../run/metrics.ts";
import { encodeSafetensors } from "../run/safetensors.ts";

const columns = ["epoch", "steps", "loss", "learningRate", "imagesPerSecond", "seconds"] as const;

/** Where a run leaves what it did. Files are replaced as a whole, so that a reader never sees half of one. */
export class RunFolder implements Disposable {
  readonly path: string;
  readonly #metrics: MetricsWriter<(typeof columns)[number]>;

  /** Makes the folder. Throws ValueError if it cannot be made or something is in it. */
  constructor(path = join("runs", new Date().toISOString().slice(0, 19).replaceAll(":", "-"))) {
    try {
      mkdirSync(path, { recursive: true });
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new ValueError(`--out: expected a folder that can be made, got ${path} (${reason})`, { cause });
    }
    if (readdirSync(path).length > 0) {
      throw new ValueError(`--out: expected a new or empty folder, got ${path}, which has files in it`);
    }
    this.path = path;
    this.#metrics = new MetricsWriter(join(path, "metrics.csv"), columns);
  }

  /** Writes config.json or result.json. */
  writeJson(name: "config" | "result", content: object): void {
    atomicWrite(join(this.path, `${name}.json`), JSON.stringify(content, null, 2) + "\n");
  }

  /** Adds a line to metrics.csv. */
  appendMetrics(row: MetricsRow<(typeof columns)[number]>): void {
    this.#metrics.append(row);
  }

  /** Writes checkpoint.safetensors, in single precision. */
  writeCheckpoint(state: StateDict<Elements>, metadata: Readonly<Record<string, string>>): void {
    const tensors = new Map(
      [...state].map(([name, { shape, data }]) => [
        name,
        { shape, data: data instanceof Float64Array ? Float32Array.from(data) : data },
      ]),
    );
    atomicWrite(join(this.path, "checkpoint.safetensors"), encodeSafetensors({ tensors, metadata }));
  }

  [Symbol.dispose](): void {
    this.#metrics.close();
  }
}
