/** The sizes of a convolution of `[batch, height, width, channels]`. */
export interface Conv2dGeometry {
  /** Images. */
  readonly batch: number;
  /** Of an image, in pixels. */
  readonly height: number;
  /** Of an image, in pixels. */
  readonly width: number;
  /** Of an image. */
  readonly channels: number;
  /** Of an output, in pixels. */
  readonly outHeight: number;
  /** Of an output, in pixels. */
  readonly outWidth: number;
  /** Of an output: the number of filters. */
  readonly outChannels: number;
  /** Of a filter, in its own pixels, without dilation. */
  readonly filterHeight: number;
  /** Of a filter, in its own pixels, without dilation. */
  readonly filterWidth: number;
  /** Rows from one output to the next, from 1. */
  readonly strideHeight: number;
  /** Columns from one output to the next, from 1. */
  readonly strideWidth: number;
  /** Rows from one filter pixel to the next, from 1. */
  readonly dilationHeight: number;
  /** Columns from one filter pixel to the next, from 1. */
  readonly dilationWidth: number;
  /** Zeros above and to the left of the image. */
  readonly top: number;
  /** Zeros to the left of the image. */
  readonly left: number;
  /** Whether 3 × 3 filters are applied to tiles of outputs, with fewer products. Default: whether that is faster. */
  readonly tiled?: boolean;
}

/** Products of tiles that packing and transforming a filter takes as long as, for each pair of channels. */
const PACKING = 100;
/** Pairs of channels for which it takes as long as one more: their matrices leave the caches. */
const PAIRS = 2048;
/** Time of a product of tiles with their transforms, in those of a product without; measured. */
const TRANSFORMS = 1.45;
/** Pairs of channels, at most: their sixteen matrices then take 16 MB. */
const MOST_PAIRS = 1 << 18;

/**
 * Whether a convolution and its gradients are faster by Winograd's minimal filtering (`assembly/winograd.ts`): 3 × 3 filters
 * that move pixel by pixel, at least 8 channels on both sides, and so many tiles that a group of six images fills products.
 */
export function isTiled(g: Conv2dGeometry): boolean {
  const sizes = [
    g.filterHeight,
    g.filterWidth,
    g.strideHeight,
    g.strideWidth,
    g.dilationHeight,
    g.dilationWidth,
  ];
  if (sizes.join() !== '3,3,1,1,1,1') return false;
  if (g.channels % 4 || g.outChannels % 4 || Math.min(g.channels, g.outChannels) < 8) return false;
  if (g.channels * g.outChannels > MOST_PAIRS) return false;
  const [down, across] = [g.outHeight >> 1, g.outWidth >> 1];
  const [below, beside] = [g.outHeight & 1, g.outWidth & 1];
  const rows = (images: number, tiles: number): number => 6 * Math.ceil((images * tiles) / 6);
  const products = (images: number): number =>
    16 * rows(images, down * across) +
    12 * (rows(images, below * across) + rows(images, down * beside)) +
    9 * rows(images, below * beside);
  const groups = Math.floor(g.batch / 6);
  const all = groups * products(6) + products(g.batch % 6);
  return (
    TRANSFORMS * (all + PACKING + (g.channels * g.outChannels) / PAIRS) <
    9 * g.batch * g.outHeight * g.outWidth
  );
}

/** Bytes of {@link writeGeometry}. */
export const GEOMETRY_BYTES = 64;

/** Writes a geometry as the kernels read it. */
export function writeGeometry(memory: WebAssembly.Memory, address: number, g: Conv2dGeometry): void {
  const fields = [
    ...[g.batch, g.height, g.width, g.channels, g.outHeight, g.outWidth, g.outChannels],
    ...[g.filterHeight, g.filterWidth, g.strideHeight, g.strideWidth, g.dilationHeight, g.dilationWidth],
    ...[g.top, g.left, Number(g.tiled ?? isTiled(g))],
  ];
  new Int32Array(memory.buffer, address, fields.length).set(fields);
}

/** What {@link writeGeometry} wrote. */
export function readGeometry(memory: WebAssembly.Memory, address: number): Conv2dGeometry {
  const fields = new Int32Array(memory.buffer, address >>> 0, 16);
  const [batch, height, width, channels, outHeight, outWidth, outChannels] = fields as unknown as Fields;
  const [filterHeight, filterWidth, strideHeight, strideWidth, dilationHeight, dilationWidth] =
    fields.subarray(7) as unknown as Fields;
  const [top, left, tiled] = fields.subarray(13) as unknown as Fields;
  return {
    ...{ batch, height, width, channels, outHeight, outWidth, outChannels },
    ...{ filterHeight, filterWidth, strideHeight, strideWidth, dilationHeight, dilationWidth },
    ...{ top, left, tiled: tiled === 1 },
  };
}

type Fields = [number, number, number, number, number, number, number];
