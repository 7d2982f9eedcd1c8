import type { Block, Gpu } from "../gpu.ts";
import { shader } from "../shader.ts";

/** Bound: memory, each partial sum read once. */
const addPartialsShader = shader(
  "addPartials",
  /* wgsl */ `
struct Params { size: i32, splits: i32, cFrom: i32 }
@group(0) @binding(0) var<storage, read> partials: array<f32>;
@group(0) @binding(1) var<storage, read_write> c: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = i32(id.x + id.y * groups.x * 64u);
  if (at >= params.size) { return; }
  var sum = partials[at];
  for (var split = 1; split < params.splits; split++) {
    sum += partials[split * params.size + at];
  }
  c[params.cFrom + at] = sum;
}`,
);

/**
 * Runs a product of `size` sums, each cut into `splits` parts: straight into c from element `from` on, or into partial
 * sums [splits, size] that are then added up. `run` gets the target and where its elements begin.
 */
export function withPartials(
  gpu: Gpu,
  { c, from, size, splits }: { c: Block; from: number; size: number; splits: number },
  run: (target: Block, from: number) => void,
): void {
  if (splits === 1) {
    run(c, from);
    return;
  }
  gpu.withScratch(splits * size, (partials) => {
    run(partials, 0);
    gpu.forEach(addPartialsShader, [partials, c], { splits, cFrom: from }, size);
  });
}
