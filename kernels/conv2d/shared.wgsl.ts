import type { ConvGeometry } from "./geometry.ts";

/** Fields of `struct Params` that say how windows lie over their input. */
export const windowParams = `kernelHeight: i32, kernelWidth: i32, strideHeight: i32, strideWidth: i32,
  dilationHeight: i32, dilationWidth: i32, padTop: i32, padLeft: i32, height: i32, width: i32, outHeight: i32, outWidth: i32`;

/** A pixel from its number. The parameters are the height and width of the images that are counted through. */
export const pixelOf = (height: string, width: string): string => /* wgsl */ `
struct Pixel { image: i32, y: i32, x: i32 }

fn pixelOf(number: i32) -> Pixel {
  let line = number / ${width};
  return Pixel(line / ${height}, line % ${height}, number % ${width});
}`;

// Conditions are joined by &, which is no branch as && is: of convolutions with so many branches SwiftShader takes a
// minute to compile one.

/** The number of the input pixel that an output pixel sees at a tap, or -1 outside of x. */
export const inputPixel = /* wgsl */ `
fn inputPixel(pixel: Pixel, ky: i32, kx: i32) -> i32 {
  let y = pixel.y * params.strideHeight - params.padTop + ky * params.dilationHeight;
  let x = pixel.x * params.strideWidth - params.padLeft + kx * params.dilationWidth;
  let inside = (y >= 0) & (y < params.height) & (x >= 0) & (x < params.width);
  return select(-1, (pixel.image * params.height + y) * params.width + x, inside);
}`;

/** The number of the output pixel that sees an input pixel at a tap, or -1 where none does. */
export const outputPixel = /* wgsl */ `
fn outputPixel(pixel: Pixel, ky: i32, kx: i32) -> i32 {
  let y = pixel.y + params.padTop - ky * params.dilationHeight;
  let x = pixel.x + params.padLeft - kx * params.dilationWidth;
  let oy = y / params.strideHeight;
  let ox = x / params.strideWidth;
  // Only whole numbers are output pixels: in between, no window has this tap on the input pixel.
  let whole = (oy * params.strideHeight == y) & (ox * params.strideWidth == x);
  let inside = (y >= 0) & (oy < params.outHeight) & (x >= 0) & (ox < params.outWidth);
  return select(-1, (pixel.image * params.outHeight + oy) * params.outWidth + ox, whole & inside);
}`;

/** Output pixels. */
export const outputPixels = (g: ConvGeometry): number => g.batch * g.outHeight * g.outWidth;
/** Input pixels. */
export const inputPixels = (g: ConvGeometry): number => g.batch * g.height * g.width;
