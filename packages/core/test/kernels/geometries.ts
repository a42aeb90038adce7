import fc from 'fast-check';
import { GEOMETRY_BYTES, writeGeometry, type Conv2dGeometry } from '../../src/kernels/index.ts';
import type { Bench } from './memory.ts';

const small = (min: number, max: number) => fc.integer({ min, max });
const rarely = (value: number, otherwise: fc.Arbitrary<number>) =>
  fc.oneof({ weight: 30, arbitrary: otherwise }, { weight: 1, arbitrary: fc.constant(value) });

/** Convolutions and windows of every size, stride, dilation and padding, now and then without an image or a channel. */
export const geometries: fc.Arbitrary<Conv2dGeometry> = fc
  .record({
    ...{ batch: rarely(0, small(1, 3)), height: small(1, 12), width: small(1, 12) },
    channels: rarely(0, fc.oneof(small(1, 9), fc.constantFrom(16, 20, 24, 40))),
    outChannels: rarely(0, fc.oneof(small(1, 9), fc.constantFrom(16, 40, 100))),
    ...{
      filterHeight: small(1, 4),
      filterWidth: small(1, 4),
      strideHeight: small(1, 3),
      strideWidth: small(1, 3),
    },
    ...{ dilationHeight: small(1, 2), dilationWidth: small(1, 2), top: small(0, 3), left: small(0, 3) },
    ...{ bottom: small(0, 3), right: small(0, 3) },
  })
  .map(({ bottom, right, ...g }): Conv2dGeometry => {
    const out = (size: number, filter: number, dilation: number, stride: number) =>
      Math.floor((size - ((filter - 1) * dilation + 1)) / stride) + 1;
    return {
      ...g,
      outHeight: out(g.height + g.top + bottom, g.filterHeight, g.dilationHeight, g.strideHeight),
      outWidth: out(g.width + g.left + right, g.filterWidth, g.dilationWidth, g.strideWidth),
    };
  })
  .filter(({ outHeight, outWidth }) => outHeight > 0 && outWidth > 0);

/** Convolutions by tiles: even and odd numbers of outputs, images within their padding and larger than what is read of them. */
export const tiledGeometries: fc.Arbitrary<Conv2dGeometry> = fc
  .record({
    ...{ batch: rarely(7, small(1, 2)), height: small(1, 7), width: small(1, 9) },
    ...{ channels: fc.constantFrom(8, 12, 16, 20), outChannels: fc.constantFrom(8, 12, 16, 20) },
    ...{ top: small(-1, 3), left: small(-1, 3), bottom: small(-1, 3), right: small(-1, 3) },
  })
  .map(({ bottom, right, ...g }): Conv2dGeometry => {
    return {
      ...{ ...g, outHeight: g.height + g.top + bottom - 2, outWidth: g.width + g.left + right - 2 },
      ...{ filterHeight: 3, filterWidth: 3, strideHeight: 1, strideWidth: 1 },
      ...{ dilationHeight: 1, dilationWidth: 1, tiled: true },
    };
  })
  .filter(({ outHeight, outWidth }) => outHeight > 0 && outWidth > 0);

/** A convolution of 3 × 3 filters over square images. */
export function square(batch: number, size: number, channels: number, padding: number): Conv2dGeometry {
  const out = size + 2 * padding - 2;
  return {
    ...{ batch, height: size, width: size, channels, outHeight: out, outWidth: out, outChannels: channels },
    ...{ filterHeight: 3, filterWidth: 3, strideHeight: 1, strideWidth: 1 },
    ...{ dilationHeight: 1, dilationWidth: 1, top: padding, left: padding },
  };
}

/** Writes a geometry where the kernels of a bench can read it. */
export function placed({ place, memory }: Bench, geometry: Conv2dGeometry): number {
  const at = place(GEOMETRY_BYTES / 4);
  writeGeometry(memory, at, geometry);
  return at;
}

/** How many numbers an image, an output and a filter have. */
export function sizesOf(g: Conv2dGeometry): { x: number; y: number; w: number } {
  return {
    x: g.batch * g.height * g.width * g.channels,
    y: g.batch * g.outHeight * g.outWidth * g.outChannels,
    w: g.filterHeight * g.filterWidth * g.channels * g.outChannels,
  };
}
