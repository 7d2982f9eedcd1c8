import { f32x4, i32, i32x4, v128 } from "../../engine/backends/cpu/assembler.ts";
import { storeLanes } from "../../engine/backends/cpu/task.ts";
import type { Machine } from "../../engine/backends/cpu/machine.ts";
import type { Pointer } from "../../engine/kernel.ts";
import { beginSearch, takeLarger } from "../larger.cpu.ts";
import type { PoolGeometry } from "./geometry.ts";
import { forEachTap, forEachWindow } from "./windows.cpu.ts";

/** y = maxPool2d(x), and the pixels where the maxima are. */
export function maxPoolOnCpu(
  machine: Machine,
  g: PoolGeometry,
  x: Pointer,
  y: Pointer,
  pixels: Pointer,
): void {
  forEachWindow(machine, "maxPool2d", g, [x, y, pixels], (f, window, [from, to, positions]) => {
    const largest = beginSearch(f, window.firstPixel);
    window.forTaps((offset, pixel) => {
      takeLarger(f, largest, f.let(v128.load(i32.add(from, offset))), i32x4.splat(pixel));
    });
    storeLanes(f, f.let(i32.add(to, window.offset)), largest.value, window.lanes);
    storeLanes(f, f.let(i32.add(positions, window.offset)), largest.position, window.lanes);
  });
}

/** y, the elements of x at the pixels. */
export function maxPoolPickOnCpu(
  machine: Machine,
  g: PoolGeometry,
  x: Pointer,
  pixels: Pointer,
  y: Pointer,
): void {
  forEachWindow(machine, "maxPool2dPick", g, [x, pixels, y], (f, window, [from, positions, to]) => {
    const position = f.let(v128.load(i32.add(positions, window.offset)));
    const picked = f.let(f32x4.const(0));
    window.forTaps((offset, pixel) => {
      const isPicked = i32x4.eq(i32x4.splat(pixel), position);
      f.set(picked, v128.bitselect(v128.load(i32.add(from, offset)), picked, isPicked));
    });
    storeLanes(f, f.let(i32.add(to, window.offset)), picked, window.lanes);
  });
}

/** dx, the gradient of <pick(x), dy>. */
export function maxPoolGradInputOnCpu(
  machine: Machine,
  g: PoolGeometry,
  dy: Pointer,
  pixels: Pointer,
  dx: Pointer,
): void {
  forEachTap(machine, "maxPool2dGradInput", g, [dx, dy, pixels], (f, tap, [to, from, positions]) => {
    const at = f.let(i32.add(to, tap.xOffset));
    const isPicked = i32x4.eq(i32x4.splat(tap.pixel), v128.load(i32.add(positions, tap.yOffset)));
    const share = v128.and(v128.load(i32.add(from, tap.yOffset)), isPicked);
    storeLanes(f, at, f32x4.add(v128.load(at), share), tap.lanes);
  });
}
