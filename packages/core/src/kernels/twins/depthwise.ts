import type { Conv2dGeometry } from '../conv2d-geometry.ts';

/** Calls `visit` with the flat indexes of an image's, an output's and a filter's number that meet in a depthwise convolution. */
function eachProduct(g: Conv2dGeometry, visit: (x: number, y: number, w: number) => void): void {
  const multiplier = g.outChannels / g.channels;
  for (let b = 0; b < g.batch; b++)
    for (let oy = 0; oy < g.outHeight; oy++)
      for (let ox = 0; ox < g.outWidth; ox++)
        for (let ky = 0; ky < g.filterHeight; ky++)
          for (let kx = 0; kx < g.filterWidth; kx++) {
            const iy = oy * g.strideHeight + ky * g.dilationHeight - g.top;
            const ix = ox * g.strideWidth + kx * g.dilationWidth - g.left;
            if (iy < 0 || iy >= g.height || ix < 0 || ix >= g.width) continue;
            for (let o = 0; o < g.outChannels; o++)
              visit(
                ((b * g.height + iy) * g.width + ix) * g.channels + Math.floor(o / multiplier),
                ((b * g.outHeight + oy) * g.outWidth + ox) * g.outChannels + o,
                (ky * g.filterWidth + kx) * g.outChannels + o,
              );
          }
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
