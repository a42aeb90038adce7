import type { Random } from '@ockham/core/random';
import type { Augmentation, ImageShape } from '../image.ts';
import { checkNumber } from './check-number.ts';

/** How far a warp turns, stretches, shifts and pulls an image. 0 leaves a part out. */
export interface WarpOptions {
  /** Degrees either way, 0–180. Default 12. */
  readonly rotate?: number;
  /** Columns a row either way, 0–1. Default 0.2. */
  readonly shear?: number;
  /** Logarithm of the factor by which height and width change, each for itself, 0–1. Default 0.1. */
  readonly scale?: number;
  /** Pixels in both directions, fractions too. Default 2. */
  readonly translate?: number;
  /** Standard deviation, in pixels, of the displacement of the nodes of a 6 × 6 net over the image. Default 1. */
  readonly elastic?: number;
  /** Grey level of what comes in from outside, 0–255. Default 0. */
  readonly fill?: number;
}

/** Meshes of the net along a side. */
const meshes = 5;

/**
 * Random warp: each image is rotated, sheared, stretched, shifted and pulled at the nodes of a coarse net, all in one bilinear
 * resampling. What hand-written characters bear: no flip, small angles.
 *
 * Elastic distortions: Simard, Steinkraus and Platt 2003, §2. Deviations: displacements are drawn at the nodes of a net and
 * interpolated, in place of a field for every pixel that a Gaussian smooths: 72 draws an image and no convolution.
 */
export function warp(options: WarpOptions, shape: ImageShape): Augmentation {
  const { rotate = 12, shear = 0.2, scale = 0.1, translate = 2, elastic = 1, fill = 0 } = options;
  checkNumber('warp', 'rotate', rotate, 0, 180);
  checkNumber('warp', 'shear', shear, 0, 1);
  checkNumber('warp', 'scale', scale, 0, 1);
  checkNumber('warp', 'translate', translate, 0, Infinity);
  checkNumber('warp', 'elastic', elastic, 0, Infinity);
  checkNumber('warp', 'fill', fill, 0, 255);
  const length = shape[0] * shape[1] * shape[2];
  const source = new Float32Array(length);
  const net = makeNet(shape);
  const between = (random: Random, reach: number) => reach * (2 * random.uniform() - 1);
  return ({ size, pixels }, random) => {
    for (let image = 0; image < size; image++) {
      const angle = (between(random, rotate) * Math.PI) / 180;
      const slope = between(random, shear);
      const wide = Math.exp(between(random, scale));
      const high = Math.exp(between(random, scale));
      const right = between(random, translate);
      const down = between(random, translate);
      for (const nodes of [net.right, net.down])
        for (let i = 0; i < nodes.length; i++) nodes[i] = elastic > 0 ? random.normal(0, elastic) : 0;
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
      source.set(pixels.subarray(image * length, (image + 1) * length));
      const matrix = [wide * cos, wide * (slope - sin), right, high * sin, high * cos, down] as const;
      resample(source, pixels.subarray(image * length, (image + 1) * length), shape, matrix, net, fill);
    }
  };
}

/** Displacements at the nodes, row-major, and where pixels lie between them. */
interface Net {
  readonly right: Float64Array;
  readonly down: Float64Array;
  readonly rows: Places;
  readonly columns: Places;
}

/** For each pixel along a side: the node before it, and the weight of the node after it. */
interface Places {
  readonly node: Int32Array;
  readonly weight: Float64Array;
}

function makeNet([height, width]: ImageShape): Net {
  const nodes = (meshes + 1) ** 2;
  return {
    right: new Float64Array(nodes),
    down: new Float64Array(nodes),
    rows: placesAlong(height),
    columns: placesAlong(width),
  };
}

function placesAlong(side: number): Places {
  const at = Float64Array.from({ length: side }, (_, i) => (side > 1 ? (i / (side - 1)) * meshes : 0));
  const node = Int32Array.from(at, (place) => Math.min(Math.floor(place), meshes - 1));
  // 3t² − 2t³ has no slope at the nodes, so that the net leaves no creases
  const weight = at.map((place, i) => (place - node[i]!) ** 2 * (3 - 2 * (place - node[i]!)));
  return { node, weight };
}

/** out(x, y) = in(c + M (x − c, y − c) + shift + net), bilinear, pixel centres at whole numbers. */
function resample(
  source: Float32Array,
  target: Float32Array,
  [height, width, channels]: ImageShape,
  [xx, xy, x0, yx, yy, y0]: readonly [number, number, number, number, number, number],
  { right, down, rows, columns }: Net,
  fill: number,
): void {
  const [middleX, middleY] = [(width - 1) / 2, (height - 1) / 2];
  const rowRight = new Float64Array(meshes + 1);
  const rowDown = new Float64Array(meshes + 1);
  const line = width * channels;
  let to = 0;
  for (let y = 0; y < height; y++) {
    const above = rows.node[y]! * (meshes + 1);
    const lower = rows.weight[y]!;
    const startX = middleX + x0 + xy * (y - middleY) - xx * middleX;
    const startY = middleY + y0 + yy * (y - middleY) - yx * middleX;
    for (let i = 0; i <= meshes; i++) {
      rowRight[i] = startX + right[above + i]! * (1 - lower) + right[above + meshes + 1 + i]! * lower;
      rowDown[i] = startY + down[above + i]! * (1 - lower) + down[above + meshes + 1 + i]! * lower;
    }
    for (let x = 0; x < width; x++) {
      const node = columns.node[x]!;
      const later = columns.weight[x]!;
      const fromX = xx * x + rowRight[node]! + (rowRight[node + 1]! - rowRight[node]!) * later;
      const fromY = yx * x + rowDown[node]! + (rowDown[node + 1]! - rowDown[node]!) * later;
      if (fromX >= 0 && fromY >= 0 && fromX < width - 1 && fromY < height - 1) {
        const left = fromX | 0;
        const top = fromY | 0;
        const partX = fromX - left;
        const partY = fromY - top;
        const start = top * line + left * channels;
        for (let from = start; from < start + channels; from++) {
          const a = source[from]!;
          const c = source[from + line]!;
          const upper = a + (source[from + channels]! - a) * partX;
          const under = c + (source[from + line + channels]! - c) * partX;
          target[to++] = upper + (under - upper) * partY;
        }
        continue;
      }
      const left = Math.floor(fromX);
      const top = Math.floor(fromY);
      const at = (row: number, column: number, k: number) =>
        row >= 0 && row < height && column >= 0 && column < width
          ? source[row * line + column * channels + k]!
          : fill;
      for (let k = 0; k < channels; k++) {
        const upper = at(top, left, k) + (at(top, left + 1, k) - at(top, left, k)) * (fromX - left);
        const under =
          at(top + 1, left, k) + (at(top + 1, left + 1, k) - at(top + 1, left, k)) * (fromX - left);
        target[to++] = upper + (under - upper) * (fromY - top);
      }
    }
  }
}
