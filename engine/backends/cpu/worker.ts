/**
 * What the threads share, and the program of a worker thread.
 *
 * Below, an index into the 32-bit words at the start of the memory. Words that different threads write at the same
 * time stand on different cache lines (16 words).
 */
export const WORD = {
  /** Tasks of the current job that nobody has claimed; 0 or less when there are none. */
  remaining: 0,
  /** Tasks of the current job that are not finished. */
  unfinished: 16,
  /** Workers that sleep, or are about to. */
  sleepers: 32,
  /** Workers that have started. */
  ready: 48,
  /** 1 when a task of the current job has thrown; `message` then says what. */
  failed: 64,
  /** The current job: its program's number, address and size in bytes, and its number of tasks. */
  program: 80,
  code: 81,
  codeBytes: 82,
  tasks: 83,
  /** Length of the error message and its UTF-16 units, one per word. */
  messageLength: 127,
  message: 128,
  /** The arguments of the current job. */
  args: 512,
} as const;

/** Longest error message that is passed on. */
export const MESSAGE_UNITS = WORD.args - WORD.message;

/** Most argument words of a job. */
export const ARGS_WORDS = 512;

/** Bytes that all this takes. */
export const CONTROL_BYTES = 4 * (WORD.args + ARGS_WORDS);

/** Address of the argument words, the first parameter of a task. */
export const ARGS_ADDRESS = 4 * WORD.args;

/**
 * Milliseconds for which an idle worker looks for work before it sleeps, so that it stays awake from one job of a training
 * step to the next: waking it again takes 50 to 200 us, and more where the machine is busy. By the clock, since how long a
 * look takes depends on how far the loop has been optimised.
 */
const IDLE_MILLISECONDS = 2;
/** Looks between two looks at the clock: a few microseconds. */
const LOOKS = 1000;

/**
 * The program of a worker: a function of the shared memory, in plain JavaScript, since Node's workers cannot start
 * from TypeScript. It claims tasks as `Threads.run` does (see there why that is sound) and sleeps when there are none.
 */
export const workerSource = `(memory) => {
  const words = new Int32Array(memory.buffer, 0, ${CONTROL_BYTES / 4});
  const programs = [];

  const load = () => {
    // A copy: modules are not compiled from shared memory.
    const bytes = new Uint8Array(memory.buffer, words[${WORD.code}] >>> 0, words[${WORD.codeBytes}]).slice();
    return new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } }).exports.task;
  };

  const report = (text) => {
    if (Atomics.compareExchange(words, ${WORD.failed}, 0, 1) !== 0) return; // the first failure is the one told
    words[${WORD.messageLength}] = Math.min(text.length, ${MESSAGE_UNITS});
    for (let i = 0; i < words[${WORD.messageLength}]; i++) words[${WORD.message} + i] = text.charCodeAt(i);
  };

  Atomics.add(words, ${WORD.ready}, 1);
  for (;;) {
    let seen = Atomics.load(words, ${WORD.remaining});
    for (let until = performance.now() + ${IDLE_MILLISECONDS}; seen <= 0 && performance.now() < until;) {
      for (let i = 0; seen <= 0 && i < ${LOOKS}; i++) seen = Atomics.load(words, ${WORD.remaining});
    }
    if (seen <= 0) {
      Atomics.add(words, ${WORD.sleepers}, 1);
      Atomics.wait(words, ${WORD.remaining}, seen);
      Atomics.sub(words, ${WORD.sleepers}, 1);
      continue;
    }
    const ticket = Atomics.sub(words, ${WORD.remaining}, 1);
    if (ticket <= 0) continue;
    const index = words[${WORD.tasks}] - ticket;
    try {
      (programs[words[${WORD.program}]] ??= load())(${ARGS_ADDRESS}, index);
    } catch (error) {
      report("task " + index + ": " + error);
    }
    if (Atomics.sub(words, ${WORD.unfinished}, 1) === 1) Atomics.notify(words, ${WORD.unfinished});
  }
}`;
