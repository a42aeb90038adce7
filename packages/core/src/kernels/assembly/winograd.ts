/**
 * Convolutions of 3 × 3 filters and both gradients by Winograd's minimal filtering F(2 × 2, 3 × 3), Lavin and Gray 2016: a
 * tile of 2 × 2 outputs takes 16 products of channels instead of 36. Tiles at the end of an odd number of rows or columns
 * lack one and take 12, or 9. With the transforms of `winograd-transforms.ts`,
 * - y of a tile is that of V · U, summed over the channels;
 * - the input's gradient is the transpose: tiles of dy, transformed, times Uᵀ, whose patches are added to dx;
 * - the filter's is the sum over all tiles of Vᵀ times transformed dy, transformed back once.
 *
 * A number that is not finite would reach all of its tile: whatever comes out not finite is computed anew without tiles.
 * What is computed anew, and the order of every sum, depend on an image alone, not on those beside it.
 */
import { Geometry, convolvePatches, filterGradientPatches, inputGradientPatches } from './conv2d';
import { fma } from './fma';
import { tile } from './gemm';
import { MR, NR, storeTile } from './store-tile';
import { transpose } from './sparse';
import { TILE, Tile, countTiles, gatherOutputs, gatherPatches, movePatch, placeTiles } from './winograd-tiles';
import { addPatch, restoreOutputs, restoreTaps, transformTaps } from './winograd-transforms';

/** Images whose tiles of one kind are taken together: a multiple of the rows of a product's tile. */
const IMAGES: i32 = 6;
/** Tiles transformed at a time, half as many at least, and bytes that they take, so that they stay in the second-level cache. */
const TILES: i32 = 96;
const BLOCK: i32 = 1 << 18;
/** Bytes between the sixteen matrices, so that they do not share the lines of a cache. */
const GAP: i32 = 64;

/** Bytes of what is of fixed size: a geometry, four filters, and the tiles of a block. */
const HEAD: i32 = 64 + 192 + TILES * TILE;
/** Bytes of a panel of eight columns of a block. */
const PANEL: i32 = 16 * (TILES * 32 + GAP);

/** Tiles of a block, of `channels` each. */
function tilesOf(channels: i32): i32 {
  return max(TILES / 2, min(TILES, BLOCK / (channels << 6) / MR * MR));
}

/** Bytes of one of the sixteen matrices of a block. */
function blockApart(channels: i32): i32 {
  return ((tilesOf(channels) * channels) << 2) + GAP;
}

/** Bytes of one of the sixteen matrices of a filter, whole tiles of a product. */
function filterApart(rows: i32, columns: i32): i32 {
  return (((rows + MR - 1) / MR * MR * ((columns + NR - 1) & -NR)) << 2) + GAP;
}

/** Bytes of workspace, in front of that of the form that computes anew. */
export function winogradBytes(g: Geometry): i32 {
  const C = g.channels;
  const K = g.outChannels;
  return (
    HEAD + (max(C, NR) << 6) + PANEL + 16 * max(blockApart(C), blockApart(K)) +
    16 * max(filterApart(C, K), filterApart(K, C)) + ((9 * C * K) << 2)
  );
}

/** U in panels of eight columns. */
function packFilter(filter: usize, rows: i32, columns: i32, to: usize, spare: usize): void {
  const tap = (rows * columns) as usize << 2;
  const apart = filterApart(rows, columns) as usize;
  for (let j = 0; j < columns; j += 4) {
    let at = to + (((j & -NR) * rows + (j & 4)) << 2);
    for (let i = 0; i < rows; i++) {
      transformTaps(filter + (((i * columns + j) as usize) << 2), tap, at, apart, spare);
      at += 32;
    }
  }
}

/** Six rows of `depth` numbers, `row` bytes apart, times a panel of eight columns, to six rows of eight. */
function rowTile(a: usize, row: usize, b: usize, depth: i32, to: usize): void {
  let c00 = f32x4.splat(0), c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0), c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0), c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0), c31 = f32x4.splat(0);
  let c40 = f32x4.splat(0), c41 = f32x4.splat(0);
  let c50 = f32x4.splat(0), c51 = f32x4.splat(0);
  const row2 = row + row;
  const row4 = row2 + row2;
  let at: usize = a;
  for (let p = depth; p > 0; p -= 4) {
    const a1 = at + row, a2 = at + row2, a3 = a1 + row2, a4 = at + row4, a5 = a1 + row4;
    let b0 = v128.load(b, 0);
    let b1 = v128.load(b, 16);
    let x = v128.load_splat<f32>(at, 0);
    c00 = fma(x, b0, c00);
    c01 = fma(x, b1, c01);
    x = v128.load_splat<f32>(a1, 0);
    c10 = fma(x, b0, c10);
    c11 = fma(x, b1, c11);
    x = v128.load_splat<f32>(a2, 0);
    c20 = fma(x, b0, c20);
    c21 = fma(x, b1, c21);
    x = v128.load_splat<f32>(a3, 0);
    c30 = fma(x, b0, c30);
    c31 = fma(x, b1, c31);
    x = v128.load_splat<f32>(a4, 0);
    c40 = fma(x, b0, c40);
    c41 = fma(x, b1, c41);
    x = v128.load_splat<f32>(a5, 0);
    c50 = fma(x, b0, c50);
    c51 = fma(x, b1, c51);
    b0 = v128.load(b, 32);
    b1 = v128.load(b, 48);
    x = v128.load_splat<f32>(at, 4);
    c00 = fma(x, b0, c00);
    c01 = fma(x, b1, c01);
    x = v128.load_splat<f32>(a1, 4);
    c10 = fma(x, b0, c10);
    c11 = fma(x, b1, c11);
    x = v128.load_splat<f32>(a2, 4);
    c20 = fma(x, b0, c20);
    c21 = fma(x, b1, c21);
    x = v128.load_splat<f32>(a3, 4);
    c30 = fma(x, b0, c30);
    c31 = fma(x, b1, c31);
    x = v128.load_splat<f32>(a4, 4);
    c40 = fma(x, b0, c40);
    c41 = fma(x, b1, c41);
    x = v128.load_splat<f32>(a5, 4);
    c50 = fma(x, b0, c50);
    c51 = fma(x, b1, c51);
    b0 = v128.load(b, 64);
    b1 = v128.load(b, 80);
    x = v128.load_splat<f32>(at, 8);
    c00 = fma(x, b0, c00);
    c01 = fma(x, b1, c01);
    x = v128.load_splat<f32>(a1, 8);
    c10 = fma(x, b0, c10);
    c11 = fma(x, b1, c11);
    x = v128.load_splat<f32>(a2, 8);
    c20 = fma(x, b0, c20);
    c21 = fma(x, b1, c21);
    x = v128.load_splat<f32>(a3, 8);
    c30 = fma(x, b0, c30);
    c31 = fma(x, b1, c31);
    x = v128.load_splat<f32>(a4, 8);
    c40 = fma(x, b0, c40);
    c41 = fma(x, b1, c41);
    x = v128.load_splat<f32>(a5, 8);
    c50 = fma(x, b0, c50);
    c51 = fma(x, b1, c51);
    b0 = v128.load(b, 96);
    b1 = v128.load(b, 112);
    x = v128.load_splat<f32>(at, 12);
    c00 = fma(x, b0, c00);
    c01 = fma(x, b1, c01);
    x = v128.load_splat<f32>(a1, 12);
    c10 = fma(x, b0, c10);
    c11 = fma(x, b1, c11);
    x = v128.load_splat<f32>(a2, 12);
    c20 = fma(x, b0, c20);
    c21 = fma(x, b1, c21);
    x = v128.load_splat<f32>(a3, 12);
    c30 = fma(x, b0, c30);
    c31 = fma(x, b1, c31);
    x = v128.load_splat<f32>(a4, 12);
    c40 = fma(x, b0, c40);
    c41 = fma(x, b1, c41);
    x = v128.load_splat<f32>(a5, 12);
    c50 = fma(x, b0, c50);
    c51 = fma(x, b1, c51);
    at += 16;
    b += 128;
  }
  storeTile(c00, c01, c10, c11, c20, c21, c30, c31, c40, c41, c50, c51, to, NR, MR, NR, false, to);
}

/** Whether tiles of a kind do without one of the sixteen products. */
// @ts-ignore: decorator
@inline
function isLeftOut(f: i32, kind: i32): bool {
  return (kind & 2 && f >= 12) || (kind & 1 && (f & 3) == 3);
}

/** A panel of M: the products of `n` tiles and a panel of the filter. Those that the tiles do not need are zeros. */
function multiply(
  kind: i32, block: usize, apart: usize, depth: i32, n: i32, filter: usize, between: usize, to: usize,
): void {
  const row = (depth as usize) << 2;
  for (let f = 0; f < 16; f++) {
    if (isLeftOut(f, kind)) memory.fill(to, 0, (n as usize) << 5);
    else {
      for (let r: usize = 0; r < (n as usize); r += MR) rowTile(block + r * row, row, filter, depth, to + 32 * r);
    }
    block += apart;
    filter += between;
    to += PANEL >> 4;
  }
}

/** Whether all of `count` numbers, a multiple of four, are finite, and their sum. */
function allFinite(from: usize, count: i32): bool {
  let a = f32x4.splat(0);
  let b = a;
  const end = from + ((count & -8) as usize << 2);
  for (; from < end; from += 32) {
    a = f32x4.add(a, v128.load(from));
    b = f32x4.add(b, v128.load(from, 16));
  }
  if (count & 4) a = f32x4.add(a, v128.load(from));
  a = f32x4.mul(f32x4.add(a, b), f32x4.splat(0));
  return !v128.any_true(f32x4.ne(a, a));
}

/** Computes rows of the outputs of an image anew. */
function convolveAnew(
  g: Geometry, x: usize, filter: usize, y: usize, image: i32, first: i32, end: i32, part: Geometry, workspace: usize,
): void {
  const start = first - g.top;
  const skipped = min(max(start, 0), g.height);
  memory.copy(changetype<usize>(part), changetype<usize>(g), offsetof<Geometry>());
  part.batch = 1;
  part.outHeight = end - first;
  part.top = skipped - start;
  part.height = g.height - skipped;
  convolvePatches(
    part, x + (((image * g.height + skipped) * g.width * g.channels << 2) as usize), filter,
    y + (((image * g.outHeight + first) * g.outWidth * g.outChannels << 2) as usize), workspace,
  );
}

/** y, `[batch, out height, out width, out channels]`. */
export function convolveWinograd(g: Geometry, x: usize, filter: usize, y: usize, workspace: usize): void {
  const C = g.channels;
  const K = g.outChannels;
  const part = changetype<Geometry>(workspace);
  const spare = workspace + 64;
  const table = spare + 192;
  const patch = workspace + HEAD;
  const panel = patch + (max(C, NR) << 6);
  const block = panel + PANEL;
  const apart = blockApart(C) as usize;
  const between = filterApart(C, K) as usize;
  const packed = block + 16 * apart;
  const most = tilesOf(C);
  const pixel = (K as usize) << 2;
  packFilter(filter, C, K, packed, spare);
  for (let first = 0; first < g.batch; first += IMAGES) {
    const images = min(IMAGES, g.batch - first);
    const fromX = x + ((first * g.height * g.width * C << 2) as usize);
    const toY = y + ((first * g.outHeight * g.outWidth * K << 2) as usize);
    for (let kind = 0; kind < 4; kind++) {
      const tiles = countTiles(g, kind, images);
      for (let i = 0; i < tiles; i += most) {
        const n = min(most, tiles - i);
        placeTiles(g, kind, i, n, table);
        gatherPatches(g, table, fromX, n, block, apart, patch);
        for (let j = 0; j < K; j += NR) {
          multiply(kind, block, apart, C, n, packed + ((j * C << 2) as usize), between, panel);
          for (let r = 0; r < n; r++) {
            const to = toY + (changetype<Tile>(table + ((r * TILE) as usize)).outputs as usize) + ((j << 2) as usize);
            restoreOutputs(
              panel + ((r << 5) as usize), PANEL >> 4, min(NR, K - j), to, (g.outWidth as usize) * pixel, pixel, kind,
            );
          }
        }
      }
    }
    const line = g.outWidth * K;
    for (let b = 0; b < images; b++) {
      let bad = -1;
      for (let r = 0; r < g.outHeight; r += 2) {
        const end = min(r + 2, g.outHeight);
        const finite = allFinite(toY + (((b * g.outHeight + r) * line << 2) as usize), (end - r) * line);
        if (!finite && bad < 0) bad = r;
        if (bad >= 0 && (finite || end == g.outHeight)) {
          convolveAnew(g, fromX, filter, toY, b, bad, finite ? r : end, part, workspace + (winogradBytes(g) as usize));
          bad = -1;
        }
      }
    }
  }
}

/** dx, `[batch, height, width, channels]`. */
export function inputGradientWinograd(g: Geometry, dy: usize, filter: usize, dx: usize, workspace: usize): void {
  const C = g.channels;
  const K = g.outChannels;
  const part = changetype<Geometry>(workspace);
  const spare = workspace + 64;
  const table = spare + 192;
  const patch = workspace + HEAD;
  const panel = patch + (max(C, NR) << 6);
  const block = panel + PANEL;
  const apart = blockApart(K) as usize;
  const between = filterApart(K, C) as usize;
  const packed = block + 16 * apart;
  const turned = packed + 16 * between;
  const most = tilesOf(K);
  const pixel = (C as usize) << 2;
  const image = g.height * g.width * C;
  for (let tap: usize = 0; tap < 9; tap++) {
    const at = tap * ((C * K << 2) as usize);
    transpose(C, K, filter + at, K, turned + at, C);
  }
  packFilter(turned, K, C, packed, spare);
  for (let first = 0; first < g.batch; first += IMAGES) {
    const images = min(IMAGES, g.batch - first);
    const fromDy = dy + ((first * g.outHeight * g.outWidth * K << 2) as usize);
    const toX = dx + ((first * image << 2) as usize);
    memory.fill(toX, 0, (images * image << 2) as usize);
    for (let kind = 0; kind < 4; kind++) {
      const tiles = countTiles(g, kind, images);
      for (let i = 0; i < tiles; i += most) {
        const n = min(most, tiles - i);
        placeTiles(g, kind, i, n, table);
        gatherOutputs(g, table, kind, fromDy, K, n, block, (K as usize) << 2, apart);
        for (let j = 0; j < C; j += NR) {
          const columns = min(NR, C - j);
          multiply(kind, block, apart, K, n, packed + ((j * K << 2) as usize), between, panel);
          for (let r = 0; r < n; r++) {
            const t = changetype<Tile>(table + ((r * TILE) as usize));
            const at = toX + (t.patch as usize) + ((j << 2) as usize);
            const from = panel + ((r << 5) as usize);
            if (t.inside) addPatch(from, PANEL >> 4, columns, at, (g.width as usize) * pixel, pixel);
            else {
              memory.fill(patch, 0, 64 * NR);
              addPatch(from, PANEL >> 4, columns, patch, (columns << 4) as usize, (columns << 2) as usize);
              movePatch(t, g, at, patch, columns, true);
            }
          }
        }
      }
    }
    for (let b = 0; b < images; b++) {
      const to = toX + ((b * image << 2) as usize);
      if (allFinite(to, image)) continue;
      memory.copy(changetype<usize>(part), changetype<usize>(g), offsetof<Geometry>());
      part.batch = 1;
      const from = fromDy + ((b * g.outHeight * g.outWidth * K << 2) as usize);
      inputGradientPatches(part, from, filter, to, workspace + (winogradBytes(g) as usize));
    }
  }
}

/** dw, `[3, 3, channels, out channels]`. */
export function filterGradientWinograd(g: Geometry, x: usize, dy: usize, dw: usize, workspace: usize): void {
  const C = g.channels;
  const K = g.outChannels;
  const spare = workspace + 64;
  const table = spare + 192;
  const patch = workspace + HEAD;
  const panel = patch + (max(C, NR) << 6);
  const block = panel + PANEL;
  const apart = blockApart(C) as usize;
  const between = filterApart(C, K) as usize;
  const sums = block + 16 * apart;
  const most = tilesOf(C);
  const height = (C + MR - 1) / MR * MR;
  memory.fill(sums, 0, 16 * between);
  for (let first = 0; first < g.batch; first += IMAGES) {
    const images = min(IMAGES, g.batch - first);
    const fromX = x + ((first * g.height * g.width * C << 2) as usize);
    const fromDy = dy + ((first * g.outHeight * g.outWidth * K << 2) as usize);
    for (let kind = 0; kind < 4; kind++) {
      const tiles = countTiles(g, kind, images);
      for (let i = 0; i < tiles; i += most) {
        const n = min(most, tiles - i);
        placeTiles(g, kind, i, n, table);
        gatherPatches(g, table, fromX, n, block, apart, patch);
        for (let j = 0; j < K; j += NR) {
          gatherOutputs(g, table, kind, fromDy + ((j << 2) as usize), min(NR, K - j), n, panel, 32, PANEL >> 4);
          for (let f = 0; f < 16; f++) {
            if (isLeftOut(f, kind)) continue;
            const to = sums + (f as usize) * between + ((j * height << 2) as usize);
            const v = block + (f as usize) * apart;
            const z = panel + (f as usize) * (PANEL >> 4);
            for (let c = 0; c < C; c += MR) {
              tile(v + ((c << 2) as usize), (C as usize) << 2, z, n, to + ((c << 5) as usize), NR, MR, NR, true, spare);
            }
          }
        }
      }
    }
  }
  for (let c = 0; c < C; c++) {
    for (let j = 0; j < K; j += 4) {
      const from = sums + ((((j & -NR) * height + c * NR + (j & 4)) << 2) as usize);
      restoreTaps(from, between, dw + (((c * K + j) << 2) as usize), ((C * K) << 2) as usize, spare);
    }
  }
  if (!allFinite(dw, 9 * C * K)) filterGradientPatches(g, x, dy, dw, workspace + (winogradBytes(g) as usize));
}
