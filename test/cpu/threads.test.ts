import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { spawnWorker } from "#platform";
import { f32, i32 } from "../../engine/backends/cpu/assembler.ts";
import { f32Bits, Machine } from "../../engine/backends/cpu/machine.ts";
import type { MachineOptions } from "../../engine/backends/cpu/machine.ts";
import { WORD } from "../../engine/backends/cpu/worker.ts";
import { ValueError, WorkerError } from "../../engine/errors.ts";

const machines: Machine[] = [];
async function newMachine(options: MachineOptions): Promise<Machine> {
  const machine = await Machine.create(options);
  machines.push(machine);
  return machine;
}
after(() => {
  for (const machine of machines) machine.destroy();
});

/** counts[index] += stamp, after `turns` turns of a loop. Arguments: counts, stamp, turns, and a 0 not named. */
const counting = (machine: Machine) =>
  machine.program("count", (module) => {
    module.task((f, args, index) => {
      const x = f.local("i32");
      f.forRange(0, i32.load(args, 8), 1, (i) => { f.set(x, i32.mul(i32.add(x, i), 31)); }); // prettier-ignore
      const at = f.let(i32.add(i32.load(args), i32.shl(index, 2)));
      // The loop's result counts for 0, which the compiler cannot know.
      const nothing = i32.mul(x, i32.load(args, 12));
      f.store(at, i32.add(i32.add(i32.load(at), i32.load(args, 4)), nothing));
    });
  });

/** Spends `turns` turns in task 0, traps in task 1. Arguments: turns. */
const trapping = (machine: Machine) =>
  machine.program("trap", (module) => {
    module.task((f, args, index) => {
      const x = f.local("i32");
      f.forRange(0, i32.load(args), 1, (i) => { f.set(x, i32.mul(i32.add(x, i), 31)); }); // prettier-ignore
      f.if(index, () => { f.set(x, i32.divU(x, 0)); }); // prettier-ignore
    });
  });

describe("machine.parallel", () => {
  for (const threads of [1, 2, 3, 4]) {
    it(`runs each task of each job once, with that job's arguments, on ${threads} threads`, async () => {
      const machine = await newMachine({ threads });
      const program = counting(machine);
      const room = 40_000;
      const counts = machine.heap.alloc(4 * room);
      const sizes = [2, 3, 1, 2, 200, 2, 17, 2, 2, 5, 0, 2];
      for (let job = 1; job <= 3000; job++) {
        const tasks = job % 500 === 0 ? room - 1 : sizes[job % sizes.length]!;
        const turns = job % 7 === 0 ? 2000 : 0;
        const view = machine.i32.subarray(counts / 4, counts / 4 + tasks + 1).fill(0);
        machine.parallel(program, tasks, [counts, job, turns, 0]);
        assert(
          view.subarray(0, tasks).every((count) => count === job),
          `job ${job}`,
        );
        assert.equal(view[tasks], 0, `job ${job}: a task too many`);
      }
    });
  }

  it("is right however late a worker comes, at whatever point of its program", async () => {
    // A random delay, up to longer than most jobs, before each of a worker's statements that touch a job.
    const delay = "for (let n = 9000 * Math.random(); n > 0; n--);";
    const spawn: typeof spawnWorker = (source, data, onDeath) => {
      const slow = source.replace(/^ *(const ticket|const index|try|if \(Atomics.sub)/gm, `${delay} $&`);
      assert.equal(slow.split(delay).length, 5);
      return spawnWorker(slow, data, onDeath);
    };
    const machine = await newMachine({ threads: 2, spawn });
    const program = counting(machine);
    const counts = machine.heap.alloc(4 * 64);
    const view = machine.i32.subarray(counts / 4, counts / 4 + 64);
    for (let job = 1; job <= 20_000; job++) {
      const tasks = 2 + (job % 7);
      view.fill(0);
      machine.parallel(program, tasks, [counts, job, 1000 * (job % 4), 0]);
      assert(
        view.every((count, i) => count === (i < tasks ? job : 0)),
        `job ${job}: ${view.join()}`,
      );
    }
  });

  it("lets workers that sleep wake up, and does not need them", async () => {
    const machine = await newMachine({ threads: 3 });
    const program = counting(machine);
    const counts = machine.heap.alloc(64);
    for (let job = 1; job <= 30; job++) {
      await new Promise((resolve) => setTimeout(resolve, 4));
      machine.i32.fill(0, counts / 4, counts / 4 + 16);
      machine.parallel(program, 8, [counts, job, 20_000, 0]);
      assert.deepEqual(
        [...machine.i32.subarray(counts / 4, counts / 4 + 9)],
        [...Array<number>(8).fill(job), 0],
      );
    }
  });

  it("runs tasks at the same time", async () => {
    const machine = await newMachine({ threads: 2 });
    const meet = machine.program("meet", (module) => {
      // Says "here" and waits until the other task has said so. Arguments: flags. Each task alone would wait in vain.
      module.task((f, args, index) => {
        const mine = f.let(i32.add(i32.load(args), i32.shl(index, 6)));
        const other = f.let(i32.xor(mine, 64));
        f.store(mine, i32.const(1));
        f.block((end) => {
          f.forRange(0, 2 ** 32 - 1, 1, () => {
            f.brIf(end, i32.load(other));
          });
        });
        f.store(mine, i32.load(other), 4);
      });
    });
    const flags = (machine.heap.alloc(256) + 127) & ~127;
    machine.i32.fill(0, flags / 4, flags / 4 + 32);
    machine.parallel(meet, 2, [flags]);
    assert.deepEqual([machine.i32[flags / 4 + 1], machine.i32[flags / 4 + 17]], [1, 1]);
  });

  it("passes integers, addresses and floats", async () => {
    const machine = await newMachine({ threads: 2 });
    const out = machine.heap.alloc(64);
    const program = machine.program("arguments", (module) => {
      module.task((f, args, index) => {
        f.if(index, () => {
          f.store(i32.load(args), f32.mul(f32.load(args, 4), 2));
          f.store(i32.load(args), i32.load(args, 8), 4);
        });
      });
    });
    machine.parallel(program, 2, [out, f32Bits(-1.25), 2 ** 32 - 5]);
    assert.equal(machine.f32[out / 4], -2.5);
    assert.equal(machine.i32[out / 4 + 1], -5);
    assert.throws(() => { machine.parallel(program, 2, [out, 0.5]); }, ValueError); // prettier-ignore
    assert.throws(() => { machine.parallel(program, -1, [out]); }, ValueError); // prettier-ignore
    assert.throws(() => { machine.parallel(program, 2, Array<number>(513).fill(0)); }, ValueError); // prettier-ignore
  });

  it("sees memory that has just grown, in every thread", async () => {
    const machine = await newMachine({ threads: 3 });
    const program = machine.program("fill", (module) => {
      module.task((f, args, index) => {
        // memory.fill checks bounds against the size that the thread's instance knows.
        f.memoryFill(i32.add(i32.load(args), i32.shl(index, 12)), i32.load(args, 4), 4096);
      });
    });
    for (let turn = 1; machine.u8.length < 2 ** 30; turn++) {
      const before = machine.u8.length;
      const bytes = before + 65536;
      const address = machine.heap.alloc(bytes);
      assert(machine.u8.length > before && machine.u8.length === machine.f32.length * 4);
      const start = address + bytes - 16 * 4096;
      machine.parallel(program, 16, [start, turn]);
      assert(machine.u8.subarray(start, start + 16 * 4096).every((byte) => byte === turn));
    }
  });
});

describe("failures", () => {
  it("a task that traps, on whatever thread, is a WorkerError, and the machine lives on", async () => {
    for (const threads of [1, 2, 4]) {
      const machine = await newMachine({ threads });
      const counts = machine.heap.alloc(4 * 64);
      for (let job = 0; job < 40; job++) {
        assert.throws(
          () => { machine.parallel(trapping(machine), 2, [200_000]); }, // prettier-ignore
          (error) =>
            error instanceof WorkerError &&
            error.message.startsWith("trap: of 2 tasks, task 1: RuntimeError: divide"),
        );
        machine.i32.fill(0, counts / 4, counts / 4 + 64);
        machine.parallel(counting(machine), 64, [counts, job, 0, 0]);
        assert(machine.i32.subarray(counts / 4, counts / 4 + 64).every((count) => count === job));
      }
    }
  });

  it("tasks that trap on all threads fail their own job alone", async () => {
    const machine = await newMachine({ threads: 2 });
    const counts = machine.heap.alloc(64);
    const everywhere = machine.program("trap everywhere", (module) => {
      module.task((f) => {
        const x = f.local("i32");
        f.forRange(0, 200_000, 1, (i) => { f.set(x, i32.mul(i32.add(x, i), 31)); }); // prettier-ignore
        f.set(x, i32.divU(x, 0));
      });
    });
    for (let job = 0; job < 20; job++) {
      assert.throws(() => { machine.parallel(everywhere, 16, []); }, WorkerError); // prettier-ignore
      machine.parallel(counting(machine), 2, [counts, job, 0, 0]);
    }
  });

  it("a worker's own trap reaches the main thread", async () => {
    // Workers whose messages can be told from the main thread's.
    const spawn: typeof spawnWorker = (source, data, onDeath) =>
      spawnWorker(source.replace('"task "', '"worker\'s task "'), data, onDeath);
    const machine = await newMachine({ threads: 2, spawn });
    let message = "";
    for (let job = 0; job < 200 && !message.includes("worker's task 1: RuntimeError"); job++) {
      try {
        machine.parallel(trapping(machine), 2, [1_000_000]);
      } catch (error) {
        assert(error instanceof WorkerError);
        message = error.message;
      }
    }
    assert.match(message, /^trap: of 2 tasks, worker's task 1: RuntimeError: divide by zero/);
  });

  it("a worker that dies with a task in hand is a WorkerError, not a hang", async () => {
    const deadly = `(memory) => {
      const words = new Int32Array(memory.buffer);
      Atomics.add(words, ${WORD.ready}, 1);
      while (Atomics.load(words, ${WORD.remaining}) <= 0 || Atomics.sub(words, ${WORD.remaining}, 1) <= 0);
      process.exit(3);
    }`;
    const spawn: typeof spawnWorker = (_, data, onDeath) => spawnWorker(deadly, data, onDeath);
    const machine = await newMachine({ threads: 2, spawn, patience: 0.5 });
    const counts = machine.heap.alloc(4 * 2000);
    const job = (): void => { machine.parallel(counting(machine), 2000, [counts, 1, 100_000, 0]); }; // prettier-ignore
    assert.throws(
      job,
      (error) => error instanceof WorkerError && /no task finished in 0.5 s/.test(error.message),
    );
    assert.throws(job, WorkerError, "and ever after");
  });

  it("a worker that dies between two jobs is a WorkerError", async () => {
    const spawn: typeof spawnWorker = (_, data, onDeath) =>
      spawnWorker(
        `(memory) => { Atomics.add(new Int32Array(memory.buffer), ${WORD.ready}, 1); }`,
        data,
        onDeath,
      );
    const machine = await newMachine({ threads: 2, spawn });
    await new Promise((resolve) => setTimeout(resolve, 300));
    const counts = machine.heap.alloc(64);
    assert.throws(
      () => { machine.parallel(counting(machine), 4, [counts, 1, 0, 0]); }, // prettier-ignore
      (error) =>
        error instanceof WorkerError && error.message.includes("worker 1 died: it exited with code 0"),
    );
  });

  it("a worker that does not start is a WorkerError of create", async () => {
    const spawn: typeof spawnWorker = (_, data, onDeath) =>
      spawnWorker(`() => { throw new Error("no luck"); }`, data, onDeath);
    await assert.rejects(
      Machine.create({ threads: 2, spawn }),
      (error) => error instanceof WorkerError && error.message.includes("no luck"),
    );
    await assert.rejects(Machine.create({ threads: 2, patience: 0.2, spawn: () => ({ terminate: () => undefined }) }), WorkerError); // prettier-ignore
  });

  it("workers that did start end where another does not", async () => {
    let [started, ended] = [0, 0];
    const spawn: typeof spawnWorker = () => {
      if (started === 2) throw new Error("no more threads");
      started++;
      return { terminate: () => { ended++; } }; // prettier-ignore
    };
    await assert.rejects(
      Machine.create({ threads: 4, spawn }),
      (error) =>
        error instanceof WorkerError && error.message.includes("worker 3 did not start: Error: no more"),
    );
    assert.equal(ended, 2);
  });

  it("after destroy, jobs for all threads are refused", async () => {
    const machine = await newMachine({ threads: 2 });
    machine.destroy();
    assert.throws(() => { machine.parallel(counting(machine), 2, [0, 0, 0, 0]); }, WorkerError); // prettier-ignore
  });
});
