import { Geometry } from './conv2d';

/**
 * The gradient of max pooling: of every window the first maximum, in row-major order, takes the gradient. The
 * geometry's filter is the window; out channels and dilation are not read. A window wholly in the padding gives nothing.
 */
export function maxPoolGradient(g: Geometry, dy: usize, x: usize, dx: usize): void {
  const C = g.channels;
  const pixel = (C as usize) << 2;
  const row = (g.width as usize) * pixel;
  const image = (g.height as usize) * row;
  memory.fill(dx, 0, (g.batch as usize) * image);
  for (let b = 0; b < g.batch; b++) {
    for (let oy = 0; oy < g.outHeight; oy++) {
      const top = max(oy * g.strideHeight - g.top, 0);
      const bottom = min(oy * g.strideHeight - g.top + g.filterHeight, g.height);
      for (let ox = 0; ox < g.outWidth; ox++) {
        const left = max(ox * g.strideWidth - g.left, 0);
        const right = min(ox * g.strideWidth - g.left + g.filterWidth, g.width);
        if (top < bottom && left < right) {
          const first = (top as usize) * row + (left as usize) * pixel;
          let c: usize = 0;
          for (; c + 16 <= pixel; c += 16) {
            let best = v128.load(x + first + c);
            let where = i32x4.splat(0);
            let index = 0;
            for (let iy = top; iy < bottom; iy++) {
              for (let ix = left; ix < right; ix++, index++) {
                const value = v128.load(x + (iy as usize) * row + (ix as usize) * pixel + c);
                const above = f32x4.gt(value, best);
                best = v128.bitselect(value, best, above);
                where = v128.bitselect(i32x4.splat(index), where, above);
              }
            }
            const gradient = v128.load(dy + c);
            index = 0;
            for (let iy = top; iy < bottom; iy++) {
              for (let ix = left; ix < right; ix++, index++) {
                const to = dx + (iy as usize) * row + (ix as usize) * pixel + c;
                const share = v128.and(gradient, i32x4.eq(where, i32x4.splat(index)));
                v128.store(to, f32x4.add(v128.load(to), share));
              }
            }
          }
          for (; c < pixel; c += 4) {
            let at = first + c;
            let best = load<f32>(x + at);
            for (let iy = top; iy < bottom; iy++) {
              for (let ix = left; ix < right; ix++) {
                const place = (iy as usize) * row + (ix as usize) * pixel + c;
                const value = load<f32>(x + place);
                if (value > best) {
                  best = value;
                  at = place;
                }
              }
            }
            store<f32>(dx + at, load<f32>(dx + at) + load<f32>(dy + c));
          }
        }
        dy += pixel;
      }
    }
    x += image;
    dx += image;
  }
}
