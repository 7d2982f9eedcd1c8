import { setBackend } from "../engine/backend.ts";
import { ShapeBackend } from "../engine/backends/shapes/backend.ts";
import type { ShapeBuffer } from "../engine/backends/shapes/backend.ts";
import { BackendError } from "../engine/errors.ts";
import { scope } from "../engine/scope.ts";
import { checkShape, sizeOf } from "../engine/shape.ts";
import type { Shape } from "../engine/shape.ts";
import { withRecording } from "../engine/tape.ts";
import { Storage, Tensor } from "../engine/tensor.ts";
import type { Module } from "./module.ts";

/** What a forward pass costs. */
export interface Cost {
  /** Elements of the parameters. */
  readonly parameters: number;
  /**
   * Floating-point operations of convolutions and matrix products, a multiplication and an addition for each product:
   * twice the multiply-adds that papers and torchvision count. Everything else is not counted.
   */
  readonly flops: number;
  /** Bytes that the forward pass leaves for the backward pass: results that gradients need, and the output. */
  readonly activationBytes: number;
}

/** A module's own cost, without that of its children: rows add up to the whole. */
export interface SummaryRow extends Cost {
  /** Path through the model, "" for the model itself. */
  readonly name: string;
  /** Name of its class. */
  readonly kind: string;
  /** Shape of its last output; null where the forward pass does not call the module's `forward`. */
  readonly outputShape: Shape | null;
}

/** What {@link summary} tells of a model. */
export interface Summary extends Cost {
  readonly inputShape: Shape;
  /** One for each module, parents first. */
  readonly rows: readonly SummaryRow[];
}

/** What is noted of a module while the forward pass runs. */
interface Tally {
  readonly name: string;
  readonly module: Module;
  outputShape: Shape | null;
  flops: number;
  readonly buffers: ShapeBuffer[];
}

/**
 * Shapes, parameters, floating-point operations and memory of the forward pass of a training step, module by module.
 * Nothing is drawn, computed or stored: `build` makes the model on a backend that has shapes only, so that even a
 * ResNet-152 takes a fraction of a second.
 *
 * ```ts
 * const { flops } = summary(() => resnet50({ random: new Random(0), numClasses: 1000 }), [1, 224, 224, 3]);
 * ```
 * Throws what the forward pass throws for an input of this shape, and BackendError if `build` returns a model that was
 * made before.
 */
export function summary(build: () => Module, inputShape: Shape): Summary {
  checkShape("summary", inputShape);
  let current: Tally | undefined;
  const backend = new ShapeBackend({
    onAlloc: (buffer) => current?.buffers.push(buffer),
    onRun: (kernel, params) => {
      if (current) current.flops += kernel.operations?.(params) ?? 0;
    },
  });
  const before = setBackend(backend);
  try {
    const model = build();
    checkFresh(model, backend);
    const tallies = [...model.namedModules()].map(([name, module]): Tally => {
      return { name, module, outputShape: null, flops: 0, buffers: [] };
    });
    for (const tally of tallies) {
      // The model is ours alone: an own property hides its class's method, and notes for whom kernels run.
      const forward = tally.module.forward.bind(tally.module);
      tally.module.forward = (...inputs) => {
        const caller = current;
        current = tally;
        const y = forward(...inputs);
        current = caller;
        tally.outputShape = y.shape;
        return y;
      };
    }
    const x = new Tensor(new Storage(backend, sizeOf(inputShape), "f32"), inputShape);
    const output = withRecording(true, () => scope(() => model.forward(x)));
    // The scope is closed: of all that the pass made, only the output and what the tape saved are still alive.
    const parameters = ownParameters(model);
    const rows = tallies.map(({ name, module, outputShape, flops, buffers }) => ({
      ...{ name, kind: module.constructor.name, outputShape, flops },
      parameters: parameters.get(module) ?? 0,
      activationBytes: total(buffers.map(({ alive, bytes }) => (alive ? bytes : 0))),
    }));
    output.dispose();
    return {
      inputShape,
      rows,
      parameters: total(rows.map((row) => row.parameters)),
      flops: total(rows.map((row) => row.flops)),
      activationBytes: total(rows.map((row) => row.activationBytes)),
    };
  } finally {
    setBackend(before);
  }
}

/** Number of parameter elements in the fields of each module; shared ones are counted once. */
function ownParameters(model: Module): Map<Module, number> {
  const owners = new Map<Tensor, Module>();
  // Children come after their parents: the last to list a parameter is the one that holds it.
  for (const module of model.namedModules().values()) {
    for (const parameter of module.parameters()) owners.set(parameter, module);
  }
  const counts = new Map<Module, number>();
  for (const [{ size }, module] of owners) counts.set(module, (counts.get(module) ?? 0) + size);
  return counts;
}

function checkFresh(model: Module, backend: ShapeBackend): void {
  const old = [...model.namedParameters()].find(([, parameter]) => parameter.backend !== backend);
  if (!old) return;
  throw new BackendError(
    `summary: expected a function that makes its model, got one whose model has ${old[0]} on ${old[1].backend.name}; ` +
      `make the model inside of the function`,
  );
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
