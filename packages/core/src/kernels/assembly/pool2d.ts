/**
 * The gradients of max and average pooling of images, `[batch, height, width, channels]`, and the most frequent maximum. The
 * geometry's filter is the window; out channels and dilation are not read. Padding is in no maximum and in no mean; a window
 * wholly in it gives no gradient. A NaN is the maximum of its window.
 */
import { Geometry } from './conv2d';

/** y of max pooling with windows of 2 × 2 that neither overlap nor leave the image. */
export function maxPoolHalves(g: Geometry, x: usize, y: usize): void {
  const pixel = (g.channels as usize) << 2;
  const row = (g.width as usize) * pixel;
  for (let b = 0; b < g.batch; b++) {
    for (let oy = 0; oy < g.outHeight; oy++) {
      let from = x + ((2 * oy) as usize) * row;
      for (let ox = 0; ox < g.outWidth; ox++) {
        let c: usize = 0;
        for (; c + 16 <= pixel; c += 16) {
          const at = from + c;
          const upper = f32x4.max(v128.load(at), v128.load(at + pixel));
          v128.store(y + c, f32x4.max(upper, f32x4.max(v128.load(at + row), v128.load(at + row + pixel))));
        }
        for (; c < pixel; c += 4) {
          const at = from + c;
          const upper = max<f32>(load<f32>(at), load<f32>(at + pixel));
          store<f32>(y + c, max<f32>(upper, max<f32>(load<f32>(at + row), load<f32>(at + row + pixel))));
        }
        from += 2 * pixel;
        y += pixel;
      }
    }
    x += (g.height as usize) * row;
  }
}

/** dx of max pooling: of every window the first maximum, in row-major order, takes the gradient. */
export function maxPoolGradient(g: Geometry, dy: usize, x: usize, dx: usize): void {
  const pixel = (g.channels as usize) << 2;
  const row = (g.width as usize) * pixel;
  const image = (g.height as usize) * row;
  const halves = g.filterHeight == 2 && g.filterWidth == 2 && g.strideHeight == 2 && g.strideWidth == 2
    && g.top == 0 && g.left == 0 && 2 * g.outHeight <= g.height && 2 * g.outWidth <= g.width;
  const covered = halves && 2 * g.outHeight == g.height && 2 * g.outWidth == g.width;
  if (!covered) memory.fill(dx, 0, (g.batch as usize) * image);
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
          if (halves) for (; c + 16 <= pixel; c += 16) halve(x + first + c, dy + c, dx + first + c, row, pixel);
          for (; c + 16 <= pixel; c += 16) {
            let best = v128.load(x + first + c);
            let where = i32x4.splat(0);
            let index = 0;
            for (let iy = top; iy < bottom; iy++) {
              for (let ix = left; ix < right; ix++, index++) {
                const value = v128.load(x + (iy as usize) * row + (ix as usize) * pixel + c);
                const above = v128.or(f32x4.gt(value, best), v128.andnot(f32x4.ne(value, value), f32x4.ne(best, best)));
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
                if (covered) store<f32>(dx + place, 0);
                if (value > best || (value != value && best == best)) {
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

/** Four channels of a window of 2 × 2 that no other overlaps. */
// @ts-ignore: decorator
@inline
function halve(x: usize, dy: usize, dx: usize, row: usize, pixel: usize): void {
  const x0 = v128.load(x);
  const x1 = v128.load(x + pixel);
  const x2 = v128.load(x + row);
  const x3 = v128.load(x + row + pixel);
  const best = f32x4.max(f32x4.max(x0, x1), f32x4.max(x2, x3));
  let gradient = v128.load(dy);
  // a NaN differs from itself, and is then the maximum
  let taken = v128.or(f32x4.eq(x0, best), f32x4.ne(x0, x0));
  v128.store(dx, v128.and(gradient, taken));
  gradient = v128.andnot(gradient, taken);
  taken = v128.or(f32x4.eq(x1, best), f32x4.ne(x1, x1));
  v128.store(dx + pixel, v128.and(gradient, taken));
  gradient = v128.andnot(gradient, taken);
  taken = v128.or(f32x4.eq(x2, best), f32x4.ne(x2, x2));
  v128.store(dx + row, v128.and(gradient, taken));
  v128.store(dx + row + pixel, v128.andnot(gradient, taken));
}

/** dx of average pooling: each number inside a window takes its share of the gradient. */
export function averagePoolGradient(g: Geometry, dy: usize, dx: usize): void {
  const pixel = (g.channels as usize) << 2;
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
          const share: f32 = 1 / (((bottom - top) * (right - left)) as f32);
          const shares = f32x4.splat(share);
          for (let iy = top; iy < bottom; iy++) {
            for (let ix = left; ix < right; ix++) {
              const to = dx + (iy as usize) * row + (ix as usize) * pixel;
              let c: usize = 0;
              for (; c + 16 <= pixel; c += 16) {
                v128.store(to + c, f32x4.add(v128.load(to + c), f32x4.mul(v128.load(dy + c), shares)));
              }
              for (; c < pixel; c += 4) store<f32>(to + c, load<f32>(to + c) + load<f32>(dy + c) * share);
            }
          }
        }
        dy += pixel;
      }
    }
    dx += image;
  }
}
