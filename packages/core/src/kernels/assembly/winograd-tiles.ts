/** The tiles of `winograd.ts`: 2 × 2 outputs each, and the patches of 4 × 4 pixels that they depend on. */
import { Geometry } from './conv2d';
import { transformOutputs, transformPatch } from './winograd-transforms';

/**
 * Where the outputs of a tile and its patch begin, in bytes, and the patch's first row and column, maybe outside of the
 * image.
 */
// @ts-ignore: decorator
@unmanaged
export class Tile {
  outputs: u32;
  patch: u32;
  y: i32;
  x: i32;
  inside: bool;
}

/** Bytes of a tile. */
export const TILE: i32 = 20;

/** The number of tiles of a kind of some images. Kinds 2 and 3 lack their second row, 1 and 3 their second column. */
export function countTiles(g: Geometry, kind: i32, images: i32): i32 {
  return (
    images * (kind & 2 ? g.outHeight & 1 : g.outHeight >> 1) * (kind & 1 ? g.outWidth & 1 : g.outWidth >> 1)
  );
}

/** Places `n` tiles of a kind from `first` on. */
export function placeTiles(g: Geometry, kind: i32, first: i32, n: i32, to: usize): void {
  const across = kind & 1 ? 1 : g.outWidth >> 1;
  const down = kind & 2 ? 1 : g.outHeight >> 1;
  for (let r = 0; r < n; r++) {
    const t = changetype<Tile>(to);
    const line = (first + r) / across;
    const image = line / down;
    const x = kind & 1 ? g.outWidth - 1 : 2 * (first + r - line * across);
    const y = kind & 2 ? g.outHeight - 1 : 2 * (line - image * down);
    t.outputs = (((image * g.outHeight + y) * g.outWidth + x) * g.outChannels) << 2;
    t.y = y - g.top;
    t.x = x - g.left;
    t.patch = (((image * g.height + t.y) * g.width + t.x) * g.channels) << 2;
    t.inside = t.y >= 0 && t.x >= 0 && t.y + 4 <= g.height && t.x + 4 <= g.width;
    to += TILE;
  }
}

/** Copies a patch that is partly outside, as zeros there, to `spare`; or adds `spare` to where it is inside. */
export function movePatch(t: Tile, g: Geometry, at: usize, spare: usize, channels: i32, add: bool): void {
  const zero = f32x4.splat(0);
  const bytes = (channels as usize) << 2;
  for (let i = 0; i < 4; i++) {
    for (let j = 0; j < 4; j++) {
      const inside = <u32>(t.y + i) < <u32>g.height && <u32>(t.x + j) < <u32>g.width;
      const pixel = at + ((((i * g.width + j) * g.channels) << 2) as usize);
      for (let c: usize = 0; c < bytes; c += 16) {
        const own = inside ? v128.load(pixel + c) : zero;
        if (!add) v128.store(spare + c, own);
        else if (inside) v128.store(pixel + c, f32x4.add(own, v128.load(spare + c)));
      }
      spare += bytes;
    }
  }
}

/** V of `n` tiles. */
export function gatherPatches(
  g: Geometry,
  tiles: usize,
  x: usize,
  n: i32,
  to: usize,
  apart: usize,
  spare: usize,
): void {
  const pixel = (g.channels as usize) << 2;
  for (let r = 0; r < n; r++) {
    const t = changetype<Tile>(tiles);
    const at = x + (t.patch as usize);
    if (!t.inside) movePatch(t, g, at, spare, g.channels, false);
    transformPatch(
      t.inside ? at : spare,
      t.inside ? (g.width as usize) * pixel : 4 * pixel,
      g.channels,
      to,
      apart,
    );
    tiles += TILE;
    to += pixel;
  }
}

/** Transformed outputs of `n` tiles, of which `dy` is the first channel of `channels`. */
export function gatherOutputs(
  g: Geometry,
  tiles: usize,
  kind: i32,
  dy: usize,
  channels: i32,
  n: i32,
  to: usize,
  step: usize,
  apart: usize,
): void {
  const pixel = (g.outChannels as usize) << 2;
  const row = (g.outWidth as usize) * pixel;
  for (let r = 0; r < n; r++) {
    transformOutputs(dy + (changetype<Tile>(tiles).outputs as usize), row, pixel, channels, kind, to, apart);
    tiles += TILE;
    to += step;
  }
}
