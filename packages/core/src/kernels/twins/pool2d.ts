import type { Conv2dGeometry } from '../conv2d-geometry.ts';

/** The gradient of max pooling in plain TypeScript: of every window the first maximum takes the gradient. */
export function maxPoolGradientTwin(
  g: Conv2dGeometry,
  dy: ArrayLike<number>,
  x: ArrayLike<number>,
): Float64Array {
  const dx = new Float64Array(g.batch * g.height * g.width * g.channels);
  for (let b = 0; b < g.batch; b++)
    for (let oy = 0; oy < g.outHeight; oy++)
      for (let ox = 0; ox < g.outWidth; ox++)
        for (let c = 0; c < g.channels; c++) {
          let best = -1;
          for (let ky = 0; ky < g.filterHeight; ky++)
            for (let kx = 0; kx < g.filterWidth; kx++) {
              const [iy, ix] = [oy * g.strideHeight + ky - g.top, ox * g.strideWidth + kx - g.left];
              if (iy < 0 || iy >= g.height || ix < 0 || ix >= g.width) continue;
              const at = ((b * g.height + iy) * g.width + ix) * g.channels + c;
              if (best < 0 || x[at]! > x[best]!) best = at;
            }
          if (best >= 0) dx[best]! += dy[((b * g.outHeight + oy) * g.outWidth + ox) * g.channels + c]!;
        }
  return dx;
}
