import type { Conv2dGeometry } from '../conv2d-geometry.ts';

/** Calls `visit` with each window of each channel: the indexes of its numbers inside the image, and of its output. */
function eachWindow(g: Conv2dGeometry, visit: (inside: readonly number[], out: number) => void): void {
  for (let b = 0; b < g.batch; b++)
    for (let oy = 0; oy < g.outHeight; oy++)
      for (let ox = 0; ox < g.outWidth; ox++)
        for (let c = 0; c < g.channels; c++) {
          const inside: number[] = [];
          for (let ky = 0; ky < g.filterHeight; ky++)
            for (let kx = 0; kx < g.filterWidth; kx++) {
              const [iy, ix] = [oy * g.strideHeight + ky - g.top, ox * g.strideWidth + kx - g.left];
              if (iy < 0 || iy >= g.height || ix < 0 || ix >= g.width) continue;
              inside.push(((b * g.height + iy) * g.width + ix) * g.channels + c);
            }
          visit(inside, ((b * g.outHeight + oy) * g.outWidth + ox) * g.channels + c);
        }
}

/** The first of the largest; a NaN is the largest. */
function firstMaximum(x: ArrayLike<number>, inside: readonly number[]): number {
  const nan = inside.find((at) => Number.isNaN(x[at]));
  return nan ?? inside.reduce((best, at) => (x[at]! > x[best]! ? at : best));
}

/** Max pooling in plain TypeScript, where every window has a number. */
export function maxPoolTwin(g: Conv2dGeometry, x: ArrayLike<number>): Float64Array {
  const y = new Float64Array(g.batch * g.outHeight * g.outWidth * g.channels);
  eachWindow(g, (inside, out) => (y[out] = x[firstMaximum(x, inside)]!));
  return y;
}

/** The gradient of max pooling: of every window the first maximum takes the gradient. */
export function maxPoolGradientTwin(
  g: Conv2dGeometry,
  dy: ArrayLike<number>,
  x: ArrayLike<number>,
): Float64Array {
  const dx = new Float64Array(g.batch * g.height * g.width * g.channels);
  eachWindow(g, (inside, out) => {
    if (inside.length > 0) dx[firstMaximum(x, inside)]! += dy[out]!;
  });
  return dx;
}

/** The gradient of average pooling: the numbers of a window inside the image share the gradient. */
export function averagePoolGradientTwin(g: Conv2dGeometry, dy: ArrayLike<number>): Float64Array {
  const dx = new Float64Array(g.batch * g.height * g.width * g.channels);
  eachWindow(g, (inside, out) => {
    for (const at of inside) dx[at]! += dy[out]! / inside.length;
  });
  return dx;
}
