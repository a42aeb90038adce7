import type { Conv2dGeometry } from '../conv2d-geometry.ts';
import { eachTap } from './each-tap.ts';

/** Calls `visit` with the flat indexes of an image's, an output's and a filter's number that meet in a convolution. */
function eachProduct(g: Conv2dGeometry, visit: (x: number, y: number, w: number) => void): void {
  eachTap(g, (x, y, w) => {
    for (let c = 0; c < g.channels; c++)
      for (let o = 0; o < g.outChannels; o++)
        visit(x * g.channels + c, y * g.outChannels + o, (w * g.channels + c) * g.outChannels + o);
  });
}

/** A convolution in plain TypeScript, the oracle of the kernel: the definition, in double precision. */
export function convolveTwin(
  g: Conv2dGeometry,
  x: ArrayLike<number>,
  filter: ArrayLike<number>,
): Float64Array {
  const y = new Float64Array(g.batch * g.outHeight * g.outWidth * g.outChannels);
  eachProduct(g, (i, o, w) => (y[o]! += x[i]! * filter[w]!));
  return y;
}

/** The gradient of its filter. */
export function filterGradientTwin(
  g: Conv2dGeometry,
  x: ArrayLike<number>,
  dy: ArrayLike<number>,
): Float64Array {
  const dw = new Float64Array(g.filterHeight * g.filterWidth * g.channels * g.outChannels);
  eachProduct(g, (i, o, w) => (dw[w]! += x[i]! * dy[o]!));
  return dw;
}

/** The gradient of its input. */
export function inputGradientTwin(
  g: Conv2dGeometry,
  dy: ArrayLike<number>,
  filter: ArrayLike<number>,
): Float64Array {
  const dx = new Float64Array(g.batch * g.height * g.width * g.channels);
  eachProduct(g, (i, o, w) => (dx[i]! += dy[o]! * filter[w]!));
  return dx;
}
