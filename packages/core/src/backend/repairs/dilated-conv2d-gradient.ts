/**
 * The gradient of `conv2d` with a dilation above 1, which TensorFlow.js refuses, on every engine.
 *
 * With dilation d the stride is 1 and `y[b,i,j,o] = Σ x[b, i + k·d − p, j + l·d − p, c] · w[k,l,c,o]`, so the input's
 * gradient is a convolution of dy with the turned, equally dilated filter, and the filter's gradient is the
 * convolution of x with dy, batch and channels exchanged, at stride d.
 *
 * A layer without activation, or with one that TensorFlow.js does not fuse, takes a fused operation with a check
 * of its own and is refused still; relu and elu are not.
 */
import { backend_util, Conv2D, conv2d, getGradient, reverse, slice, transpose } from '@tensorflow/tfjs-core';
import type { Conv2DAttrs, GradConfig, Tensor4D } from '@tensorflow/tfjs-core';
import { UnsupportedModelError } from '../../errors.ts';

type Pads = readonly [before: number, after: number];

/** The gradient to register over the stock one; empty where it is in place or no gradients are imported. */
export function dilatedConv2dGradients(): readonly GradConfig[] {
  const stock = getGradient(Conv2D);
  if (!stock || ours.has(stock)) return [];
  const replacement: GradConfig = {
    ...stock,
    gradFunc: (dy, saved, attrs) => {
      const { dilations } = attrs as unknown as Conv2DAttrs;
      const [dilationHeight, dilationWidth] = pair(dilations);
      if (dilationHeight === 1 && dilationWidth === 1) return stock.gradFunc(dy, saved, attrs);
      const [x, filter] = saved as [Tensor4D, Tensor4D];
      return dilatedGradient(dy as Tensor4D, x, filter, attrs as unknown as Conv2DAttrs);
    },
  };
  ours.add(replacement);
  return [replacement];
}

const ours = new WeakSet<GradConfig>();

function dilatedGradient(
  dy: Tensor4D,
  x: Tensor4D,
  filter: Tensor4D,
  { strides, dilations, pad, dataFormat, dimRoundingMode }: Conv2DAttrs,
): { x: () => Tensor4D; filter: () => Tensor4D } {
  if (dataFormat !== 'NHWC') {
    throw new UnsupportedModelError(
      `backend.conv2d: the gradient of a dilated convolution needs NHWC, got ${dataFormat}. ` +
        "Build the layer with dataFormat 'channelsLast'.",
    );
  }
  const info = backend_util.computeConv2DInfo(
    x.shape,
    filter.shape,
    strides,
    dilations,
    pad,
    dimRoundingMode,
  );
  const d: [number, number] = [info.dilationHeight, info.dilationWidth];
  const reach: Pads = [info.effectiveFilterHeight - 1, info.effectiveFilterWidth - 1];
  const { top, left } = info.padInfo;
  return {
    x: () =>
      convolve(
        dy,
        transpose(reverse(filter, [0, 1]), [0, 1, 3, 2]),
        [reach[0] - top, info.inHeight - info.outHeight + top],
        [reach[1] - left, info.inWidth - info.outWidth + left],
        [1, 1],
        d,
      ),
    filter: () =>
      transpose(
        convolve(
          transpose(x, [3, 1, 2, 0]),
          transpose(dy, [1, 2, 0, 3]),
          [top, info.outHeight + reach[0] - info.inHeight - top],
          [left, info.outWidth + reach[1] - info.inWidth - left],
          d,
          [1, 1],
        ),
        [1, 2, 0, 3],
      ),
  };
}

/** A convolution whose padding may be negative, which crops. */
function convolve(
  x: Tensor4D,
  filter: Tensor4D,
  rows: Pads,
  columns: Pads,
  strides: [number, number],
  dilations: [number, number],
): Tensor4D {
  const crop = (pad: number): number => Math.max(-pad, 0);
  const [n, height, width, channels] = x.shape;
  const cropped = slice(
    x,
    [0, crop(rows[0]), crop(columns[0]), 0],
    [n, height - crop(rows[0]) - crop(rows[1]), width - crop(columns[0]) - crop(columns[1]), channels],
  );
  const kept = ([before, after]: Pads): [number, number] => [Math.max(before, 0), Math.max(after, 0)];
  return conv2d(cropped, filter, strides, [[0, 0], kept(rows), kept(columns), [0, 0]], 'NHWC', dilations);
}

function pair(value: number | [number, number]): [number, number] {
  return typeof value === 'number' ? [value, value] : value;
}
