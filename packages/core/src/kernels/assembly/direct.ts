/**
 * Convolutions without a matrix of patches, for few channels, where to copy patches costs as much as to multiply them. In an image with its padding around it, `[height, width, channels]`, the taps of one
 * row of the filter lie side by side, so that a 6 × 8 tile of the product reads its operand where the image has it:
 * - forward, six positions times eight output channels, the depth running over the taps;
 * - for the filter's gradient, six taps times eight output channels, the depth running over the positions.
 */
import { Geometry } from './conv2d';
import { fma } from './fma';
import { packB } from './gemm';
import { MR, NR, storeTile } from './store-tile';

/** Positions that share the packed part of the other operand while it is in the first-level cache. */
const POSITIONS: i32 = 96;
/** Positions of the filter's gradient summed at a time: a panel of dy then takes 16 KB. */
const DEPTH: i32 = 256;

function reach(out: i32, stride: i32, filter: i32, dilation: i32): i32 {
  return (out - 1) * stride + (filter - 1) * dilation + 1;
}

/** Whether no tap reaches into the padding, which is negative where positions begin within the image. */
function isInside(g: Geometry): bool {
  return (
    g.top <= 0 && g.left <= 0 &&
    frameHeight(g) - g.top <= g.height && frameWidth(g) - g.left <= g.width
  );
}

/** Where the first position of such a convolution has its first tap. */
function firstTap(g: Geometry, x: usize): usize {
  return x + (((-g.top * g.width - g.left) * g.channels) << 2);
}

/** Rows and columns of an image with as much of its padding as taps reach. */
function frameHeight(g: Geometry): i32 {
  return reach(g.outHeight, g.strideHeight, g.filterHeight, g.dilationHeight);
}

function frameWidth(g: Geometry): i32 {
  return reach(g.outWidth, g.strideWidth, g.filterWidth, g.dilationWidth);
}

/** Bytes of a row of the frame. */
function frameRow(g: Geometry): i32 {
  return ((isInside(g) ? g.width : frameWidth(g)) * g.channels) << 2;
}

/** Bytes of an image of the frame. */
function frameImage(g: Geometry): i32 {
  return (isInside(g) ? g.height : frameHeight(g)) * frameRow(g);
}

/** Images framed at a time: enough that the last, partial tile of a group costs little. */
function group(g: Geometry): i32 {
  const perImage = g.outHeight * g.outWidth;
  return min(g.batch, max(1, (4 * POSITIONS + perImage - 1) / max(perImage, 1)));
}

/** Whether there is no position at all. */
function isEmpty(g: Geometry): bool {
  return g.batch <= 0 || g.outHeight <= 0 || g.outWidth <= 0;
}

/** Bytes of the copied images, and of numbers behind them that a tile reads and drops. */
function frameBytes(g: Geometry): i32 {
  return isInside(g) ? 0 : group(g) * frameImage(g) + 64;
}

/** Copies `images` images from x with their padding. */
function copyFrame(g: Geometry, x: usize, images: i32, to: usize): void {
  const pixel = (g.channels as usize) << 2;
  const row = frameRow(g) as usize;
  const height = frameHeight(g);
  const width = frameWidth(g);
  const columns = min(max(g.left, 0), width);
  const skipped = max(-g.left, 0);
  const before = (columns as usize) * pixel;
  const inside = (max(min(g.width - skipped, width - columns), 0) as usize) * pixel;
  for (let b = 0; b < images; b++) {
    for (let i = 0; i < height; i++) {
      const iy = i - g.top;
      if (<u32>iy >= <u32>g.height) {
        memory.fill(to, 0, row);
      } else {
        memory.fill(to, 0, before);
        memory.copy(to + before, x + (((b * g.height + iy) as usize) * (g.width as usize) + (skipped as usize)) * pixel, inside);
        memory.fill(to + before + inside, 0, row - before - inside);
      }
      to += row;
    }
  }
}

function panels(n: i32): i32 {
  return (n + NR - 1) / NR;
}

/** Bytes of workspace of `convolveDirect`: the packed filter, a frame, and where positions lie. */
export function convolveDirectBytes(g: Geometry): i32 {
  if (isEmpty(g)) return 0;
  const depth = g.filterHeight * g.filterWidth * g.channels;
  return ((panels(g.outChannels) * NR * depth + POSITIONS + MR * NR + g.filterHeight * g.filterWidth + 1) << 2) + frameBytes(g);
}

/** y, `[batch, out height, out width, out channels]`. */
export function convolveDirect(g: Geometry, x: usize, filter: usize, y: usize, workspace: usize): void {
  if (isEmpty(g)) return;
  const n = g.outChannels;
  const depth = g.filterHeight * g.filterWidth * g.channels;
  const packed = workspace;
  const table = packed + ((panels(n) * NR * depth) as usize << 2);
  const spare = table + ((POSITIONS as usize) << 2);
  const runs = spare + ((MR * NR) as usize << 2);
  const frame = runs + ((g.filterHeight * g.filterWidth + 1) as usize << 2);
  const inside = isInside(g);
  const perImage = g.outHeight * g.outWidth;
  const row = frameRow(g);
  const image = frameImage(g);
  const pixel = g.channels << 2;
  const own = g.height * g.width * pixel;
  packB(filter, n, 0, depth, 0, n, packed);
  const perRow = g.dilationWidth == 1 ? 1 : g.filterWidth; // taps side by side are one run
  const length = depth / (g.filterHeight * perRow);
  for (let ky = 0; ky < g.filterHeight; ky++) {
    for (let r = 0; r < perRow; r++) {
      store<u32>(runs + ((ky * perRow + r) as usize << 2), ky * g.dilationHeight * row + r * g.dilationWidth * pixel);
    }
  }
  const images = inside ? g.batch : group(g);
  for (let b = 0; b < g.batch; b += images) {
    const count = min(images, g.batch - b);
    if (!inside) copyFrame(g, x + (b as usize) * (own as usize), count, frame);
    const base = inside ? firstTap(g, x) : frame;
    const m = count * perImage;
    let at: usize = base;
    let oy = 0;
    let ox = 0;
    for (let i = 0; i < m; i += POSITIONS) {
      const mc = min(POSITIONS, m - i);
      for (let p = 0; p < mc; p++) {
        store<u32>(table + ((p as usize) << 2), (at + ((oy * g.strideHeight * row + ox * g.strideWidth * pixel) as usize)) as u32);
        if (++ox == g.outWidth) {
          ox = 0;
          if (++oy == g.outHeight) { oy = 0; at += image as usize; }
        }
      }
      for (let p = mc; p < POSITIONS && p % MR != 0; p++) {
        store<u32>(table + ((p as usize) << 2), load<u32>(table + (((mc - 1) as usize) << 2)));
      }
      for (let j = 0; j < n; j += NR) {
        const panel = packed + (((j * depth) as usize) << 2);
        for (let p = 0; p < mc; p += MR) {
          positionTile(
            table + ((p as usize) << 2), panel, runs, length, depth,
            y + (((p as usize) * (n as usize) + (j as usize)) << 2), n, min(MR, mc - p), min(NR, n - j), spare,
          );
        }
      }
      y += ((mc as usize) * (n as usize)) << 2;
    }
  }
}

/**
 * Six positions of `table` times a panel: `rows` × `columns` of them go to C. Taps come in runs of `length` numbers, whose
 * places in a patch are in `runs`.
 */
function positionTile(
  table: usize, b: usize, runs: usize, length: i32, depth: i32,
  c: usize, ldc: i32, rows: i32, columns: i32, spare: usize,
): void {
  let c00 = f32x4.splat(0), c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0), c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0), c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0), c31 = f32x4.splat(0);
  let c40 = f32x4.splat(0), c41 = f32x4.splat(0);
  let c50 = f32x4.splat(0), c51 = f32x4.splat(0);
  const p0 = load<u32>(table) as usize;
  const p1 = load<u32>(table, 4) as usize;
  const p2 = load<u32>(table, 8) as usize;
  const p3 = load<u32>(table, 12) as usize;
  const p4 = load<u32>(table, 16) as usize;
  const p5 = load<u32>(table, 20) as usize;
  let at = load<u32>(runs) as usize;
  runs += 4;
  let left = length;
  for (let p = depth; p > 0; p--) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load_splat<f32>(p0 + at);
    c00 = fma(x, b0, c00);
    c01 = fma(x, b1, c01);
    x = v128.load_splat<f32>(p1 + at);
    c10 = fma(x, b0, c10);
    c11 = fma(x, b1, c11);
    x = v128.load_splat<f32>(p2 + at);
    c20 = fma(x, b0, c20);
    c21 = fma(x, b1, c21);
    x = v128.load_splat<f32>(p3 + at);
    c30 = fma(x, b0, c30);
    c31 = fma(x, b1, c31);
    x = v128.load_splat<f32>(p4 + at);
    c40 = fma(x, b0, c40);
    c41 = fma(x, b1, c41);
    x = v128.load_splat<f32>(p5 + at);
    c50 = fma(x, b0, c50);
    c51 = fma(x, b1, c51);
    b += 32;
    left--;
    at = select(load<u32>(runs) as usize, at + 4, left == 0);
    runs = select(runs + 4, runs, left == 0);
    left = select(length, left, left == 0);
  }
  storeTile(c00, c01, c10, c11, c20, c21, c30, c31, c40, c41, c50, c51, c, ldc, rows, columns, false, spare);
}

/** Output rows whose positions are summed at a time. */
function depthRows(g: Geometry): i32 {
  return min(group(g) * g.outHeight, max(1, DEPTH / max(g.outWidth, 1)));
}

/** Bytes of workspace of `filterGradientDirect`: packed dy, a frame, and where rows lie. */
export function filterGradientDirectBytes(g: Geometry): i32 {
  if (isEmpty(g)) return 0;
  const rows = depthRows(g);
  return ((panels(g.outChannels) * NR * rows * g.outWidth + rows + 1 + MR * NR) << 2) + frameBytes(g);
}

/** dw, `[taps, channels, out channels]`. */
export function filterGradientDirect(g: Geometry, x: usize, dy: usize, dw: usize, workspace: usize): void {
  if (isEmpty(g)) {
    memory.fill(dw, 0, ((g.filterHeight * g.filterWidth * g.channels * g.outChannels) as usize) << 2);
    return;
  }
  const inside = isInside(g);
  const n = g.outChannels;
  const most = depthRows(g);
  const packed = workspace;
  const table = packed + ((panels(n) * NR * most * g.outWidth) as usize << 2);
  const spare = table + (((most + 1) as usize) << 2);
  const frame = spare + ((MR * NR) as usize << 2);
  const row = frameRow(g);
  const image = frameImage(g);
  const pixel = g.channels << 2;
  const own = g.height * g.width * pixel;
  const runs = g.dilationWidth == 1 ? 1 : g.filterWidth;
  const length = g.dilationWidth == 1 ? g.filterWidth * g.channels : g.channels;
  const apart = g.dilationWidth * pixel;
  const images = group(g); // of framed images or not, so that the order of sums does not depend on it
  let add = false;
  for (let b = 0; b < g.batch; b += images) {
    const count = min(images, g.batch - b);
    const from = x + (b as usize) * (own as usize);
    if (!inside) copyFrame(g, from, count, frame);
    let at: usize = inside ? firstTap(g, from) : frame;
    let oy = 0;
    const all = count * g.outHeight;
    for (let i = 0; i < all; i += most) {
      const rows = min(most, all - i);
      const positions = rows * g.outWidth;
      for (let r = 0; r < rows; r++) {
        store<u32>(table + ((r as usize) << 2), (at + ((oy * g.strideHeight * row) as usize)) as u32);
        if (++oy == g.outHeight) { oy = 0; at += image as usize; }
      }
      packB(dy, n, 0, positions, 0, n, packed);
      dy += ((positions * n) as usize) << 2;
      for (let j = 0; j < n; j += NR) {
        const panel = packed + (((j * positions) as usize) << 2);
        let to = dw + ((j as usize) << 2);
        for (let ky = 0; ky < g.filterHeight; ky++) {
          for (let r = 0; r < runs; r++) {
            const offset = (ky * g.dilationHeight * row + r * apart) as usize;
            for (let q = 0; q < length; q += MR) {
              tapTile(
                table, rows, offset + ((q as usize) << 2), g.outWidth, g.strideWidth * pixel, panel,
                to + (((q as usize) * (n as usize)) << 2), n, min(MR, length - q), min(NR, n - j), add, spare,
              );
            }
            to += ((length as usize) * (n as usize)) << 2;
          }
        }
      }
      add = true;
    }
  }
}

/** Six taps side by side times a panel of dy, summed over `rows` rows of `width` positions. */
function tapTile(
  table: usize, rows: i32, offset: usize, width: i32, step: i32, b: usize,
  c: usize, ldc: i32, height: i32, columns: i32, add: bool, spare: usize,
): void {
  let c00 = f32x4.splat(0), c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0), c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0), c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0), c31 = f32x4.splat(0);
  let c40 = f32x4.splat(0), c41 = f32x4.splat(0);
  let c50 = f32x4.splat(0), c51 = f32x4.splat(0);
  let a = (load<u32>(table) as usize) + offset;
  table += 4;
  let left = width;
  // without a branch the loop stays one block, whose sums V8 keeps in registers
  for (let p = rows * width; p > 0; p--) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load_splat<f32>(a);
    c00 = fma(x, b0, c00);
    c01 = fma(x, b1, c01);
    x = v128.load_splat<f32>(a, 4);
    c10 = fma(x, b0, c10);
    c11 = fma(x, b1, c11);
    x = v128.load_splat<f32>(a, 8);
    c20 = fma(x, b0, c20);
    c21 = fma(x, b1, c21);
    x = v128.load_splat<f32>(a, 12);
    c30 = fma(x, b0, c30);
    c31 = fma(x, b1, c31);
    x = v128.load_splat<f32>(a, 16);
    c40 = fma(x, b0, c40);
    c41 = fma(x, b1, c41);
    x = v128.load_splat<f32>(a, 20);
    c50 = fma(x, b0, c50);
    c51 = fma(x, b1, c51);
    b += 32;
    left--;
    a = select((load<u32>(table) as usize) + offset, a + (step as usize), left == 0);
    table = select(table + 4, table, left == 0);
    left = select(width, left, left == 0);
  }
  storeTile(c00, c01, c10, c11, c20, c21, c30, c31, c40, c41, c50, c51, c, ldc, height, columns, add, spare);
}
