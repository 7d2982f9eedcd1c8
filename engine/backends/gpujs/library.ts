/** gpu.js, an optional package: loaded when the backend is asked for, in one of its modes. */
import type { GPU, WebAssemblyKernel } from "gpu.js";
import { BackendError, ValueError } from "../../errors.ts";
import { gpujsModes } from "./modes.ts";
import type { GpujsMode } from "./modes.ts";

/** What the backend uses of gpu.js. */
export interface Library {
  readonly GPU: typeof GPU;
  readonly WebAssemblyKernel: typeof WebAssemblyKernel;
}

/** Imports gpu.js. Throws BackendError where it is not installed. */
export async function loadLibrary(): Promise<Library> {
  try {
    // In a try, bundlers let it be missing.
    return await import("gpu.js");
  } catch (cause) {
    const message = "gpujs: expected the package gpu.js, got none that can be loaded; npm install gpu.js";
    throw new BackendError(message, { cause });
  }
}

/**
 * The mode asked for, or else the first that works here. Throws ValueError for an unknown mode, BackendError for one
 * that does not work here.
 */
export function chooseMode({ GPU }: Library, asked: GpujsMode | undefined): GpujsMode {
  const works = { webgl2: GPU.isWebGL2Supported, webasm: GPU.isWebAssemblySupported, cpu: true };
  const [first = "cpu", ...others] = gpujsModes.filter((mode) => works[mode]);
  if (asked === undefined) return first;
  if (!gpujsModes.includes(asked)) {
    throw new ValueError(
      `init: expected a gpujsMode among ${gpujsModes.join(", ")}, got ${JSON.stringify(asked)}`,
    );
  }
  if (works[asked]) return asked;
  throw new BackendError(
    `gpujs: expected a mode of gpu.js that works here (${[first, ...others].join(", ")}), got ${asked}`,
  );
}
