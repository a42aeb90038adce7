import type { Conv2dGeometry } from '../conv2d-geometry.ts';
import { eachTap } from './each-tap.ts';

/** Calls `visit` with the flat indexes of an image's, an output's and a filter's number that meet in a depthwise convolution. */
function eachProduct(g: Conv2dGeometry, visit: (x: number, y: number, w: number) => void): void {
  const multiplier = g.outChannels / g.channels;
  eachTap(g, (x, y, w) => {
    for (let o = 0; o < g.outChannels; o++)
      visit(x * g.channels + Math.floor(o / multiplier), y * g.outChannels + o, w * g.outChannels + o);
  });
}

/** The gradient of a depthwise convolution's input in plain TypeScript: the definition, in double precision. */
export function depthwiseInputGradientTwin(
  g: Conv2dGeometry,
  dy: ArrayLike<number>,
  filter: ArrayLike<number>,
): Float64Array {
  const dx = new Float64Array(g.batch * g.height * g.width * g.channels);
  eachProduct(g, (i, o, w) => (dx[i]! += dy[o]! * filter[w]!));
  return dx;
}

/** The gradient of its filter. */
export function depthwiseFilterGradientTwin(
  g: Conv2dGeometry,
  x: ArrayLike<number>,
  dy: ArrayLike<number>,
): Float64Array {
  const dw = new Float64Array(g.filterHeight * g.filterWidth * g.outChannels);
  eachProduct(g, (i, o, w) => (dw[w]! += x[i]! * dy[o]!));
  return dw;
}
