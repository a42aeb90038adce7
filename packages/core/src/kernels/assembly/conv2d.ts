/**
 * A convolution of images and its gradients, `[batch, height, width, channels]`, through the blocked product of `gemm.ts`.
 *
 * With P output positions, T = filter height · filter width taps and the matrix of patches, P × T·C,
 * - the convolution is patches · filter;
 * - the filter's gradient is dyᵀ · patches, transposed; patches are packed from the image, never stored;
 * - the input's gradient is dy · filterᵀ, whose rows are added back to where each patch was taken from.
 * With few channels, to copy patches costs as much as to multiply them: `direct.ts` does without.
 */
import { convolveDirect, convolveDirectBytes, filterGradientDirect, filterGradientDirectBytes } from './direct';
import { KC, MC, NC, block, gather6, packA, packATransposed, packB, packBTransposed } from './gemm';
import { MR, NR } from './store-tile';
import { convolveWinograd, filterGradientWinograd, inputGradientWinograd, winogradBytes } from './winograd';

/** A convolution's sizes, as 32-bit integers in this order; see `geometry` on the JavaScript side. */
// @ts-ignore: decorator
@unmanaged
export class Geometry {
  batch: i32;
  height: i32;
  width: i32;
  channels: i32;
  outHeight: i32;
  outWidth: i32;
  outChannels: i32;
  filterHeight: i32;
  filterWidth: i32;
  strideHeight: i32;
  strideWidth: i32;
  dilationHeight: i32;
  dilationWidth: i32;
  top: i32;
  left: i32;
  /** Not 0 where products of tiles are faster; the same for all parts of a convolution. */
  tiled: i32;
}

/**
 * Packs `kc` positions from `p0` on of `nc` columns of the patches from `j0` on: panels of eight columns. A column is a tap and
 * a channel, channels fastest and a multiple of eight.
 */
function packPatches(g: Geometry, x: usize, p0: i32, kc: i32, j0: i32, nc: i32, to: usize): void {
  const C = g.channels;
  const perImage = g.outHeight * g.outWidth;
  const zero = f32x4.splat(0);
  for (let j = j0; j < j0 + nc; j += NR) {
    const tap = j / C;
    const channel = j - tap * C;
    const dy = (tap / g.filterWidth) * g.dilationHeight - g.top;
    const dx = (tap % g.filterWidth) * g.dilationWidth - g.left;
    let image = p0 / perImage;
    let oy = (p0 - image * perImage) / g.outWidth;
    let ox = p0 - image * perImage - oy * g.outWidth;
    for (let p = 0; p < kc; p++) {
      const iy = oy * g.strideHeight + dy;
      const ix = ox * g.strideWidth + dx;
      if (<u32>iy < <u32>g.height && <u32>ix < <u32>g.width) {
        const from = x + ((((((image * g.height + iy) as usize) * (g.width as usize) + (ix as usize)) * (C as usize)) + (channel as usize)) << 2);
        v128.store(to, v128.load(from));
        v128.store(to, v128.load(from, 16), 16);
      } else {
        v128.store(to, zero);
        v128.store(to, zero, 16);
      }
      to += 32;
      if (++ox == g.outWidth) {
        ox = 0;
        if (++oy == g.outHeight) { oy = 0; image++; }
      }
    }
  }
}

/** Whether the gradient of the filter is faster without patches; where it is not, a tap's channels are whole panels of eight. */
function isNarrow(g: Geometry): bool {
  return g.channels <= 32 || g.outChannels <= 32 || (g.channels & (NR - 1)) != 0;
}

/** Bytes of workspace for the gradient of the filter, beside that of `gemm`: its transpose. */
export function filterGradientBytes(g: Geometry): i32 {
  const tiles = g.tiled ? winogradBytes(g) : 0;
  if (isNarrow(g)) return tiles + filterGradientDirectBytes(g);
  return tiles + (MC * KC + NC * KC + MR * NR + g.filterHeight * g.filterWidth * g.channels * g.outChannels) * 4;
}

/** dw, `[filter height, filter width, channels, out channels]`. */
export function filterGradient(g: Geometry, x: usize, dy: usize, dw: usize, workspace: usize): void {
  if (g.tiled) filterGradientWinograd(g, x, dy, dw, workspace);
  else filterGradientPatches(g, x, dy, dw, workspace);
}

/** The same without tiles. */
export function filterGradientPatches(g: Geometry, x: usize, dy: usize, dw: usize, workspace: usize): void {
  if (isNarrow(g)) {
    filterGradientDirect(g, x, dy, dw, workspace);
    return;
  }
  const packedB = workspace;
  const packedA = packedB + ((NC * KC) as usize << 2);
  const spare = packedA + ((MC * KC) as usize << 2);
  const turned = spare + ((MR * NR) as usize << 2);
  const m = g.outChannels;
  const n = g.filterHeight * g.filterWidth * g.channels;
  const k = g.batch * g.outHeight * g.outWidth;
  for (let j = 0; j < n; j += NC) {
    const nc = min(NC, n - j);
    for (let p = 0; p < k; p += KC) {
      const kc = min(KC, k - p);
      packPatches(g, x, p, kc, j, nc, packedB);
      for (let i = 0; i < m; i += MC) {
        const mc = min(MC, m - i);
        packATransposed(dy, m, i, mc, p, kc, packedA);
        block(packedA, packedB, mc, nc, kc, turned + (((i as usize) * (n as usize) + (j as usize)) << 2), n, p > 0, spare);
      }
    }
  }
  if (k == 0) memory.fill(turned, 0, (m as usize) * (n as usize) << 2);
  for (let r = 0; r < n; r++) {
    for (let o = 0; o < m; o++) {
      store<f32>(dw + (((r as usize) * (m as usize) + (o as usize)) << 2), load<f32>(turned + (((o as usize) * (n as usize) + (r as usize)) << 2)));
    }
  }
}

/** Bytes of workspace for the gradient of the input: packed blocks and the patches of `MC` positions. */
export function inputGradientBytes(g: Geometry): i32 {
  return (g.tiled ? winogradBytes(g) : 0) + (MC * KC + NC * KC + MR * NR + MC * g.filterHeight * g.filterWidth * g.channels) * 4;
}

/** dx, `[batch, height, width, channels]`. */
export function inputGradient(g: Geometry, dy: usize, filter: usize, dx: usize, workspace: usize): void {
  if (g.tiled) inputGradientWinograd(g, dy, filter, dx, workspace);
  else inputGradientPatches(g, dy, filter, dx, workspace);
}

/** The same without tiles. */
export function inputGradientPatches(g: Geometry, dy: usize, filter: usize, dx: usize, workspace: usize): void {
  const packedB = workspace;
  const packedA = packedB + ((NC * KC) as usize << 2);
  const spare = packedA + ((MC * KC) as usize << 2);
  const patches = spare + ((MR * NR) as usize << 2);
  const n = g.filterHeight * g.filterWidth * g.channels;
  const k = g.outChannels;
  const m = g.batch * g.outHeight * g.outWidth;
  memory.fill(dx, 0, (g.batch * g.height) as usize * (g.width as usize) * (g.channels as usize) << 2);
  if (k == 0) return;
  const once = n <= NC && k <= KC; // the whole filter stays packed
  if (once) packBTransposed(filter, k, 0, k, 0, n, packedB);
  for (let i = 0; i < m; i += MC) {
    const mc = min(MC, m - i);
    for (let j = 0; j < n; j += NC) {
      const nc = min(NC, n - j);
      for (let p = 0; p < k; p += KC) {
        const kc = min(KC, k - p);
        if (!once) packBTransposed(filter, k, p, kc, j, nc, packedB);
        packA(dy, k, i, mc, p, kc, packedA);
        block(packedA, packedB, mc, nc, kc, patches + ((j as usize) << 2), n, p > 0, spare);
      }
    }
    addPatches(g, patches, i, mc, dx);
  }
}

/** Adds `mc` patches, of the positions from `p0` on, to where they were taken from. */
function addPatches(g: Geometry, patches: usize, p0: i32, mc: i32, dx: usize): void {
  const C = g.channels;
  const perImage = g.outHeight * g.outWidth;
  let image = p0 / perImage;
  let oy = (p0 - image * perImage) / g.outWidth;
  let ox = p0 - image * perImage - oy * g.outWidth;
  for (let p = 0; p < mc; p++) {
    for (let ky = 0; ky < g.filterHeight; ky++) {
      const iy = oy * g.strideHeight + ky * g.dilationHeight - g.top;
      if (<u32>iy >= <u32>g.height) {
        patches += (g.filterWidth * C) as usize << 2;
        continue;
      }
      for (let kx = 0; kx < g.filterWidth; kx++) {
        const ix = ox * g.strideWidth + kx * g.dilationWidth - g.left;
        if (<u32>ix >= <u32>g.width) {
          patches += (C as usize) << 2;
          continue;
        }
        let to = dx + (((((image * g.height + iy) as usize) * (g.width as usize) + (ix as usize)) * (C as usize)) << 2);
        let c = 0;
        for (; c + 4 <= C; c += 4) {
          v128.store(to, f32x4.add(v128.load(to), v128.load(patches)));
          to += 16;
          patches += 16;
        }
        for (; c < C; c++) {
          store<f32>(to, load<f32>(to) + load<f32>(patches));
          to += 4;
          patches += 4;
        }
      }
    }
    if (++ox == g.outWidth) {
      ox = 0;
      if (++oy == g.outHeight) { oy = 0; image++; }
    }
  }
}

/** Where a position's patch begins, in three numbers of `table`: its image's first byte, and the row and column of its first tap. */
function placePositions(g: Geometry, x: usize, p0: i32, mc: i32, table: usize): void {
  const perImage = g.outHeight * g.outWidth;
  let image = p0 / perImage;
  let oy = (p0 - image * perImage) / g.outWidth;
  let ox = p0 - image * perImage - oy * g.outWidth;
  const bytes = (g.height * g.width) as usize * (g.channels as usize) << 2;
  for (let p = 0; p < mc; p++) {
    store<u32>(table, (x + (image as usize) * bytes) as u32);
    store<i32>(table, oy * g.strideHeight - g.top, 4);
    store<i32>(table, ox * g.strideWidth - g.left, 8);
    table += 12;
    if (++ox == g.outWidth) {
      ox = 0;
      if (++oy == g.outHeight) { oy = 0; image++; }
    }
  }
}

/** The place of one position's tap in the image, or `zeros` outside of it. */
// @ts-ignore: decorator
@inline
function tapOf(g: Geometry, table: usize, dy: i32, dx: i32, zeros: usize): usize {
  const iy = load<i32>(table, 4) + dy;
  const ix = load<i32>(table, 8) + dx;
  if (<u32>iy >= <u32>g.height || <u32>ix >= <u32>g.width) return zeros;
  return (load<u32>(table) as usize) + (((iy * g.width + ix) as usize) * (g.channels as usize) << 2);
}

/**
 * Packs `mc` positions, six at a time, of `kc` columns of the patches from `k0` on. A column is a tap and a channel, channels
 * fastest. `zeros` are as many zero bytes as a pixel has.
 */
function packPatchRows(g: Geometry, table: usize, mc: i32, k0: i32, kc: i32, zeros: usize, to: usize): void {
  const C = g.channels;
  for (let i = 0; i < mc; i += MR) {
    const height = min(MR, mc - i);
    let at = table + ((i * 12) as usize);
    let tap = k0 / C;
    let c = k0 - tap * C;
    let left = kc;
    while (left > 0) {
      const dy = (tap / g.filterWidth) * g.dilationHeight;
      const dx = (tap % g.filterWidth) * g.dilationWidth;
      const start = (c as usize) << 2;
      let p0 = tapOf(g, at, dy, dx, zeros) + start;
      let p1 = (height > 1 ? tapOf(g, at + 12, dy, dx, zeros) : zeros) + start;
      let p2 = (height > 2 ? tapOf(g, at + 24, dy, dx, zeros) : zeros) + start;
      let p3 = (height > 3 ? tapOf(g, at + 36, dy, dx, zeros) : zeros) + start;
      let p4 = (height > 4 ? tapOf(g, at + 48, dy, dx, zeros) : zeros) + start;
      let p5 = (height > 5 ? tapOf(g, at + 60, dy, dx, zeros) : zeros) + start;
      const run = min(C - c, left);
      let q = 0;
      for (; q + 4 <= run; q += 4) {
        gather6(p0, p1, p2, p3, p4, p5, to);
        p0 += 16; p1 += 16; p2 += 16; p3 += 16; p4 += 16; p5 += 16;
        to += 96;
      }
      for (; q < run; q++) {
        store<f32>(to, load<f32>(p0));
        store<f32>(to, load<f32>(p1), 4);
        store<f32>(to, load<f32>(p2), 8);
        store<f32>(to, load<f32>(p3), 12);
        store<f32>(to, load<f32>(p4), 16);
        store<f32>(to, load<f32>(p5), 20);
        p0 += 4; p1 += 4; p2 += 4; p3 += 4; p4 += 4; p5 += 4;
        to += 24;
      }
      left -= run;
      c = 0;
      tap++;
    }
  }
}

/** Bytes of workspace for the convolution: packed blocks, where the positions of one lie, and a pixel of zeros. */
export function convolveBytes(g: Geometry): i32 {
  if (g.channels < NR) return convolveDirectBytes(g);
  return (g.tiled ? winogradBytes(g) : 0) + (MC * KC + NC * KC + MR * NR + 3 * MC + g.channels) * 4;
}

/** y, `[batch, out height, out width, out channels]`. */
export function convolve(g: Geometry, x: usize, filter: usize, y: usize, workspace: usize): void {
  if (g.channels < NR) {
    convolveDirect(g, x, filter, y, workspace);
  } else if (g.tiled) {
    convolveWinograd(g, x, filter, y, workspace);
  } else {
    convolvePatches(g, x, filter, y, workspace);
  }
}

/** The same from a matrix of patches. */
export function convolvePatches(g: Geometry, x: usize, filter: usize, y: usize, workspace: usize): void {
  const packedB = workspace;
  const packedA = packedB + ((NC * KC) as usize << 2);
  const spare = packedA + ((MC * KC) as usize << 2);
  const table = spare + ((MR * NR) as usize << 2);
  const zeros = table + ((3 * MC) as usize << 2);
  memory.fill(zeros, 0, (g.channels as usize) << 2);
  const n = g.outChannels;
  const k = g.filterHeight * g.filterWidth * g.channels;
  const m = g.batch * g.outHeight * g.outWidth;
  for (let j = 0; j < n; j += NC) {
    const nc = min(NC, n - j);
    for (let p = 0; p < k; p += KC) {
      const kc = min(KC, k - p);
      packB(filter, n, p, kc, j, nc, packedB);
      for (let i = 0; i < m; i += MC) {
        const mc = min(MC, m - i);
        placePositions(g, x, i, mc, table);
        packPatchRows(g, table, mc, p, kc, zeros, packedA);
        block(packedA, packedB, mc, nc, kc, y + (((i as usize) * (n as usize) + (j as usize)) << 2), n, p > 0, spare);
      }
    }
  }
}

/** y = min(max(y + bias, low), high) in rows of `n`; a bias at 0 is none. NaN stays NaN. */
export function finish(rows: i32, n: i32, y: usize, bias: usize, low: f32, high: f32): void {
  const lows = f32x4.splat(low);
  const highs = f32x4.splat(high);
  const zero = f32x4.splat(0);
  for (let r = 0; r < rows; r++) {
    let c = 0;
    for (; c + 4 <= n; c += 4) {
      const b = bias == 0 ? zero : v128.load(bias + ((c as usize) << 2));
      v128.store(y, f32x4.min(f32x4.max(f32x4.add(v128.load(y), b), lows), highs));
      y += 16;
    }
    for (; c < n; c++) {
      const b: f32 = bias == 0 ? 0 : load<f32>(bias + ((c as usize) << 2));
      store<f32>(y, min<f32>(max<f32>(load<f32>(y) + b, low), high));
      y += 4;
    }
  }
}
