/**
 * WGSL that maps floats to integers of the same order: -Infinity < ... < -0 = 0 < ... < Infinity < NaN. Comparing those
 * is safe where a device may assume that no float is NaN.
 */
export const orderKey = /* wgsl */ `
fn orderKey(value: f32) -> u32 {
  let bits = bitcast<u32>(value);
  let size = bits & 0x7fffffffu;
  if (size > 0x7f800000u) { return 0xffffffffu; }
  // As many steps above or below the middle as the float is from 0.
  return select(0x80000000u + size, 0x80000000u - size, bits >= 0x80000000u);
}`;
