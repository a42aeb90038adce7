/**
 * The gradients of a depthwise convolution of images, `[batch, height, width, channels]`. The filter is
 * `[height, width, channels, multiplier]`: output channel c·m + q, of the geometry's m·channels, comes of input channel c alone.
 *
 * A multiplier of 1 takes four channels at a time; a larger one, one number of x at a time and all that comes of it.
 */
import { Geometry } from './conv2d';
import { fma } from './fma';

/** Both walk over the same pairs of an output pixel and a tap inside the image. */
class OfInput {}
class OfFilter {}

/** dx, `[batch, height, width, channels]`. */
export function depthwiseInputGradient(g: Geometry, dy: usize, filter: usize, dx: usize): void {
  memory.fill(dx, 0, (g.batch * g.height * g.width) as usize * (g.channels as usize) << 2);
  eachTap<OfInput>(g, dx, filter, dy);
}

/** Bytes of workspace of `depthwiseFilterGradient`: the sums of one image. */
export function depthwiseFilterGradientBytes(g: Geometry): i32 {
  return g.filterHeight * g.filterWidth * g.outChannels * 4;
}

/** dw, of the filter's shape. Images are summed apart, so that the rounding error does not grow with all positions. */
export function depthwiseFilterGradient(g: Geometry, x: usize, dy: usize, dw: usize, workspace: usize): void {
  const bytes = depthwiseFilterGradientBytes(g) as usize;
  memory.fill(dw, 0, bytes);
  const batch = g.batch;
  g.batch = 1;
  for (let b = 0; b < batch; b++) {
    memory.fill(workspace, 0, bytes);
    eachTap<OfFilter>(g, x, workspace, dy);
    let at: usize = 0;
    for (; at + 16 <= bytes; at += 16) v128.store(dw + at, f32x4.add(v128.load(dw + at), v128.load(workspace + at)));
    for (; at < bytes; at += 4) store<f32>(dw + at, load<f32>(dw + at) + load<f32>(workspace + at));
    x += (g.height * g.width * g.channels) as usize << 2;
    dy += (g.outHeight * g.outWidth * g.outChannels) as usize << 2;
  }
  g.batch = batch;
}

// @ts-ignore: decorator
@inline
function eachTap<T>(g: Geometry, x: usize, filter: usize, y: usize): void {
  const pixel = (g.channels as usize) << 2;
  const outPixel = (g.outChannels as usize) << 2;
  const row = (g.width as usize) * pixel;
  for (let b = 0; b < g.batch; b++) {
    for (let oy = 0; oy < g.outHeight; oy++) {
      for (let ox = 0; ox < g.outWidth; ox++) {
        for (let ky = 0; ky < g.filterHeight; ky++) {
          const iy = oy * g.strideHeight + ky * g.dilationHeight - g.top;
          if (<u32>iy >= <u32>g.height) continue;
          for (let kx = 0; kx < g.filterWidth; kx++) {
            const ix = ox * g.strideWidth + kx * g.dilationWidth - g.left;
            if (<u32>ix >= <u32>g.width) continue;
            const from = x + (iy as usize) * row + (ix as usize) * pixel;
            const w = filter + ((ky * g.filterWidth + kx) as usize) * outPixel;
            if (pixel == outPixel) alike<T>(pixel, from, w, y);
            else multiplied<T>(g.channels, g.outChannels / g.channels, from, w, y);
          }
        }
        y += outPixel;
      }
    }
    x += (g.height as usize) * row;
  }
}

/** One tap of one pixel, as many channels out as in. */
// @ts-ignore: decorator
@inline
function alike<T>(bytes: usize, x: usize, w: usize, y: usize): void {
  let c: usize = 0;
  for (; c + 16 <= bytes; c += 16) {
    if (idof<T>() == idof<OfInput>()) v128.store(x + c, fma(v128.load(y + c), v128.load(w + c), v128.load(x + c)));
    else v128.store(w + c, fma(v128.load(x + c), v128.load(y + c), v128.load(w + c)));
  }
  for (; c < bytes; c += 4) {
    if (idof<T>() == idof<OfInput>()) store<f32>(x + c, load<f32>(x + c) + load<f32>(y + c) * load<f32>(w + c));
    else store<f32>(w + c, load<f32>(w + c) + load<f32>(x + c) * load<f32>(y + c));
  }
}

/** One tap of one pixel, `multiplier` channels out of each. */
// @ts-ignore: decorator
@inline
function multiplied<T>(channels: i32, multiplier: i32, x: usize, w: usize, y: usize): void {
  for (let c = 0; c < channels; c++) {
    const value = load<f32>(x);
    let sum: f32 = 0;
    for (let q = 0; q < multiplier; q++) {
      if (idof<T>() == idof<OfInput>()) sum += load<f32>(y) * load<f32>(w);
      else store<f32>(w, load<f32>(w) + value * load<f32>(y));
      w += 4;
      y += 4;
    }
    if (idof<T>() == idof<OfInput>()) store<f32>(x, value + sum);
    x += 4;
  }
}
