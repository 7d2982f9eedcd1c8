/**
 * How an op comes to be: a shape rule, a forward written with kernels and a backward written with ops become one
 * plain function on tensors. Because backward is written with ops, it is recorded like any other computation, and
 * gradients of gradients need no further rule.
 */
import { BackendError, NotDifferentiableError } from "./errors.ts";
import type { DType, Kernel, Params } from "./kernel.ts";
import { mapRecord } from "./record.ts";
import { scope } from "./scope.ts";
import { formatShape, sameShape, sizeOf } from "./shape.ts";
import type { Shape } from "./shape.ts";
import { isRecording, TapeNode, Variable, withRecording } from "./tape.ts";
import { Storage, Tensor } from "./tensor.ts";

/** Shape and element type of an output. */
export interface TensorSpec {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** An f32 output of this shape. */
export const f32 = (shape: Shape): TensorSpec => ({ shape, dtype: "f32" });

/** An i32 output of this shape. */
export const i32 = (shape: Shape): TensorSpec => ({ shape, dtype: "i32" });

/** Tensors by name. */
export type Tensors = Readonly<Record<string, Tensor>>;

/** An op with several outputs, as given to {@link defineMultiOp}. */
export interface MultiOpDefinition<
  In extends Tensors,
  Options,
  Plan,
  Out extends Tensors,
  Saved extends Tensors,
> {
  readonly name: string;
  /** The shape rule: refuses bad inputs and options with a typed error, and returns what forward and backward need. */
  readonly infer: (inputs: In, options: Options) => Plan;
  /**
   * Computes the outputs with kernels ({@link run}), and names the tensors that backward will need. Outputs are new
   * tensors, never inputs: the caller disposes the two apart from each other.
   */
  readonly forward: (inputs: In, plan: Plan) => { outputs: Out; saved: Saved };
  /**
   * Given the saved tensors and the gradient of each output (null where nothing depends on it): for each input a
   * function that computes its gradient, called only if someone wants it, or null where the op has no derivative
   * with respect to it by nature (labels, conditions). Without `backward` the op has no derivative at all: asking for
   * one throws NotDifferentiableError.
   */
  readonly backward?: (
    saved: { readonly [K in keyof Saved]: Tensor },
    gradients: { readonly [K in keyof Out]: Tensor | null },
    plan: Plan,
  ) => { readonly [K in keyof In]: (() => Tensor) | null };
}

/** An op with one output, as given to {@link defineOp}. Fields as in {@link MultiOpDefinition}. */
export interface OpDefinition<In extends Tensors, Options, Plan, Saved extends Tensors> {
  readonly name: string;
  readonly infer: (inputs: In, options: Options) => Plan;
  readonly forward: (inputs: In, plan: Plan) => { output: Tensor; saved: Saved };
  readonly backward?: (
    saved: { readonly [K in keyof Saved]: Tensor },
    gradient: Tensor,
    plan: Plan,
  ) => { readonly [K in keyof In]: (() => Tensor) | null };
}

/** Runs a kernel on tensors; returns its outputs, one for each spec. Not recorded: ops are made of it. */
export function run<P extends string>(
  kernel: Kernel<P>,
  params: Params<P>,
  inputs: readonly Tensor[],
  specs: readonly TensorSpec[],
): Tensor[] {
  const backend = commonBackend(kernel.name, inputs);
  const outputs = specs.map(
    ({ shape, dtype }) => new Tensor(new Storage(backend, sizeOf(shape), dtype), shape),
  );
  runInPlace(kernel, params, inputs, outputs);
  return outputs;
}

/** {@link run} for a kernel with one output. */
export function runOne<P extends string>(
  kernel: Kernel<P>,
  params: Params<P>,
  inputs: readonly Tensor[],
  spec: TensorSpec,
): Tensor {
  const [output] = run(kernel, params, inputs, [spec]);
  if (!output) throw new RangeError(`${kernel.name}: no output`);
  return output;
}

/** Runs a kernel that writes into existing tensors: optimiser updates, running statistics. Not recorded. */
export function runInPlace<P extends string>(
  kernel: Kernel<P>,
  params: Params<P>,
  inputs: readonly Tensor[],
  outputs: readonly Tensor[],
): void {
  const buffers = (tensors: readonly Tensor[]) => tensors.map((tensor) => tensor.buffer);
  commonBackend(kernel.name, [...inputs, ...outputs]).run(kernel, params, buffers(inputs), buffers(outputs));
}

/** Makes an op with one output: a plain function on tensors by name, recorded on the tape. */
export function defineOp<In extends Tensors, Options, Plan, Saved extends Tensors>(
  definition: OpDefinition<In, Options, Plan, Saved>,
): (inputs: In, options: Options) => Tensor {
  const { name, infer, forward, backward } = definition;
  const op = defineMultiOp<In, Options, Plan, { output: Tensor }, Saved>({
    name,
    infer,
    forward: (inputs, plan) => {
      const { output, saved } = forward(inputs, plan);
      return { outputs: { output }, saved };
    },
    ...(backward && {
      backward: (saved, gradients, plan) => {
        if (!gradients.output) throw new RangeError(`${name}: backward without a gradient`);
        return backward(saved, gradients.output, plan);
      },
    }),
  });
  return (inputs, options) => op(inputs, options).output;
}

/** Makes an op with several outputs: a plain function from tensors by name to tensors by name. */
export function defineMultiOp<In extends Tensors, Options, Plan, Out extends Tensors, Saved extends Tensors>(
  definition: MultiOpDefinition<In, Options, Plan, Out, Saved>,
): (inputs: In, options: Options) => { readonly [K in keyof Out]: Tensor } {
  const { name, infer, forward, backward } = definition;
  const compute = (inputs: In, plan: Plan) => withRecording(false, () => forward(inputs, plan));
  return (inputs, options) => {
    const tensors = Object.values(inputs);
    commonBackend(name, tensors);
    const plan = infer(inputs, options);
    if (!isRecording() || !tensors.some((tensor) => tensor.requiresGrad))
      return scope(() => compute(inputs, plan).outputs);

    const { outputs, saved } = scope(() => compute(inputs, plan));
    const [inputNames, outputNames] = [Object.keys(inputs), Object.keys(outputs)];
    const records = backward
      ? mapRecord(saved, (tensor) => new SavedTensor(tensor, Object.values(outputs).indexOf(tensor)))
      : undefined;
    // What only backward needs now lives in the records alone.
    const visible = new Set([...tensors, ...Object.values(outputs)]);
    for (const tensor of Object.values(saved)) if (!visible.has(tensor)) tensor.dispose();

    const shapes = mapRecord(inputs, (tensor) => tensor.shape);
    const node: TapeNode = new TapeNode({
      name,
      inputs: tensors.map((tensor) => tensor.variable),
      outputs: Object.values(outputs).map(({ shape }) => shape),
      pull: (gradients, wanted, createGraph) => {
        if (!backward || !records) {
          throw new NotDifferentiableError(
            `${name}: expected an op with a derivative, got one that has none`,
          );
        }
        return withRecording(createGraph, () =>
          scope(() => {
            const restored = mapRecord(records, (record) => record.restore(node));
            const incoming = mapRecord(outputs, (_, key) => gradients[outputNames.indexOf(key)] ?? null);
            const thunks = backward(restored, incoming, plan);
            const results = mapRecord(inputs, (_, key) => {
              const gradient = wanted[inputNames.indexOf(key)] ? (thunks[key]?.() ?? null) : null;
              if (gradient) checkGradient(name, key, gradient, shapes[key]);
              return gradient;
            });
            return separate(Object.values(results), gradients);
          }),
        );
      },
      release: () => {
        for (const record of Object.values(records ?? {})) record.release();
      },
    });
    return mapRecord(outputs, (tensor, key) => {
      const recorded = tensor.alias(node.outputs[outputNames.indexOf(key)] ?? null);
      tensor.dispose();
      return recorded;
    });
  };
}

/** A tensor held by the tape: its elements stay alive whatever becomes of the user's handle. */
class SavedTensor {
  readonly #storage: Storage;
  readonly #shape: Shape;
  readonly #variable: Variable | null;
  /** Position among the op's own outputs, or -1. */
  readonly #outputIndex: number;

  constructor(tensor: Tensor, outputIndex: number) {
    this.#storage = tensor.storage;
    this.#shape = tensor.shape;
    this.#variable = tensor.variable;
    this.#outputIndex = outputIndex;
    this.#storage.retain();
  }

  /** A handle on the elements; on the tape again, so that backward itself can be differentiated. */
  restore(node: TapeNode): Tensor {
    const variable = node.outputs[this.#outputIndex] ?? this.#variable;
    return new Tensor(this.#storage, this.#shape, isRecording() ? variable : null);
  }

  release(): void {
    this.#storage.release();
  }
}

/** Every gradient as a handle of its own: a rule may return its incoming gradient, or one tensor for two inputs. */
function separate(
  results: readonly (Tensor | null)[],
  incoming: readonly (Tensor | null)[],
): (Tensor | null)[] {
  const seen = new Set(incoming);
  return results.map((tensor) => {
    if (!tensor) return null;
    if (seen.has(tensor)) return tensor.alias();
    seen.add(tensor);
    return tensor;
  });
}

function checkGradient(op: string, input: string, gradient: Tensor, shape: Shape): void {
  if (sameShape(gradient.shape, shape)) return;
  throw new Error(
    `${op}: the rule for ${input} gave a gradient of shape ${formatShape(gradient.shape)}, expected ${formatShape(shape)}`,
  );
}

/** The backend of all tensors. Throws DisposedError if one is gone, BackendError if there is none or they differ. */
export function commonBackend(who: string, tensors: readonly Tensor[]): Tensor["backend"] {
  const backend = tensors[0]?.backend;
  if (!backend) throw new BackendError(`${who}: expected at least one tensor, got none`);
  for (const tensor of tensors) {
    tensor.checkAlive(who);
    if (tensor.backend !== backend) {
      throw new BackendError(
        `${who}: expected tensors of one backend, got ${backend.name} and ${tensor.backend.name}; ` +
          `read the elements with data() and make a new tensor`,
      );
    }
  }
  return backend;
}
