import type { GPU, IKernelRunShortcut } from "gpu.js";
import { BackendError } from "../../errors.ts";
import type { JsBody, Params } from "../../kernel.ts";
import type { Library } from "./library.ts";
import type { GpujsMode } from "./modes.ts";
import { sourceOf } from "./source.ts";
import type { Source } from "./source.ts";

interface Program {
  readonly source: Source;
  readonly run: IKernelRunShortcut;
}

/**
 * In WebAssembly, gpu.js makes a module and a memory of its own for every combination of buffer lengths, and keeps so
 * many for each program.
 */
const modulesKept = 64;

/** Stands for an input without elements, which gpu.js does not take and no body reads. */
const nothing = new Float32Array(1);

/** The bodies that gpu.js has compiled, by their text. Lengths, strides and scalars are arguments of a program. */
export class Programs {
  readonly #library: Library;
  readonly #gpu: GPU;
  readonly #programs = new Map<string, Program>();
  #hits = 0;
  #misses = 0;

  constructor(library: Library, mode: GpujsMode) {
    this.#library = library;
    this.#gpu = new library.GPU({ mode });
  }

  /**
   * The elements of the output that `body` computes, in an array of its own. Throws BackendError where gpu.js cannot
   * run it in the mode asked for: left to itself it would go on in plain JavaScript.
   */
  run<P extends string>(
    kernel: string,
    body: JsBody<P>,
    params: Params<P>,
    inputs: readonly Float32Array[],
    length: number,
  ): Float32Array {
    if (length === 0) return new Float32Array();
    const { source, run } = this.#program(body);
    const values: Readonly<Record<string, number>> = params;
    run.setOutput([length]);
    let result: unknown;
    try {
      result = run(
        ...inputs.map((elements) => (elements.length > 0 ? elements : nothing)),
        ...source.params.map((name) => values[name] ?? NaN),
      );
    } catch (cause) {
      throw this.#refused(kernel, cause instanceof Error ? cause.message.trim() : String(cause), cause);
    }
    const { constructor, fallbackReason } = run.kernel;
    if (constructor !== this.#gpu.Kernel) throw this.#refused(kernel, fallbackReason ?? "it names no reason");
    if (result instanceof Float32Array) return result;
    throw this.#refused(kernel, "its results are no numbers");
  }

  /** How often a body was met again, and how often one was compiled. */
  stats(): { readonly hits: number; readonly misses: number } {
    return { hits: this.#hits, misses: this.#misses };
  }

  destroy(): Promise<void> {
    return this.#gpu.destroy();
  }

  #refused(kernel: string, reason: string, cause?: unknown): BackendError {
    return new BackendError(
      `gpujs: expected ${kernel} to run in mode ${this.#gpu.mode} of gpu.js, which refuses it: ${reason}`,
      { cause },
    );
  }

  #program<P extends string>(body: JsBody<P>): Program {
    const text = body.toString();
    const known = this.#programs.get(text);
    if (known) {
      this.#hits++;
      return known;
    }
    this.#misses++;
    const source = sourceOf(body);
    const run = this.#gpu.createKernel(source.text, {
      argumentTypes: Object.fromEntries([
        ...source.inputs.map((name) => [name, "Array"] as const),
        ...source.arguments.map((name) => [name, "Float"] as const),
      ]),
      dynamicArguments: true,
      dynamicOutput: true,
      output: [1],
      precision: "single",
    });
    run.setLoopMaxIterations(2 ** 30);
    if (run.kernel instanceof this.#library.WebAssemblyKernel) run.kernel.moduleCacheLimit = modulesKept;
    const program = { source, run };
    this.#programs.set(text, program);
    return program;
  }
}
