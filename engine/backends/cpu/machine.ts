import { coreCount, enableRelaxedSimd } from "#platform";
import { BackendError, ValueError, WorkerError } from "../../errors.ts";
import { f32x4, ModuleBuilder } from "./assembler.ts";
import type { Features } from "./assembler.ts";
import { Heap } from "./heap.ts";
import type { Program, ThreadOptions } from "./threads.ts";
import { Threads } from "./threads.ts";
import { instantiate, MAX_PAGES, newMemory, PAGE_BYTES, validate } from "./webassembly.ts";
import type { WasmMemory } from "./webassembly.ts";
import { ARGS_ADDRESS, ARGS_WORDS, CONTROL_BYTES, WORD } from "./worker.ts";

export type { Program } from "./threads.ts";

/** Options of {@link Machine.create}. */
export interface MachineOptions extends ThreadOptions {
  /** Threads, the main one included. Default: one per core. Without SharedArrayBuffer there is one. */
  readonly threads?: number;
  /** Whether to use relaxed SIMD (fused multiply-add). Default: if the engine has it. */
  readonly relaxedSimd?: boolean;
}

/** The memory begins with 16 MiB, and grows by half of what it has, or by what is needed if that is more. */
const INITIAL_PAGES = 256;
const GROWTH = 0.5;

/** Program bytes are kept together in stretches of this size, so that they do not cut up the heap. */
const CODE_BYTES = 1 << 20;

/** The 32-bit pattern of a float, to pass it among the argument words of a job. */
export function f32Bits(x: number): number {
  float[0] = x;
  return bits[0] ?? 0;
}
const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

/** What the CPU backend computes with: one memory, a heap in it, threads, and compiled programs. */
export class Machine {
  readonly heap: Heap;
  /** Threads, the main one included. */
  readonly threads: number;
  /** Whether programs may use relaxed SIMD. Results differ in the last bits with and without. */
  readonly relaxedSimd: boolean;
  readonly #memory: WasmMemory;
  readonly #features: Features;
  readonly #workers: Threads | undefined;
  readonly #programs = new Map<string, Program>();
  #codeAddress = 0;
  #codeLeft = 0;
  #f32: Float32Array;
  #i32: Int32Array;
  #u8: Uint8Array;

  /**
   * Makes the memory and starts the threads. Throws ValueError for a bad number of threads, BackendError where
   * relaxed SIMD is asked for and missing, WorkerError if a thread does not start.
   */
  static async create(options: MachineOptions = {}): Promise<Machine> {
    const { threads = coreCount(), relaxedSimd = hasRelaxedSimd() } = options;
    if (!(Number.isInteger(threads) && threads >= 1 && threads <= 1024)) {
      throw new ValueError(`machine: expected threads to be an integer in 1..1024, got ${threads}`);
    }
    if (relaxedSimd && !hasRelaxedSimd()) {
      throw new BackendError(
        "machine: expected an engine with relaxed SIMD, got one without; leave the option out",
      );
    }
    const shared = "SharedArrayBuffer" in globalThis;
    const memory = largestMemory(shared);
    const workers = shared && threads > 1 ? await Threads.start(memory, threads - 1, options) : undefined;
    return new Machine(memory, { shared, relaxedSimd }, workers, workers ? threads : 1);
  }

  private constructor(memory: WasmMemory, features: Features, workers: Threads | undefined, threads: number) {
    this.#memory = memory;
    this.#features = features;
    this.#workers = workers;
    this.threads = threads;
    this.relaxedSimd = features.relaxedSimd;
    this.#f32 = new Float32Array(memory.buffer);
    this.#i32 = new Int32Array(memory.buffer);
    this.#u8 = new Uint8Array(memory.buffer);
    this.heap = new Heap(CONTROL_BYTES, memory.buffer.byteLength, (bytes) => this.#grow(bytes));
  }

  /** The memory as floats: element `address / 4`. Ask again after every allocation: views do not outlive growth. */
  get f32(): Float32Array {
    return this.#f32;
  }

  /** The memory as 32-bit integers; as for `f32`, ask again after every allocation. */
  get i32(): Int32Array {
    return this.#i32;
  }

  /** The memory as bytes; as for `f32`, ask again after every allocation. */
  get u8(): Uint8Array {
    return this.#u8;
  }

  /**
   * The program known as `key`. The first time, `build` writes its module, which must have a task:
   * `machine.program("fill", (module) => { module.task((f, args, index) => { ... }); })`.
   * The key must tell everything that the code depends on.
   */
  program(key: string, build: (module: ModuleBuilder) => void): Program {
    const known = this.#programs.get(key);
    if (known) return known;
    const module = new ModuleBuilder(this.#features);
    build(module);
    const bytes = module.encode();
    const { task } = instantiate(bytes, this.#memory);
    if (!task)
      throw new ValueError(`machine.program: expected ${key} to have a task, got none; call module.task()`);
    const program = { key, id: this.#programs.size, code: this.#keep(bytes), codeBytes: bytes.length, task };
    this.#programs.set(key, program);
    return program;
  }

  /**
   * Runs tasks 0 .. tasks - 1 of the program, in any order and on all threads, and returns when all are done. Each
   * gets the address of `args`, words of 32 bits: integers, addresses, floats as `f32Bits(x)`. Tasks must not depend
   * on one another; how work is cut into tasks must not depend on the number of threads.
   * Throws WorkerError if a task traps.
   */
  parallel(program: Program, tasks: number, args: readonly number[]): void {
    if (tasks <= 1 || this.#workers === undefined) {
      this.serial(program, tasks, args);
      return;
    }
    this.#check(program, tasks, args);
    this.#workers.run(program, tasks);
  }

  /** As `parallel`, on this thread alone: for jobs so small that handing them out costs more (about 10 us). */
  serial(program: Program, tasks: number, args: readonly number[]): void {
    this.#check(program, tasks, args);
    for (let index = 0; index < tasks; index++) {
      try {
        program.task(ARGS_ADDRESS, index);
      } catch (error) {
        throw new WorkerError(`${program.key}: of ${tasks} tasks, task ${index}: ${String(error)}`);
      }
    }
  }

  /** One line for people. */
  describe(): string {
    const { shared } = this.#features;
    const threads = `${this.threads} thread${this.threads > 1 ? "s" : ""}`;
    const reason = shared ? "" : " (no SharedArrayBuffer: the page is not cross-origin isolated)";
    return `WebAssembly SIMD, ${this.relaxedSimd ? "relaxed FMA" : "no FMA"}, ${threads}${reason}`;
  }

  /** Ends the worker threads. */
  destroy(): void {
    this.#workers?.destroy();
  }

  /** Checks a job and writes its arguments. */
  #check(program: Program, tasks: number, args: readonly number[]): void {
    if (!(Number.isInteger(tasks) && tasks >= 0 && tasks < 2 ** 31)) {
      throw new ValueError(`${program.key}: expected a number of tasks below 2^31, got ${tasks}`);
    }
    if (args.length > ARGS_WORDS) {
      throw new ValueError(
        `${program.key}: expected at most ${ARGS_WORDS} argument words, got ${args.length}`,
      );
    }
    let at: number = WORD.args;
    for (const word of args) {
      if (!Number.isInteger(word)) {
        throw new ValueError(
          `${program.key}: expected integer argument words, got ${word}; pass floats as f32Bits(x)`,
        );
      }
      this.#i32[at++] = word;
    }
  }

  /** Copies a module's bytes to where they stay. */
  #keep(bytes: Uint8Array): number {
    if (bytes.length > this.#codeLeft) {
      const size = Math.max(CODE_BYTES, bytes.length);
      this.#codeAddress = this.heap.reserve(size);
      this.#codeLeft = size;
    }
    const address = this.#codeAddress;
    this.#u8.set(bytes, address);
    this.#codeAddress += bytes.length;
    this.#codeLeft -= bytes.length;
    return address;
  }

  /** Adds memory for `bytes` bytes, more if it can be had. */
  #grow(bytes: number): number {
    const before = this.#memory.buffer.byteLength;
    const needed = Math.ceil(bytes / PAGE_BYTES);
    const room = MAX_PAGES - before / PAGE_BYTES;
    const wanted = Math.min(room, Math.max(needed, Math.ceil((GROWTH * before) / PAGE_BYTES)));
    if (needed > room || !(grows(this.#memory, wanted) || grows(this.#memory, needed))) return 0;
    this.#f32 = new Float32Array(this.#memory.buffer);
    this.#i32 = new Int32Array(this.#memory.buffer);
    this.#u8 = new Uint8Array(this.#memory.buffer);
    return this.#memory.buffer.byteLength - before;
  }
}

function grows(memory: WasmMemory, pages: number): boolean {
  try {
    memory.grow(pages);
    return true;
  } catch {
    return false;
  }
}

/** A memory that may grow to 4 GiB, or as far below as the system grants. */
function largestMemory(shared: boolean): WasmMemory {
  for (let maximum = MAX_PAGES; ; maximum /= 2) {
    try {
      return newMemory({ initial: INITIAL_PAGES, maximum, shared });
    } catch (error) {
      if (maximum <= INITIAL_PAGES) throw error;
    }
  }
}

function hasRelaxedSimd(): boolean {
  const module = new ModuleBuilder({ relaxedSimd: true });
  module.func({ params: ["v128"], result: "v128" }, (_, x) => f32x4.relaxedMadd(x, x, x));
  const bytes = module.encode();
  if (!validate(bytes)) enableRelaxedSimd();
  return validate(bytes);
}
