import { swap, type Canvas } from './canvas.ts';

/**
 * Shears the image to the left by `slope` columns a row, the first row staying: out(x, y) = in(x + slope · y, y).
 */
export function shearX(canvas: Canvas, slope: number): void {
  affine(canvas, 1, slope, 0, 0, 1, 0);
}

/** Shears upwards by `slope` rows a column, the first column staying: out(x, y) = in(x, y + slope · x). */
export function shearY(canvas: Canvas, slope: number): void {
  affine(canvas, 1, 0, 0, slope, 1, 0);
}

/** Moves the image right by whole pixels, the fraction dropped; to the left if below 0. */
export function translateX(canvas: Canvas, pixels: number): void {
  affine(canvas, 1, 0, -Math.trunc(pixels), 0, 1, 0);
}

/** Moves the image down by whole pixels, the fraction dropped; up if below 0. */
export function translateY(canvas: Canvas, pixels: number): void {
  affine(canvas, 1, 0, 0, 0, 1, -Math.trunc(pixels));
}

/** Turns the image counter-clockwise about its centre; the size stays and the corners are cut off. */
export function rotate(canvas: Canvas, degrees: number): void {
  const [height, width] = canvas.shape;
  const angle = (degrees * Math.PI) / 180;
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  const x = width / 2;
  const y = height / 2;
  affine(canvas, cos, -sin, x - cos * x + sin * y, sin, cos, y - sin * x - cos * y);
}

/**
 * out(x, y) = in(a x + b y + c, d x + e y + f) where the centre of a pixel is half a pixel from its corner. What lies
 * outside is filled.
 */
function affine(canvas: Canvas, a: number, b: number, c: number, d: number, e: number, f: number): void {
  if (a === 1 && b === 0 && c === 0 && d === 0 && e === 1 && f === 0) return;
  if (canvas.interpolation === 'nearest') nearest(canvas, a, b, c, d, e, f);
  else bilinear(canvas, a, b, c, d, e, f);
  swap(canvas);
}

/** Steps in fixed point, as the reference does, so that a coordinate on the edge of a pixel falls to the same side. */
function nearest(
  { image, spare, shape: [height, width, channels], fill }: Canvas,
  a: number,
  b: number,
  c: number,
  d: number,
  e: number,
  f: number,
): void {
  const stepX = fixed(a);
  const stepY = fixed(d);
  const rowX = fixed(b);
  const rowY = fixed(e);
  let startX = fixed(c + a * 0.5 + b * 0.5);
  let startY = fixed(f + d * 0.5 + e * 0.5);
  let to = 0;
  for (let y = 0; y < height; y++) {
    let fromX = startX;
    let fromY = startY;
    for (let x = 0; x < width; x++) {
      const column = fromX >> 16;
      const row = fromY >> 16;
      if (column >= 0 && column < width && row >= 0 && row < height) {
        const from = (row * width + column) * channels;
        for (let k = 0; k < channels; k++) spare[to++] = image[from + k]!;
      } else {
        for (let k = 0; k < channels; k++) spare[to++] = fill;
      }
      fromX += stepX;
      fromY += stepY;
    }
    startX += rowX;
    startY += rowY;
  }
}

/** In 16 binary places. */
function fixed(value: number): number {
  return Math.floor(value * 65536 + 0.5);
}

/** Between the four nearest pixels, the border's repeated; the result is cut to a whole level, not rounded. */
function bilinear(
  { image, spare, shape: [height, width, channels], fill }: Canvas,
  a: number,
  b: number,
  c: number,
  d: number,
  e: number,
  f: number,
): void {
  let to = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const fromX = a * (x + 0.5) + b * (y + 0.5) + c;
      const fromY = d * (x + 0.5) + e * (y + 0.5) + f;
      if (!(fromX >= 0 && fromX < width && fromY >= 0 && fromY < height)) {
        for (let k = 0; k < channels; k++) spare[to++] = fill;
        continue;
      }
      const left = Math.floor(fromX - 0.5);
      const top = Math.floor(fromY - 0.5);
      const right = fromX - 0.5 - left;
      const down = fromY - 0.5 - top;
      const x0 = Math.max(left, 0) * channels;
      const x1 = Math.min(left + 1, width - 1) * channels;
      const y0 = Math.max(top, 0) * width * channels;
      const y1 = Math.min(top + 1, height - 1) * width * channels;
      for (let k = 0; k < channels; k++) {
        const above = image[y0 + x0 + k]! + (image[y0 + x1 + k]! - image[y0 + x0 + k]!) * right;
        const below = image[y1 + x0 + k]! + (image[y1 + x1 + k]! - image[y1 + x0 + k]!) * right;
        spare[to++] = above + (below - above) * down;
      }
    }
  }
}
