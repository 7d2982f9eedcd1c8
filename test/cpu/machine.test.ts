import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, describe, it } from "node:test";
import { promisify } from "node:util";
import { Machine } from "../../engine/backends/cpu/machine.ts";
import type { MachineOptions } from "../../engine/backends/cpu/machine.ts";
import { OutOfMemoryError, ValueError } from "../../engine/errors.ts";

const machines: Machine[] = [];
async function newMachine(options: MachineOptions): Promise<Machine> {
  const machine = await Machine.create(options);
  machines.push(machine);
  return machine;
}
after(() => {
  for (const machine of machines) machine.destroy();
});

/** A program that does nothing. */
const nothing = (machine: Machine) =>
  machine.program("nothing", (module) => {
    module.task(() => undefined);
  });

/** Takes all of the heap, in blocks from 1 GiB down to 64 KiB. */
function fill({ heap }: Machine): number[] {
  const blocks: number[] = [];
  for (let bytes = 2 ** 30; bytes >= 2 ** 16;) {
    try {
      blocks.push(heap.alloc(bytes));
    } catch {
      bytes /= 4;
    }
  }
  return blocks;
}

/** Runs a script in a process of its own and returns what it prints. Rejects unless it ends by itself, in silence. */
async function run(script: string): Promise<string> {
  const from = (file: string) =>
    JSON.stringify(new URL(`../../engine/backends/cpu/${file}`, import.meta.url).href);
  const imports = `
    const { Machine } = await import(${from("machine.ts")});
    const { i32 } = await import(${from("assembler.ts")});
  `;
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ["--import", "tsx", "--input-type=module", "--eval", imports + script],
    { timeout: 30_000 },
  );
  assert.equal(stderr, "");
  return stdout;
}

describe("machine", () => {
  it("compiles a program once and refuses one without a task", async () => {
    const machine = await newMachine({ threads: 1 });
    assert.equal(nothing(machine), nothing(machine));
    assert.throws(() => machine.program("empty", () => undefined), ValueError);
    assert.equal(machine.heap.stats().liveBytes, 0, "programs do not count");
  });

  it("without room for a program leaves the next ones alone", async () => {
    const machine = await newMachine({ threads: 1 });
    const blocks = fill(machine);
    const control = machine.i32.slice(0, 64);
    assert.throws(() => nothing(machine), OutOfMemoryError);
    for (const block of blocks) machine.heap.free(block);
    assert.notEqual(nothing(machine).code, 0);
    assert.deepEqual(machine.i32.slice(0, 64), control, "no program was written over the control words");
  });

  it("describes itself and checks its options", async () => {
    const machine = await newMachine({ threads: 2, relaxedSimd: false });
    assert.equal(machine.describe(), "WebAssembly SIMD, no FMA, 2 threads");
    assert.equal(machine.relaxedSimd, false);
    const { relaxedSimd } = await newMachine({ threads: 1 });
    assert.equal(relaxedSimd, true, "Node has had relaxed SIMD since version 20, behind a flag");
    for (const threads of [0, 1.5, -1, Number.NaN])
      await assert.rejects(Machine.create({ threads }), ValueError);
  });

  it("keeps no process alive", async () => {
    const printed = await run(`
      const machine = await Machine.create({ threads: 3 });
      const program = machine.program("nothing", (module) => module.task(() => {}));
      machine.parallel(program, 100, []);
      console.log("done");
    `);
    assert.equal(printed, "done\n");
  });

  it("has one thread and its own memory where there is no SharedArrayBuffer", async () => {
    const printed = await run(`
      delete globalThis.SharedArrayBuffer;
      const machine = await Machine.create({ threads: 3 });
      const program = machine.program("double", (module) => {
        module.task((f, args, index) => {
          const at = f.let(i32.add(i32.load(args), i32.shl(index, 2)));
          f.store(at, i32.shl(i32.load(at), 1));
        });
      });
      const small = machine.heap.alloc(12);
      machine.i32.set([1, 2, 3], small / 4);
      const large = machine.heap.alloc(2 ** 26); // more than there was: the memory grows, old views die
      machine.i32.set([4, 5, 6], large / 4);
      machine.parallel(program, 3, [small]);
      machine.parallel(program, 3, [large]);
      console.log(machine.threads, [small, large].map((at) => machine.i32.subarray(at / 4, at / 4 + 3).join()).join(";"));
      console.log(machine.describe());
    `);
    assert.match(printed, /^1 2,4,6;8,10,12\n.*, 1 thread \(no SharedArrayBuffer/);
  });

  it("lets idle workers sleep", async () => {
    const machine = await newMachine({ threads: 3 });
    machine.parallel(nothing(machine), 10, [machine.heap.alloc(64), 1, 0, 0]);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const { user, system } = process.cpuUsage();
    await new Promise((resolve) => setTimeout(resolve, 500));
    const after = process.cpuUsage();
    assert(
      (after.user + after.system - user - system) / 1000 < 100,
      "less than 100 ms of processor time in 500 ms",
    );
  });
});
