/**
 * The backward pass on the CPU. Each strip of similarities becomes a strip of pulls in its place, and as an operand of
 * the micro-kernel adds pulls times rows of y to the gradients of its four rows.
 *
 * Cost: 4 R M D operations, half of them for the similarities once more, and an exponential for each half of a pair.
 */
import { f32, f32x4, i32, v128 } from "../../engine/backends/cpu/assembler.ts";
import type { FunctionBuilder, Local, ModuleBuilder, Value } from "../../engine/backends/cpu/assembler.ts";
import { expLanes } from "../../engine/backends/cpu/expression/math.ts";
import { pack } from "../../engine/backends/cpu/gemm/pack.ts";
import { Words } from "../../engine/backends/cpu/task.ts";
import { B_STEP_BYTES, TILE_COLUMNS, tileFunction } from "../../engine/backends/cpu/gemm/tile.ts";
import type { Machine } from "../../engine/backends/cpu/machine.ts";
import type { Params, Pointer } from "../../engine/kernel.ts";
import type { GradientParam } from "./pairs.ts";
import type { Lanes } from "./strip.cpu.ts";
import { forLanes, forRows, STRIP_ROW_BYTES, stripLoop, stripWords, withStrips } from "./strip.cpu.ts";

/** Vectors over the anchors: see `contrastiveGradientKernel`. */
const weightNames = ["nu", "pi", "a", "b", "m"] as const;
type WeightName = (typeof weightNames)[number];

const words = new Words([...stripWords, ...weightNames, ...(["packedY", "dx"] as const)]);

/** A strip as the left operand: rows of pulls, as they are. */
const STRIP_A = { rowBytes: STRIP_ROW_BYTES, stepBytes: 4 };

interface Form {
  readonly name: string;
  /** The weights that it looks at. */
  readonly uses: readonly WeightName[];
  /** The pull of four pairs, from the vectors of their weights. */
  readonly pull: (
    f: FunctionBuilder,
    weight: (name: WeightName) => Local<"v128">,
    s: Local<"v128">,
    isPositive: Local<"v128">,
  ) => Value<"v128">;
}

/** By the kernel's parameter `form`. */
const forms: readonly Form[] = [
  {
    name: "all",
    uses: ["nu", "a", "m"],
    pull: (f, weight, s, isPositive) => {
      const x = expLanes(f, f32x4.sub(s, weight("nu")));
      return f.madd(x, weight("a"), v128.and(weight("m"), isPositive));
    },
  },
  {
    name: "exponential",
    uses: ["nu", "pi", "a", "b", "m"],
    pull: (f, weight, s, isPositive) => {
      const x = expLanes(f, f32x4.sub(s, v128.bitselect(weight("pi"), weight("nu"), isPositive)));
      const factor = f.let(v128.bitselect(weight("b"), weight("a"), isPositive));
      return f.madd(x, factor, v128.and(weight("m"), isPositive));
    },
  },
  {
    name: "softplus",
    uses: ["pi", "m"],
    pull: (f, weight, s, isPositive) => {
      const x = expLanes(f, f32x4.sub(s, weight("pi")));
      return v128.and(f32x4.div(weight("m"), f32x4.add(x, f32x4.const(1))), isPositive);
    },
  },
];

/** dx from the inputs of a contrastive kernel and the vectors. */
export function gradientOnCpu(
  machine: Machine,
  params: Params<GradientParam>,
  inputs: readonly Pointer[],
  [dx = 0]: readonly Pointer[],
): void {
  const [, y = 0, , , nu = 0, pi = 0, a = 0, b = 0, m = 0] = inputs;
  const { columns, features, own, theirs } = params;
  const form = forms[params.form];
  if (!form) throw new RangeError(`contrastiveGradient: no form ${params.form}`);
  withStrips(machine, params, inputs, (strips) => {
    const panelBytes = columns * B_STEP_BYTES;
    const packedY = machine.heap.alloc(Math.ceil(features / TILE_COLUMNS) * panelBytes);
    try {
      pack(
        machine,
        { from: y, lineBytes: 4 * features, interleave: false, places: features, steps: columns },
        { to: packedY, panelBytes, width: TILE_COLUMNS },
      );
      const program = machine.program(`contrastiveGradient ${form.name} ${own} ${theirs}`, (module) => {
        gradientTask(module, form, own === 1, theirs === 1);
      });
      const pointers = { packedY, nu, pi, a, b, m, dx };
      machine.parallel(program, strips.tasks, words.list(Object.assign(pointers, strips)));
    } finally {
      machine.heap.free(packedY);
    }
  });
}

function gradientTask(module: ModuleBuilder, form: Form, own: boolean, theirs: boolean): void {
  const loop = stripLoop(module);
  const tile = tileFunction(module, STRIP_A);
  const weigh = module.func(
    { params: ["i32", "i32", "i32", "i32", "i32"] },
    (f, args, row, first, last, from) => {
      weighRow(f, words.reader(args), { row, first, last, from }, form, own, theirs);
    },
  );
  const nothing = (): void => undefined;
  module.task((f, args, index) => {
    const word = words.reader(args);
    loop(f, word, index, {
      startPanel: nothing,
      strip: ({ firstRow, presentRows, firstColumn, lastColumn, strip }) => {
        forRows(f, presentRows, strip, (i, from) => {
          f.call(weigh, args, i32.add(firstRow, i), firstColumn, lastColumn, from);
        });
        const features = f.let(word("features"));
        const columns = f.let(i32.sub(lastColumn, firstColumn));
        const rowBytes = f.let(i32.shl(features, 2));
        const b = f.let(i32.add(word("packedY"), i32.mul(firstColumn, B_STEP_BYTES)));
        const c = f.let(i32.add(word("dx"), i32.mul(firstRow, rowBytes)));
        f.forRange(0, features, TILE_COLUMNS, (feature) => {
          const present = i32.sub(features, feature);
          f.call(tile, strip, 1, 0, columns, b, c, rowBytes, presentRows, present, firstColumn);
          f.increment(b, i32.mul(word("columns"), B_STEP_BYTES));
          f.increment(c, 4 * TILE_COLUMNS);
        });
      },
      endPanel: nothing,
    });
  });
}

/** Replaces one row of a strip by its pulls: the row's own, as an anchor, and theirs, with the row as contrast. */
function weighRow(
  f: FunctionBuilder,
  word: ReturnType<typeof words.reader>,
  at: { row: Local<"i32">; first: Local<"i32">; last: Local<"i32">; from: Local<"i32"> },
  form: Form,
  own: boolean,
  theirs: boolean,
): void {
  const addressOf = (name: WeightName, place: Value<"i32">) => i32.add(word(name), i32.shl(place, 2));
  const inverseTemperature = f.let(f32x4.splat(f32.reinterpretI32(word("inverseTemperature"))));
  const ownWeights = new Map<WeightName, Local<"v128">>();
  const theirWeights = new Map<WeightName, Local<"v128">>();
  const pointers = new Map<WeightName, Local<"i32">>();
  for (const name of form.uses) {
    if (own) ownWeights.set(name, f.let(v128.load32Splat(addressOf(name, at.row))));
    if (theirs) pointers.set(name, f.let(addressOf(name, at.first)));
    if (theirs) theirWeights.set(name, f.local("v128"));
  }
  const pull = (weights: ReadonlyMap<WeightName, Local<"v128">>, { s, isPositive }: Lanes): Value<"v128"> => {
    const weight = (name: WeightName): Local<"v128"> => {
      const vector = weights.get(name);
      if (!vector) throw new RangeError(`contrastiveGradient: ${form.name} does not use ${name}`);
      return vector;
    };
    return f.let(form.pull(f, weight, s, isPositive));
  };
  forLanes(f, word, at, (lanes) => {
    const halves: Value<"v128">[] = [];
    if (own) halves.push(pull(ownWeights, lanes));
    for (const [name, pointer] of pointers) {
      const vector = theirWeights.get(name);
      if (vector) f.set(vector, v128.load(pointer));
      f.increment(pointer, 16);
    }
    if (theirs) halves.push(pull(theirWeights, lanes));
    const total = f32x4.mul(halves.reduce((a, b) => f32x4.add(a, b)), inverseTemperature); // prettier-ignore
    f.store(lanes.at, v128.and(total, lanes.isOther));
  });
}
