/** What the tasks of all kernels have in common: argument words by name, the ends of vectors, and how a job is run. */
import { i32, select } from "./assembler.ts";
import type { FunctionBuilder, Local, Operand, Value } from "./assembler.ts";
import type { Machine, Program } from "./machine.ts";

/** The argument words of a job by name: listed on the host, read in the task. */
export class Words<N extends string> {
  readonly #names: readonly N[];

  constructor(names: readonly N[]) {
    this.#names = names;
  }

  /** Bytes of all words: where those of another list begin that follows them. */
  get bytes(): number {
    return 4 * this.#names.length;
  }

  /**
   * The words in order, for `Machine.parallel`. (Put records together by Object.assign: V8 takes 25 us for
   * `{ ...a, ...b }` with a dozen names each, and 1 us for that.)
   */
  list(values: Readonly<Record<N, number>>): number[] {
    return this.#names.map((name) => values[name]);
  }

  /** The byte offset of a word from the task's `args` pointer. */
  offset(name: N): number {
    const index = this.#names.indexOf(name);
    if (index < 0) throw new RangeError(`argument words: no ${name} among ${this.#names.join(", ")}`);
    return 4 * index;
  }

  /** From the task's `args` pointer, the expression that loads the word called `name`. */
  reader(args: Operand<"i32">): (name: N) => Value<"i32"> {
    return (name) => i32.load(args, this.offset(name));
  }
}

/** The smaller of two unsigned numbers. Both are evaluated twice. */
export const minU = (a: Value<"i32">, b: Value<"i32">): Value<"i32"> => select(i32.ltU(a, b), a, b);

/** Stores the first `count` lanes; all four if there are more. */
export function storeLanes(
  f: FunctionBuilder,
  address: Local<"i32">,
  lanes: Value<"v128">,
  count: Local<"i32">,
): void {
  f.if(
    i32.geU(count, 4),
    () => {
      f.store(address, lanes);
    },
    () => {
      const value = f.let(lanes);
      for (const lane of [0, 1, 2]) {
        f.if(i32.gtU(count, lane), () => {
          f.storeLane(address, value, lane, 4 * lane);
        });
      }
    },
  );
}

/** A job with fewer floating-point operations takes about as long as handing it out to threads. */
const SMALL_JOB = 1 << 20;

/** Runs tasks on all threads, or on this one if there is little to do. */
export function runTasks(
  machine: Machine,
  program: Program,
  tasks: number,
  args: readonly number[],
  operations: number,
): void {
  if (operations < SMALL_JOB) machine.serial(program, tasks, args);
  else machine.parallel(program, tasks, args);
}
