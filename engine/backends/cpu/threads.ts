import { canWait, spawnWorker } from "#platform";
import { WorkerError } from "../../errors.ts";
import type { Platform, WorkerHandle } from "../../platform/platform.ts";
import type { WasmMemory } from "./webassembly.ts";
import { ARGS_ADDRESS, CONTROL_BYTES, WORD, workerSource } from "./worker.ts";

/** A compiled module, here and as bytes in the shared memory, where the workers find it. */
export interface Program {
  readonly key: string;
  /** 0, 1, 2 ... in the order of compilation. */
  readonly id: number;
  /** Address and size of the module's bytes. */
  readonly code: number;
  readonly codeBytes: number;
  /** Runs one task on this thread. */
  readonly task: (args: number, index: number) => void;
}

/** Options of {@link Threads.start}. */
export interface ThreadOptions {
  /** Seconds in which some task must finish before the workers are taken for dead. */
  readonly patience?: number;
  /** How to start a worker. Default: the platform's way. */
  readonly spawn?: Platform["spawnWorker"];
}

/** How often the main thread looks whether the others are done before it sleeps: about 0.1 ms. */
const JOIN_LOOKS = 10_000;

/** Milliseconds after which a sleeping main thread looks at the clock. */
const LOOK_AGAIN = 200;

/**
 * The worker threads, and the distribution of a job's tasks over them and the main thread.
 *
 * A job is published by writing its fields, then `unfinished = tasks`, then `remaining = tasks`. A thread claims a
 * task by the atomic `ticket = remaining--`; if ticket > 0, it runs task number `tasks - ticket` and then does
 * `unfinished--`. The main thread claims tasks too, and returns when `unfinished` is 0. It never waits for a worker
 * that has claimed nothing. Why a worker that comes late, at whatever moment, does no harm:
 *
 * 1. Only a claim (ticket > 0) makes a thread read the job's fields. While a claimed task is unfinished the main
 *    thread does not return from `run`, hence does not change the fields. So a claim and the fields read after it
 *    belong to the same job, even if the worker had looked at `remaining` during an earlier one: what counts is the
 *    moment of the atomic decrement.
 * 2. Between two jobs `remaining` <= 0, since `unfinished` is 0 only after every ticket from `tasks` down to 1 was
 *    handed out. A late decrement then gets a ticket <= 0, no claim; the number below 0 that it leaves behind is
 *    overwritten by the next publication. Each value from `tasks` to 1 is handed out once, so each task runs once.
 * 3. All these operations are atomic and thus in one total order; whoever sees a claim or `unfinished` = 0 also sees
 *    the plain writes made before: arguments and program bytes on one side, results on the other.
 * 4. No wake-up is lost. A worker says `sleepers++` before it waits on `remaining` being the value <= 0 it has seen;
 *    the main thread publishes before it reads `sleepers`. So either it sees the sleeper and notifies, or the worker
 *    finds `remaining` changed and does not fall asleep. The main thread waits on `unfinished` being the value it has
 *    seen, and whoever makes it 0 notifies. A notification too many only makes a thread look again.
 *
 * The order in which tasks run is not determined, so they must not depend on one another.
 */
export class Threads {
  readonly #words: Int32Array;
  readonly #workers: WorkerHandle[] = [];
  readonly #patience: number;
  #broken: string | undefined;

  /** Starts `count` workers on the shared memory and waits until they run. Throws WorkerError if one does not. */
  static async start(memory: WasmMemory, count: number, options: ThreadOptions = {}): Promise<Threads> {
    const threads = new Threads(memory, count, options);
    const begin = performance.now();
    while (Atomics.load(threads.#words, WORD.ready) < count) {
      if (performance.now() - begin > threads.#patience) threads.#break("the workers did not start in time");
      threads.#check();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return threads;
  }

  private constructor(
    memory: WasmMemory,
    count: number,
    { patience = 60, spawn = spawnWorker }: ThreadOptions,
  ) {
    this.#words = new Int32Array(memory.buffer, 0, CONTROL_BYTES / 4);
    this.#patience = 1000 * patience;
    for (let i = 1; i <= count; i++) {
      const onDeath = (reason: string): void => {
        this.#break(`worker ${i} died: ${reason}`);
      };
      try {
        this.#workers.push(spawn(workerSource, memory, onDeath));
      } catch (error) {
        this.#break(`worker ${i} did not start: ${String(error)}`);
        return;
      }
    }
  }

  /**
   * Runs tasks 0 .. tasks - 1, at least 2, on all threads and returns when all are done. The argument words are
   * written. Throws WorkerError if a task throws, or if the workers died; then never another job runs.
   */
  run(program: Program, tasks: number): void {
    this.#check();
    const words = this.#words;
    words[WORD.program] = program.id;
    words[WORD.code] = program.code;
    words[WORD.codeBytes] = program.codeBytes;
    words[WORD.tasks] = tasks;
    Atomics.store(words, WORD.unfinished, tasks);
    Atomics.store(words, WORD.remaining, tasks);
    if (Atomics.load(words, WORD.sleepers) > 0) Atomics.notify(words, WORD.remaining, tasks - 1);

    let failure: string | undefined;
    for (let ticket; (ticket = Atomics.sub(words, WORD.remaining, 1)) > 0;) {
      try {
        program.task(ARGS_ADDRESS, tasks - ticket);
      } catch (error) {
        failure ??= `task ${tasks - ticket}: ${String(error)}`;
      }
      Atomics.sub(words, WORD.unfinished, 1);
    }
    this.#join();
    // Asked whoever failed: a word left set would fail the next job.
    const theirs = this.#workersFailure();
    failure ??= theirs;
    if (failure !== undefined) throw new WorkerError(`${program.key}: of ${tasks} tasks, ${failure}`);
  }

  /** Ends the workers. No job runs afterwards. */
  destroy(): void {
    this.#break("the threads were destroyed");
  }

  /** Waits for the tasks that workers have claimed. */
  #join(): void {
    const words = this.#words;
    for (let i = 0; i < JOIN_LOOKS; i++) if (Atomics.load(words, WORD.unfinished) === 0) return;
    let begin = performance.now();
    let before = 0;
    for (let left; (left = Atomics.load(words, WORD.unfinished)) > 0; before = left) {
      if (left !== before) begin = performance.now();
      if (performance.now() - begin > this.#patience) {
        this.#break(`no task finished in ${this.#patience / 1000} s; a worker hangs or died`);
        this.#check();
      }
      if (canWait) Atomics.wait(words, WORD.unfinished, left, Math.min(LOOK_AGAIN, this.#patience));
    }
  }

  #workersFailure(): string | undefined {
    const words = this.#words;
    if (Atomics.exchange(words, WORD.failed, 0) === 0) return undefined;
    const length = words[WORD.messageLength] ?? 0;
    return String.fromCharCode(...words.subarray(WORD.message, WORD.message + length));
  }

  #check(): void {
    if (this.#broken !== undefined)
      throw new WorkerError(`cpu threads: expected live workers, got none: ${this.#broken}`);
  }

  #break(reason: string): void {
    this.#broken ??= reason;
    for (const worker of this.#workers) worker.terminate();
    this.#workers.length = 0;
  }
}
