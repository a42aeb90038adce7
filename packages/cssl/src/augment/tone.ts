import type { Canvas } from './canvas.ts';
import { blended } from './blend.ts';
import { luma } from './detail.ts';

/** v → 255 - v. */
export function invert(canvas: Canvas): void {
  for (let v = 0; v < 256; v++) canvas.table[v] = 255 - v;
  applyTable(canvas, 0, 1);
}

/** Inverts the levels from `threshold` on. */
export function solarize(canvas: Canvas, threshold: number): void {
  for (let v = 0; v < 256; v++) canvas.table[v] = v < threshold ? v : 255 - v;
  applyTable(canvas, 0, 1);
}

/** Keeps the `bits` highest bits, 1–8, of each level. */
export function posterize(canvas: Canvas, bits: number): void {
  const mask = 256 - 2 ** (8 - bits);
  for (let v = 0; v < 256; v++) canvas.table[v] = v & mask;
  applyTable(canvas, 0, 1);
}

/** Blends with black: factor 0 is black, 1 the image, above 1 brighter. */
export function brightness(canvas: Canvas, factor: number): void {
  const alpha = Math.fround(factor);
  for (let v = 0; v < 256; v++) canvas.table[v] = blended(0, v, alpha);
  applyTable(canvas, 0, 1);
}

/** Blends with the mean grey of the whole image: factor 0 is that grey, 1 the image, above 1 more contrast. */
export function contrast(canvas: Canvas, factor: number): void {
  const { image, shape, table } = canvas;
  const pixels = shape[0] * shape[1];
  let sum = 0;
  for (let p = 0; p < pixels; p++) sum += shape[2] === 1 ? image[p]! : luma(image, 3 * p);
  const mean = Math.floor(sum / pixels + 0.5);
  const alpha = Math.fround(factor);
  for (let v = 0; v < 256; v++) table[v] = blended(mean, v, alpha);
  applyTable(canvas, 0, 1);
}

/** Stretches each channel so that its darkest level becomes 0 and its brightest 255; a channel of one level stays. */
export function autoContrast(canvas: Canvas): void {
  const { shape, histogram, table } = canvas;
  for (let channel = 0; channel < shape[2]; channel++) {
    countLevels(canvas, channel);
    let low = 0;
    let high = 255;
    while (histogram[low] === 0) low++;
    while (histogram[high] === 0) high--;
    if (high <= low) continue;
    const scale = 255 / (high - low);
    const offset = -low * scale;
    for (let v = low; v <= high; v++) table[v] = Math.min(255, Math.max(0, v * scale + offset));
    applyTable(canvas, channel, shape[2]);
  }
}

/** Flattens the histogram of each channel; one of fewer than 255 pixels below its brightest level stays. */
export function equalize(canvas: Canvas): void {
  const { image, shape, histogram, table } = canvas;
  for (let channel = 0; channel < shape[2]; channel++) {
    countLevels(canvas, channel);
    let high = 255;
    while (histogram[high] === 0) high--;
    const step = Math.floor((image.length / shape[2] - histogram[high]!) / 255);
    if (step === 0) continue;
    let below = Math.floor(step / 2);
    for (let v = 0; v < 256; v++) {
      table[v] = Math.min(255, Math.floor(below / step));
      below += histogram[v]!;
    }
    applyTable(canvas, channel, shape[2]);
  }
}

function countLevels({ image, shape, histogram }: Canvas, channel: number): void {
  histogram.fill(0);
  for (let i = channel; i < image.length; i += shape[2]) {
    const level = image[i]!;
    histogram[level] = histogram[level]! + 1;
  }
}

function applyTable({ image, table }: Canvas, first: number, stride: number): void {
  for (let i = first; i < image.length; i += stride) image[i] = table[image[i]!]!;
}
