import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import fc from "fast-check";
import { mayHaveGpu } from "#platform";
import { init } from "../../engine/backend.ts";
import type { DeviceBuffer } from "../../engine/backend.ts";
import { WebGpuBackend } from "../../engine/backends/webgpu/backend.ts";
import { shader } from "../../engine/backends/webgpu/shader.ts";
import { BackendError, DeviceLostError } from "../../engine/errors.ts";
import type { Kernel } from "../../engine/kernel.ts";
import { open, skip } from "./adapter.ts";
import { affine } from "./kernels.ts";

const ramp = (length: number) => Float32Array.from({ length }, (_, i) => i);

describe("WebGPU backend", { skip }, () => {
  let backend: WebGpuBackend;
  before(async () => {
    backend = await open();
  });
  after(() => backend.destroy());

  it("tells adapter and driver, and software as such", () => {
    const text = backend.describe();
    assert.match(text, /^webgpu: ./);
    if (/llvmpipe|swiftshader/i.test(text)) assert.match(text, /software adapter/);
  });

  for (const immediates of [true, false]) {
    it(`passes parameters as ${immediates ? "immediates, where there are" : "uniforms"}`, async () => {
      const own = await open({ immediates });
      if (!immediates) assert.match(own.describe(), /uniforms/);
      const x = own.alloc(5, "f32");
      own.write(x, ramp(5));
      // More dispatches than a batch has slots, each with parameters of its own.
      const ys = Array.from({ length: 150 }, (_, i) => {
        const y = own.alloc(5, "f32");
        own.run(affine, { factor: i, add: 0.5 }, [x], [y]);
        return y;
      });
      for (const [i, y] of ys.entries()) assert.deepEqual([...(await own.read(y))], [...ramp(5).map((v) => i * v + 0.5)]); // prettier-ignore
      await own.destroy();
    });
  }

  it("reads integers, and tensors without elements", async () => {
    const integers = backend.alloc(3, "i32");
    backend.write(integers, [-(2 ** 31), 0, 2 ** 31 - 1]);
    assert.deepEqual(await backend.read(integers), Int32Array.of(-(2 ** 31), 0, 2 ** 31 - 1));
    const none = backend.alloc(0, "f32");
    backend.write(none, []);
    backend.run(affine, { factor: 1, add: 1 }, [none], [none]);
    assert.deepEqual(await backend.read(none), new Float32Array());
    for (const buffer of [integers, none]) backend.free(buffer);
  });

  it("refuses a kernel without a body for WebGPU, by name", () => {
    const kernel: Kernel<"factor" | "add"> = { ...affine, name: "bodiless", wgsl: undefined } as never;
    const x = backend.alloc(1, "f32");
    assert.throws(() => { backend.run(kernel, { factor: 1, add: 1 }, [x], [x]); }, (error) => error instanceof BackendError && error.message.includes('bodiless')); // prettier-ignore
    backend.free(x);
  });

  it("refuses a shader that writes to what it reads, by name", () => {
    const x = backend.alloc(1, "f32");
    backend.write(x, [1]);
    assert.throws(() => { backend.run(affine, { factor: 1, add: 1 }, [x], [x]); }, /affine: expected .* buffers/); // prettier-ignore
    backend.free(x);
  });

  it("keeps data whole whatever the order of uploads, kernels, frees and reads", async () => {
    // Each live buffer holds one number in all of its elements; the model is that number.
    const action = fc.record({
      kind: fc.constantFrom(
        "upload",
        "upload",
        "kernel",
        "kernel",
        "kernel",
        "free",
        "free",
        "overwrite",
        "read",
      ),
      at: fc.nat(1000),
      large: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 10, maxLength: 200 }), async (actions) => {
        const live: { buffer: DeviceBuffer; value: number }[] = [];
        const reads: Promise<void>[] = [];
        const check = async ({ buffer, value }: (typeof live)[0]) => {
          const data = await backend.read(buffer);
          assert(data.every((element) => element === value), `expected ${value}, got ${data[0]} ... ${data.at(-1)}`); // prettier-ignore
        };
        for (const [step, { kind, at, large }] of actions.entries()) {
          const chosen = live[at % Math.max(1, live.length)];
          const length = chosen && kind === "kernel" ? chosen.buffer.length : large ? 5000 : 70;
          if (kind === "upload") {
            const buffer = backend.alloc(length, "f32");
            backend.write(buffer, new Float32Array(length).fill(step));
            live.push({ buffer, value: step });
          } else if (chosen && kind === "kernel") {
            const buffer = backend.alloc(length, "f32");
            backend.run(affine, { factor: 1, add: 1 }, [chosen.buffer], [buffer]);
            live.push({ buffer, value: chosen.value + 1 });
          } else if (chosen && kind === "overwrite") {
            backend.write(chosen.buffer, new Float32Array(chosen.buffer.length).fill(-step));
            chosen.value = -step;
          } else if (chosen && kind === "read") {
            reads.push(check({ ...chosen }));
          } else if (chosen) {
            live.splice(live.indexOf(chosen), 1);
            backend.free(chosen.buffer);
          }
        }
        await Promise.all([...reads, ...live.map(check)]);
        for (const { buffer } of live) backend.free(buffer);
      }),
      { numRuns: 40 },
    );
  });

  it("finds every buffer and bind group in its caches from the third step on", async () => {
    const step = async () => {
      const x = backend.alloc(1000, "f32");
      backend.write(x, ramp(1000));
      // More than a batch: the step meets submissions in other places than the one before.
      const chain = [x];
      for (let i = 0; i < 100; i++) {
        const y = backend.alloc(1000 + (i % 3), "f32");
        backend.run(affine, { factor: 0.5, add: i }, [chain.at(-1)!], [y]);
        chain.push(y);
        if (chain.length > 4) backend.free(chain.shift()!);
      }
      await backend.pace();
      for (const buffer of chain) backend.free(buffer);
    };
    await step();
    await step();
    const misses = () => Object.values(backend.stats().caches ?? {}).map((cache) => cache.misses);
    const before = misses();
    for (let i = 0; i < 5; i++) await step();
    assert.deepEqual(misses(), before);
  });

  it("times kernels", async () => {
    const [x, y] = [backend.alloc(1e5, "f32"), backend.alloc(1e5, "f32")];
    backend.write(x, ramp(1e5));
    backend.startProfile();
    for (let i = 0; i < 100; i++) backend.run(affine, { factor: 2, add: 0 }, [x], [y]);
    const calls = await backend.endProfile();
    assert.deepEqual(calls.map(({ name, bytes }) => ({ name, bytes })), Array(100).fill({ name: "affine", bytes: 8e5 })); // prettier-ignore
    assert.ok(
      calls.some(({ milliseconds }) => milliseconds > 0),
      "time passes",
    );
    assert.equal((await backend.read(y))[3], 6);
    for (const buffer of [x, y]) backend.free(buffer);
  });

  it("throws a shader's error at the next await, with its name and text", async () => {
    const own = await open();
    const broken: Kernel<"factor" | "add"> = {
      ...affine,
      name: "broken",
      wgsl: (gpu, _params, [x], [y]) => {
        gpu.forEach(shader("broken", "@group(0) @binding(0) var<storage, read> x: array<f32>;\n@group(0) @binding(1) var<storage, read_write> y: array<f32>;\nfn main() { nonsense; }"), [x!, y!], {}, 1); // prettier-ignore
      },
    };
    const [x, y] = [own.alloc(1, "f32"), own.alloc(1, "f32")];
    own.write(x, [1]);
    own.run(broken, { factor: 1, add: 1 }, [x], [y]);
    await assert.rejects(own.read(y), (error) => error instanceof BackendError && /broken: .*\n.*nonsense/s.test(error.message)); // prettier-ignore
    await assert.rejects(own.sync(), BackendError);
    await own.destroy();
  });

  it("rejects everyone who waits when the device is destroyed in the middle of a step", async () => {
    const own = await open();
    const [x, y] = [own.alloc(1e6, "f32"), own.alloc(1e6, "f32")];
    own.write(x, ramp(1e6));
    for (let i = 0; i < 50; i++) own.run(affine, { factor: 2, add: 1 }, [x], [y]);
    const waiting = [own.read(y), own.read(x), own.sync(), own.pace()].map(
      (promise) =>
      promise.then(() => undefined, (error: unknown) => error), // prettier-ignore
    );
    for (let i = 0; i < 50; i++) own.run(affine, { factor: 2, add: 1 }, [x], [y]);
    await own.destroy();
    const [first, second] = await Promise.all(waiting);
    for (const error of [first, second]) assert(error instanceof DeviceLostError, String(error));
    await assert.rejects(own.read(y), DeviceLostError);
    assert.throws(() => { own.run(affine, { factor: 2, add: 1 }, [x], [y]); }, DeviceLostError); // prettier-ignore
  });

  it("lets the process end by itself, with garbage collected between steps", async () => {
    const program = `
      const { init } = await import("./engine/backend.ts");
      const { backward, matmul, mean, scope, square, sub, tensor } = await import("./index.ts");
      const backend = await init({ backend: "webgpu" });
      const w = tensor([[3], [-1]], undefined, { requiresGrad: true });
      for (let i = 0; i < 20; i++) {
        scope(() => backward(mean(square(sub(matmul(tensor([[1, 2]]), w), i)))));
        globalThis.gc();
        await new Promise((resolve) => setTimeout(resolve, 1));
        console.log((await w.grad.data()).join());
        w.zeroGrad();
      }
      if (process.argv.includes("--destroy")) await backend.destroy();
    `;
    for (const args of [["--destroy"], []]) {
      const node = [
        "--expose-gc",
        "--import",
        "tsx",
        "--input-type=module",
        "--eval",
        program,
        "--",
        ...args,
      ];
      const { stdout } = await promisify(execFile)(process.execPath, node, { timeout: 60_000 });
      // 2 (w x - i) x, and w x = 1
      assert.equal(stdout, Array.from({ length: 20 }, (_, i) => `${2 * (1 - i)},${4 * (1 - i)}\n`).join(""));
    }
  });
});

describe("the backend that is chosen automatically", () => {
  it("is a WebGPU adapter that is hardware, or the cpu where there is none", async () => {
    const hardware = await WebGpuBackend.createOnHardware();
    await hardware?.destroy();
    const chosen = await init({ backend: "auto", threads: 1 });
    assert.equal(chosen.name, hardware ? "webgpu" : "cpu");
    await chosen.destroy();
  });

  it(
    "is found without a word, where there is no GPU",
    { skip: mayHaveGpu() && "there may be a GPU" },
    async () => {
      const program = `await (await (await import("./engine/backend.ts")).init()).destroy(); console.log("done");`;
      const node = ["--import", "tsx", "--input-type=module", "--eval", program];
      const { stdout, stderr } = await promisify(execFile)(process.execPath, node, { timeout: 60_000 });
      assert.deepEqual({ stdout, stderr }, { stdout: "done\n", stderr: "" });
    },
  );
});
