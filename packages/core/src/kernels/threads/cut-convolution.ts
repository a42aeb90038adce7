/** How the work of a convolution is cut. Places are in numbers, not bytes. */
import type { Conv2dGeometry } from '../conv2d-geometry.ts';
import { cut } from './cut.ts';

/** A part of a convolution, and where its images and outputs begin. */
export interface ConvolutionPart {
  readonly g: Conv2dGeometry;
  readonly x: number;
  readonly y: number;
}

/** Multiply-adds from which a filter's gradient is cut, whoever computes it. */
const LEAST_WORK = 1_000_000;
/** Parts of a filter's gradient, at most. */
const PARTS = 8;
/** Positions of a part, at least, and numbers of all parts, at most: adding them is then little beside the products. */
const LEAST_POSITIONS = 1024;
const MOST_PARTIAL = 1 << 20;
/** The same where there are products of tiles, which are to be had of whole images only. */
const LEAST_TILED_POSITIONS = 256;
const MOST_TILED_PARTIAL = 1 << 22;
/** Channels from which each tap of a filter can be a part: dy is then packed once more for at least so many products. */
const TAP_CHANNELS = 32;
const MOST_TAPS = 128;

/** Up to `pieces` parts of whole images. */
export function cutBatch(g: Conv2dGeometry, pieces: number): ConvolutionPart[] {
  return cut(g.batch, pieces).map(([first, end]) => ({
    g: { ...g, batch: end - first },
    x: first * imageOf(g),
    y: first * outputOf(g),
  }));
}

/** Rows of outputs of the tiles of `assembly/winograd.ts`: parts begin with a tile, so that they have those of the whole. */
const TILE_ROWS = 2;

/** A part of one image in up to `pieces` parts of rows of outputs; one of several images as it is. */
export function cutRows(part: ConvolutionPart, pieces: number): ConvolutionPart[] {
  const { g, x, y } = part;
  if (g.batch !== 1 || pieces < 2) return [part];
  return cut(g.outHeight, pieces, TILE_ROWS).map(([row, end]) => {
    const start = row * g.strideHeight - g.top; // the image's first row that is read
    const skipped = Math.min(Math.max(start, 0), g.height);
    return {
      g: { ...g, outHeight: end - row, top: skipped - start, height: g.height - skipped },
      x: x + skipped * g.width * g.channels,
      y: y + row * g.outWidth * g.outChannels,
    };
  });
}

/** Parts of images that a filter's gradient is summed in: 1 where it is not large enough, or adding them would cost too much. */
export function summedParts(g: Conv2dGeometry): number {
  if (workOf(g) < LEAST_WORK) return 1;
  const positions = g.batch * g.outHeight * g.outWidth;
  const [least, most] = g.tiled
    ? [LEAST_TILED_POSITIONS, MOST_TILED_PARTIAL]
    : [LEAST_POSITIONS, MOST_PARTIAL];
  const affordable = Math.min(positions / least, most / filterOf(g));
  return Math.max(1, Math.min(PARTS, g.batch, Math.floor(affordable)));
}

/** The gradient of each tap by itself, with its place in that of the filter; all at once where that would cost too much. */
export function taps(g: Conv2dGeometry): { readonly g: Conv2dGeometry; readonly w: number }[] {
  const count = g.filterHeight * g.filterWidth;
  if (workOf(g) < LEAST_WORK || g.channels < TAP_CHANNELS || count > MOST_TAPS) return [{ g, w: 0 }];
  return Array.from({ length: count }, (_, tap) => {
    const top = g.top - Math.floor(tap / g.filterWidth) * g.dilationHeight;
    const left = g.left - (tap % g.filterWidth) * g.dilationWidth;
    return {
      g: { ...g, filterHeight: 1, filterWidth: 1, top, left, tiled: false },
      w: tap * g.channels * g.outChannels,
    };
  });
}

export const imageOf = (g: Conv2dGeometry): number => g.height * g.width * g.channels;
export const outputOf = (g: Conv2dGeometry): number => g.outHeight * g.outWidth * g.outChannels;
export const filterOf = (g: Conv2dGeometry): number =>
  g.filterHeight * g.filterWidth * g.channels * g.outChannels;
/** Multiply-adds. */
export const workOf = (g: Conv2dGeometry): number =>
  g.batch * outputOf(g) * g.filterHeight * g.filterWidth * g.channels;
