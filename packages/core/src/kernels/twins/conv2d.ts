import type { Conv2dGeometry } from '../conv2d-geometry.ts';

/** Calls `visit` with the flat indexes of an image's, an output's and a filter's number that meet in a convolution. */
function eachProduct(g: Conv2dGeometry, visit: (x: number, y: number, w: number) => void): void {
  for (let b = 0; b < g.batch; b++)
    for (let oy = 0; oy < g.outHeight; oy++)
      for (let ox = 0; ox < g.outWidth; ox++)
        for (let ky = 0; ky < g.filterHeight; ky++)
          for (let kx = 0; kx < g.filterWidth; kx++) {
            const iy = oy * g.strideHeight + ky * g.dilationHeight - g.top;
            const ix = ox * g.strideWidth + kx * g.dilationWidth - g.left;
            if (iy < 0 || iy >= g.height || ix < 0 || ix >= g.width) continue;
            for (let c = 0; c < g.channels; c++)
              for (let o = 0; o < g.outChannels; o++)
                visit(
                  ((b * g.height + iy) * g.width + ix) * g.channels + c,
                  ((b * g.outHeight + oy) * g.outWidth + ox) * g.outChannels + o,
                  ((ky * g.filterWidth + kx) * g.channels + c) * g.outChannels + o,
                );
          }
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
