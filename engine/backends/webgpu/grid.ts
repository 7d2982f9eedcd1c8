/** Workgroups along x, y and z. */
export type Grid = readonly [x: number, y: number, z: number];

/** The most workgroups along one axis that every device takes. */
export const MAX_WORKGROUPS = 65535;

/**
 * A grid of at least `workgroups` in a row, folded onto y where one axis is too short. A shader finds its place with
 *
 *     let workgroup = id.x + id.y * groups.x;      // builtins workgroup_id and num_workgroups
 *
 * and returns if that is past the end: the last line may be longer than what is left.
 */
export function foldGrid(workgroups: number): Grid {
  const lines = Math.ceil(workgroups / MAX_WORKGROUPS);
  return [lines > 1 ? Math.ceil(workgroups / lines) : workgroups, lines, 1];
}
