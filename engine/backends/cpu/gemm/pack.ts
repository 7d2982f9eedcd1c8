/**
 * Packing: a matrix is copied into panels [k][width], which the micro-kernel reads from the first element to the last.
 * A panel holds `width` neighbouring rows of A (width 4) or columns of B (width 8) for all steps in k; the places
 * that the last panel has too many are zeros.
 *
 * The bound is memory: each element is read once and written once, and takes part in 2 n (of A) or 2 m (of B)
 * operations afterwards.
 */
import { f32x4, i32, v128 } from "../assembler.ts";
import type { Func, FunctionBuilder, Local, ModuleBuilder } from "../assembler.ts";
import type { Machine } from "../machine.ts";
import { minU, Words } from "../task.ts";

const panelParams = ["i32", "i32", "i32", "i32", "i32"] as const;

/** (from, lineBytes, steps, present, to): writes one panel, of which `present` places exist. */
export type PanelFunction = Func<typeof panelParams, undefined>;

/**
 * Adds a function that packs a matrix whose lines are the steps in k: place p of step k is at
 * from + k * lineBytes + 4 p. That is B as it is, or the transpose of A.
 */
export function copyPanel(module: ModuleBuilder, width: number): PanelFunction {
  return module.func({ params: panelParams }, (f, from, lineBytes, steps, present, to) => {
    const stepBytes = 4 * width;
    const line = f.let(from);
    const whole = f.let(i32.eq(present, width));
    f.forRange(to, i32.add(to, i32.mul(steps, stepBytes)), stepBytes, (out) => {
      f.if(
        whole,
        () => {
          for (let at = 0; at < stepBytes; at += 16) f.store(out, v128.load(line, at), at);
        },
        () => {
          for (let at = 0; at < stepBytes; at += 16) f.store(out, f32x4.const(0), at);
          f.forRange(0, i32.shl(present, 2), 4, (place) => {
            f.store(i32.add(out, place), i32.load(i32.add(line, place)));
          });
        },
      );
      f.increment(line, lineBytes);
    });
  });
}

/**
 * Adds a function that packs a matrix whose lines are the places: place p of step k is at
 * from + p * lineBytes + 4 k. That is A as it is, or the transpose of B.
 */
export function interleavePanel(module: ModuleBuilder, width: number): PanelFunction {
  return module.func({ params: panelParams }, (f, from, lineBytes, steps, present, to) => {
    const stepBytes = 4 * width;
    const vectorSteps = f.local("i32");
    f.if(
      i32.eq(present, width),
      () => {
        f.set(vectorSteps, i32.and(steps, ~3));
        for (let place = 0; place < width; place += 4) {
          const line = f.let(i32.add(from, i32.mul(lineBytes, place)));
          transposeLines(f, line, lineBytes, vectorSteps, f.let(i32.add(to, 4 * place)), stepBytes);
        }
      },
      () => {
        f.memoryFill(to, 0, i32.mul(steps, stepBytes));
      },
    );
    // What the blocks of 4 x 4 have left: the last steps, or a whole panel that misses places.
    f.forRange(0, present, 1, (place) => {
      const out = f.let(i32.add(i32.add(to, i32.shl(place, 2)), i32.mul(vectorSteps, stepBytes)));
      const line = f.let(i32.add(from, i32.mul(place, lineBytes)));
      f.forRange(i32.shl(vectorSteps, 2), i32.shl(steps, 2), 4, (at) => {
        f.store(out, i32.load(i32.add(line, at)));
        f.increment(out, stepBytes);
      });
    });
  });
}

/** Four lines of `steps` elements, a multiple of 4, become `steps` groups of four neighbours, `stepBytes` apart. */
function transposeLines(
  f: FunctionBuilder,
  line: Local<"i32">,
  lineBytes: Local<"i32">,
  steps: Local<"i32">,
  out: Local<"i32">,
  stepBytes: number,
): void {
  const lines = [line];
  for (let i = 1; i < 4; i++) lines.push(f.let(i32.add(lines[i - 1] ?? line, lineBytes)));
  f.forRange(0, i32.shl(steps, 2), 16, (at) => {
    const [a, b, c, d] = lines.map((each) => f.let(v128.load(i32.add(each, at))));
    if (!a || !b || !c || !d) return;
    const ab = f.let(v128.shuffle(a, b, [0, 4, 1, 5])); // a0 b0 a1 b1
    const cd = f.let(v128.shuffle(c, d, [0, 4, 1, 5]));
    f.store(out, v128.shuffle(ab, cd, [0, 1, 4, 5]));
    f.store(out, v128.shuffle(ab, cd, [2, 3, 6, 7]), stepBytes);
    f.set(ab, v128.shuffle(a, b, [2, 6, 3, 7])); // a2 b2 a3 b3
    f.set(cd, v128.shuffle(c, d, [2, 6, 3, 7]));
    f.store(out, v128.shuffle(ab, cd, [0, 1, 4, 5]), 2 * stepBytes);
    f.store(out, v128.shuffle(ab, cd, [2, 3, 6, 7]), 3 * stepBytes);
    f.increment(out, 4 * stepBytes);
  });
}

/** A matrix to be packed. */
export interface Matrix {
  readonly from: number;
  readonly lineBytes: number;
  /** Whether a line holds the steps of one place (`interleavePanel`), not the places of one step (`copyPanel`). */
  readonly interleave: boolean;
  /** Rows of A, or columns of B. */
  readonly places: number;
  readonly steps: number;
}

/** Where the panels go. */
export interface Panels {
  readonly to: number;
  /** From one panel to the next. */
  readonly panelBytes: number;
  /** Places of a panel: 4 for A, 8 for B. */
  readonly width: number;
}

/** Several matrices, packed one after another in k: how many, and the bytes between them. May be negative. */
export interface Repeats {
  readonly count: number;
  readonly fromBytes: number;
  readonly toBytes: number;
}

// prettier-ignore
const words = new Words([
  "from", "lineBytes", "steps", "places", "to", "panelBytes", "nextPanelBytes", "panels", "allPanels",
  "panelsPerTask", "repeatFromBytes", "repeatToBytes",
]);

/** A task packs about this many bytes: some microseconds of work. */
const TASK_BYTES = 32768;

/** Packs a matrix, or several, on all threads if it is large. */
export function pack(machine: Machine, matrix: Matrix, to: Panels, repeats?: Repeats): void {
  const { interleave, places, steps, lineBytes } = matrix;
  const { width } = to;
  const panels = Math.ceil(places / width);
  const allPanels = panels * (repeats?.count ?? 1);
  const panelsPerTask = Math.max(1, Math.floor(TASK_BYTES / (4 * width * Math.max(1, steps))));
  const program = machine.program(`pack ${interleave ? "interleave" : "copy"} ${width}`, (module) => {
    packTask(module, width, (interleave ? interleavePanel : copyPanel)(module, width));
  });
  const own = {
    nextPanelBytes: width * (interleave ? lineBytes : 4),
    panels,
    allPanels,
    panelsPerTask,
    repeatFromBytes: repeats?.fromBytes ?? 0,
    repeatToBytes: repeats?.toBytes ?? 0,
  };
  const args = words.list(Object.assign(own, matrix, to));
  machine.parallel(program, Math.ceil(allPanels / panelsPerTask), args);
}

function packTask(module: ModuleBuilder, width: number, packPanel: PanelFunction): void {
  module.task((f, args, index) => {
    const word = words.reader(args);
    const first = f.let(i32.mul(index, word("panelsPerTask")));
    const last = minU(i32.add(first, word("panelsPerTask")), word("allPanels"));
    f.forRange(first, last, 1, (i) => {
      const repeat = f.let(i32.divU(i, word("panels")));
      const panel = f.let(i32.remU(i, word("panels")));
      const from = f.let(i32.add(word("from"), i32.mul(repeat, word("repeatFromBytes"))));
      const to = f.let(i32.add(word("to"), i32.mul(repeat, word("repeatToBytes"))));
      f.increment(from, i32.mul(panel, word("nextPanelBytes")));
      f.increment(to, i32.mul(panel, word("panelBytes")));
      const present = minU(i32.sub(word("places"), i32.mul(panel, width)), i32.const(width));
      f.call(packPanel, from, word("lineBytes"), word("steps"), present, to);
    });
  });
}
