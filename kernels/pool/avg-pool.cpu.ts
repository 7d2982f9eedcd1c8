import { f32x4, i32, v128 } from "../../engine/backends/cpu/assembler.ts";
import { storeLanes } from "../../engine/backends/cpu/task.ts";
import type { Machine } from "../../engine/backends/cpu/machine.ts";
import type { Pointer } from "../../engine/kernel.ts";
import type { PoolGeometry } from "./geometry.ts";
import { forEachTap, forEachWindow } from "./windows.cpu.ts";

/** y = avgPool2d(x). */
export function avgPoolOnCpu(machine: Machine, g: PoolGeometry, x: Pointer, y: Pointer): void {
  const area = g.kernelHeight * g.kernelWidth;
  forEachWindow(machine, `avgPool2d ${area}`, g, [x, y], (f, window, [from, to]) => {
    const sum = f.let(f32x4.const(0));
    window.forTaps((offset) => {
      f.set(sum, f32x4.add(sum, v128.load(i32.add(from, offset))));
    });
    storeLanes(f, f.let(i32.add(to, window.offset)), f32x4.div(sum, area), window.lanes);
  });
}

/** dx, the gradient of <avgPool2d(x), dy>. */
export function avgPoolGradInputOnCpu(machine: Machine, g: PoolGeometry, dy: Pointer, dx: Pointer): void {
  const area = g.kernelHeight * g.kernelWidth;
  forEachTap(machine, `avgPool2dGradInput ${area}`, g, [dx, dy], (f, tap, [to, from]) => {
    const at = f.let(i32.add(to, tap.xOffset));
    const share = f32x4.div(v128.load(i32.add(from, tap.yOffset)), area);
    storeLanes(f, at, f32x4.add(v128.load(at), share), tap.lanes);
  });
}
