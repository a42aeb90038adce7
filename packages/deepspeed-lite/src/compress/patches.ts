/** What a convolution multiplies its filters by. */
import {
  concat,
  pad,
  reshape,
  slice,
  stridedSlice,
  tidy,
  type Tensor2D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';

/** Sizes of a convolution, channels last. */
export interface PatchSizes {
  readonly kernelSize: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly padding: 'same' | 'valid';
  readonly dilationRate: readonly [number, number];
}

/**
 * The patches under every position of a filter, `[batch · height · width, kernel height · kernel width · channels]`: a
 * convolution is their product with the filter's matrix.
 *
 * @param x `[batch, height, width, channels]`.
 */
export function patchesOf(x: Tensor4D, sizes: PatchSizes): Tensor2D {
  const { kernelSize, strides, padding, dilationRate } = sizes;
  return tidy(() => {
    const [batch, , , channels] = x.shape;
    const axes = [0, 1].map((a) => {
      const [size, stride] = [x.shape[a + 1]!, strides[a]!];
      const reach = (kernelSize[a]! - 1) * dilationRate[a]! + 1;
      const count = padding === 'same' ? Math.ceil(size / stride) : Math.floor((size - reach) / stride) + 1;
      const missing = Math.max(0, (count - 1) * stride + reach - size);
      const before = padding === 'same' ? Math.floor(missing / 2) : 0;
      return { stride, count, before, after: padding === 'same' ? missing - before : 0 };
    });
    const [h, w] = axes as [(typeof axes)[number], (typeof axes)[number]];
    const padded = pad(x, [
      [0, 0],
      [h.before, h.after],
      [w.before, w.after],
      [0, 0],
    ]);
    const parts: Tensor4D[] = [];
    for (let i = 0; i < kernelSize[0]; i++) {
      for (let j = 0; j < kernelSize[1]; j++) {
        const [top, left] = [i * dilationRate[0], j * dilationRate[1]];
        const [rows, columns] = [(h.count - 1) * h.stride + 1, (w.count - 1) * w.stride + 1];
        const part = slice(padded, [0, top, left, 0], [batch, rows, columns, channels]);
        const thinned = stridedSlice(part, [0, 0, 0, 0], part.shape, [1, h.stride, w.stride, 1]);
        parts.push(thinned as Tensor4D);
      }
    }
    return reshape(concat(parts, 3), [batch * h.count * w.count, parts.length * channels]);
  });
}
