import type { Conv2dGeometry } from '../conv2d-geometry.ts';

/** Calls `visit` with the pixel of the image, of the output and of the filter, channels left out, of each tap that meets the image. */
export function eachTap(g: Conv2dGeometry, visit: (x: number, y: number, w: number) => void): void {
  for (let b = 0; b < g.batch; b++)
    for (let oy = 0; oy < g.outHeight; oy++)
      for (let ox = 0; ox < g.outWidth; ox++)
        for (let ky = 0; ky < g.filterHeight; ky++)
          for (let kx = 0; kx < g.filterWidth; kx++) {
            const iy = oy * g.strideHeight + ky * g.dilationHeight - g.top;
            const ix = ox * g.strideWidth + kx * g.dilationWidth - g.left;
            if (iy < 0 || iy >= g.height || ix < 0 || ix >= g.width) continue;
            visit(
              (b * g.height + iy) * g.width + ix,
              (b * g.outHeight + oy) * g.outWidth + ox,
              ky * g.filterWidth + kx,
            );
          }
}
