/**
 * The kernels, in units of work that threads share. Results do not depend on how many threads there are:
 * - where outputs can be cut (products, convolutions, pooling, passes over rows), no sum is;
 * - sums over examples (a filter's gradient, a bias's) are cut into parts by their shapes alone, also for one thread,
 *   and the parts are added in order.
 */
import type { Kernels } from '../kernels.ts';
import { GEOMETRY_BYTES, readGeometry, writeGeometry, type Conv2dGeometry } from '../conv2d-geometry.ts';
import { cutBatch, cutRows, filterOf, imageOf, summedParts, taps, workOf } from './cut-convolution.ts';
import { cut } from './cut.ts';
import type { Team, TeamMemory, Unit, UnitKernel } from './team.ts';

/** From when on waking a thread pays. */
export interface Least {
  /** Multiply-adds. */
  readonly work: number;
  /** Numbers, where they are only read and written. */
  readonly numbers: number;
}
const LEAST: Least = { work: 1_000_000, numbers: 100_000 };

/** Units for each thread, so that one that is held up does less. */
const SHARES = 4;
/** Columns that a product packs at a time. */
const COLUMNS = 512;
/** Rows from which packing the other operand of a product again is little beside the product. */
const ROWS = 480;
/** Rows of a product's tile. */
const TILE = 6;
/** Parts of a sum over rows, at most, and the rows of each, at least. */
const PARTS = 8;
const PART_ROWS = 1024;

/** Units that have a geometry of their own, at most. */
const MAX_GEOMETRIES = 128;

/** A geometry of a unit, and the further arguments. */
type Part = readonly [g: Conv2dGeometry, ...values: number[]];

/** The same kernels, their larger calls shared by the team. */
export function inUnits(
  { kernels, memory, allocate }: TeamMemory,
  team: Team,
  least: Least = LEAST,
): Kernels {
  const geometries = allocate(MAX_GEOMETRIES * GEOMETRY_BYTES);
  const alone = (work: number, limit: number): boolean => team.threads === 1 || work < limit;
  const read = (geometry: number): Conv2dGeometry => readGeometry(memory, geometry);

  const unitsOf = (kernel: UnitKernel, parts: readonly Part[], workspace = true): Unit[] =>
    parts.map(([g, ...values], i) => {
      const at = geometries + i * GEOMETRY_BYTES;
      writeGeometry(memory, at >>> 0, g);
      return { kernel, values: [at, ...values], workspace };
    });
  /** Bytes of workspace that the largest of the parts needs. */
  const bytesOf = (bytes: (geometry: number) => number, parts: readonly Part[]): number =>
    Math.max(...unitsOf('convolve', parts).map(({ values: [at] }) => bytes(at!)));

  /** Work over images, of which each gives an image. */
  const overImages = (g: Conv2dGeometry, from: number, filter: number, to: number, rows: boolean): Part[] => {
    const pieces = SHARES * team.threads;
    const parts = cutBatch(g, pieces);
    const cutParts = rows ? parts.flatMap((part) => cutRows(part, Math.floor(pieces / parts.length))) : parts;
    return cutParts.map(({ g: part, x, y }) => [
      part,
      from + 4 * (rows ? x : y),
      filter,
      to + 4 * (rows ? y : x),
    ]);
  };
  const forward = (geometry: number, x = 0, filter = 0, y = 0): Part[] =>
    overImages(read(geometry), x, filter, y, true);
  const backward = (geometry: number, dy = 0, filter = 0, dx = 0): Part[] =>
    overImages(read(geometry), dy, filter, dx, false);

  /** A pass over rows, whose arguments from some row on `values` gives. */
  const overRows = (
    kernel: UnitKernel,
    rows: number,
    n: number,
    values: (first: number, count: number) => readonly number[],
  ): void => {
    const pieces = alone(rows * n, least.numbers) ? 1 : SHARES * team.threads;
    const units = cut(rows, pieces).map(([first, end]): Unit => {
      return { kernel, values: values(first, end - first), workspace: false };
    });
    team.run(units, 0, 0);
  };

  return {
    ...kernels,

    gemm(transposeA, transposeB, m, n, k, a, lda, b, ldb, c, ldc, workspace) {
      if (alone(m * n * k, least.work)) {
        kernels.gemm(transposeA, transposeB, m, n, k, a, lda, b, ldb, c, ldc, workspace);
        return;
      }
      const columns = cut(n, Math.min(MAX_GEOMETRIES, Math.ceil(n / COLUMNS)), COLUMNS);
      const pieces = Math.max(1, Math.ceil((SHARES * team.threads) / columns.length));
      const most = columns.length < team.threads ? m / (4 * TILE) : m / ROWS;
      const wanted = columns.length < team.threads ? Math.ceil(team.threads / columns.length) : pieces;
      const rows = cut(m, Math.min(wanted, Math.max(1, Math.floor(most))), TILE);
      const flags = [Number(transposeA), Number(transposeB)];
      const units = columns.flatMap(([j, jEnd]) =>
        rows.map(([i, iEnd]): Unit => {
          const fromA = a + 4 * (transposeA ? i : i * lda);
          const fromB = b + 4 * (transposeB ? j * ldb : j);
          const sizes = [iEnd - i, jEnd - j, k];
          const places = [fromA, lda, fromB, ldb, c + 4 * (i * ldc + j), ldc];
          return { kernel: 'gemm', values: [...flags, ...sizes, ...places], workspace: true };
        }),
      );
      team.run(units, workspace, kernels.workspaceBytes());
    },

    convolveBytes: (geometry) =>
      Math.max(kernels.convolveBytes(geometry), bytesOf(kernels.convolveBytes, forward(geometry))),
    convolve(geometry, x, filter, y, workspace) {
      if (alone(workOf(read(geometry)), least.work)) {
        kernels.convolve(geometry, x, filter, y, workspace);
        return;
      }
      const parts = forward(geometry, x, filter, y);
      const bytes = bytesOf(kernels.convolveBytes, parts);
      team.run(unitsOf('convolve', parts), workspace, bytes);
    },

    inputGradientBytes: (geometry) =>
      Math.max(kernels.inputGradientBytes(geometry), bytesOf(kernels.inputGradientBytes, backward(geometry))),
    inputGradient(geometry, dy, filter, dx, workspace) {
      if (alone(workOf(read(geometry)), least.work)) {
        kernels.inputGradient(geometry, dy, filter, dx, workspace);
        return;
      }
      const parts = backward(geometry, dy, filter, dx);
      const bytes = bytesOf(kernels.inputGradientBytes, parts);
      team.run(unitsOf('inputGradient', parts), workspace, bytes);
    },

    filterGradientBytes(geometry) {
      const g = read(geometry);
      const bytes = bytesOf(kernels.filterGradientBytes, [[g], ...filterParts(g, 0, 0, 0, 0)]);
      const [size, count] = [filterOf(g), summedParts(g)];
      return bytes + (count > 1 ? 4 * count * size + kernels.columnSumsBytes(size) : 0);
    },
    filterGradient(geometry, x, dy, dw, workspace) {
      const g = read(geometry);
      const bytes = bytesOf(kernels.filterGradientBytes, [[g], ...filterParts(g, 0, 0, 0, 0)]);
      const partial = workspace + bytes;
      const parts = filterParts(g, x, dy, dw, partial);
      if (parts.length === 1) {
        kernels.filterGradient(geometry, x, dy, dw, workspace);
        return;
      }
      team.run(unitsOf('filterGradient', parts), workspace, bytes);
      const [size, count] = [filterOf(g), summedParts(g)];
      if (count > 1) kernels.columnSums(count, size, partial, dw, partial + 4 * size * count);
    },

    maxPoolHalves(geometry, x, y) {
      const g = read(geometry);
      if (alone(g.batch * imageOf(g), least.numbers)) {
        kernels.maxPoolHalves(geometry, x, y);
        return;
      }
      const parts = cutBatch({ ...g, outChannels: g.channels }, SHARES * team.threads);
      const units = parts.map(({ g: part, x: image, y: to }): Part => [part, x + 4 * image, y + 4 * to]);
      team.run(unitsOf('maxPoolHalves', units, false), 0, 0);
    },
    maxPoolGradient(geometry, dy, x, dx) {
      const g = read(geometry);
      if (alone(g.batch * imageOf(g), least.numbers)) {
        kernels.maxPoolGradient(geometry, dy, x, dx);
        return;
      }
      const parts = cutBatch({ ...g, outChannels: g.channels }, SHARES * team.threads);
      const units = parts.map(({ g: part, x: image, y }): Part => {
        return [part, dy + 4 * y, x + 4 * image, dx + 4 * image];
      });
      team.run(unitsOf('maxPoolGradient', units, false), 0, 0);
    },

    columnSumsBytes: (n) => 4 * PARTS * n + kernels.columnSumsBytes(n),
    columnSums(rows, n, x, to, workspace) {
      const count = rows * n < LEAST.numbers ? 1 : Math.min(PARTS, Math.floor(rows / PART_ROWS));
      if (count <= 1) {
        kernels.columnSums(rows, n, x, to, workspace);
        return;
      }
      const bytes = kernels.columnSumsBytes(n);
      const partial = workspace + bytes;
      const units = cut(rows, count).map(([first, end], i): Unit => {
        const values = [end - first, n, x + 4 * first * n, partial + 4 * n * i];
        return { kernel: 'columnSums', values, workspace: true };
      });
      team.run(units, workspace, bytes);
      kernels.columnSums(count, n, partial, to, workspace);
    },

    finish: (rows, n, y, bias, low, high) =>
      overRows('finish', rows, n, (i, count) => [count, n, y + 4 * i * n, bias, low, high]),
    exponential: (n, x, y) => overRows('exponential', n, 1, (i, count) => [count, x + 4 * i, y + 4 * i]),
    errorFunction: (n, x, y) => overRows('errorFunction', n, 1, (i, count) => [count, x + 4 * i, y + 4 * i]),
    keepWithin: (n, x, y, low, high) =>
      overRows('keepWithin', n, 1, (i, count) => [count, x + 4 * i, y + 4 * i, low, high]),
    reluGradient: (n, dy, x, dx, high) =>
      overRows('reluGradient', n, 1, (i, count) => [count, dy + 4 * i, x + 4 * i, dx + 4 * i, high]),
    adamStep: (n, w, m, v, g, to, scalars) =>
      overRows('adamStep', n, 1, (i, count) => {
        return [count, ...[w, m, v, g, to].map((place) => place + 4 * i), scalars];
      }),
    quantizedProduct(job, first, end, workspace) {
      const [, rows, , depth] = new Int32Array(memory.buffer, job, 4) as unknown as [
        number,
        number,
        number,
        number,
      ];
      const pieces = alone(rows * depth * 8 * (end - first), least.work) ? 1 : SHARES * team.threads;
      const units = cut(end - first, pieces).map(([from, to]): Unit => {
        return { kernel: 'quantizedProduct', values: [job, first + from, first + to], workspace: true };
      });
      team.run(units, workspace, kernels.quantizedBytes());
    },
    quantizeRows: (rows, inputs, group, depth, bytes, x, to, scales, sums) =>
      overRows('quantizeRows', rows, inputs, (i, count) => {
        const places = [x + 4 * i * inputs, to + bytes * i * depth, scales + 4 * i];
        return [count, inputs, group, depth, bytes, ...places, sums + 4 * i * Math.ceil(inputs / group)];
      }),
    gridRows: (rows, n, x, scale, low, high, y) =>
      overRows('gridRows', rows, n, (i, count) => [count, n, x + 4 * i * n, scale, low, high, y + 4 * i * n]),
    quantizedEnding: (rows, n, y, bias, activation) =>
      overRows('quantizedEnding', rows, n, (i, count) => [count, n, y + 4 * i * n, bias, activation]),
    normalise: (rows, n, x, mean, factor, offset, y) =>
      overRows('normalise', rows, n, (i, count) => {
        return [count, n, x + 4 * i * n, mean, factor, offset, y + 4 * i * n];
      }),
    rowOperation: (kind, rows, n, x, v, y) =>
      overRows('rowOperation', rows, n, (i, count) => [kind, count, n, x + 4 * i * n, v, y + 4 * i * n]),
  };
}

/** The parts of a filter's gradient, to be added up at `partial`, or each to a place of its own in dw. */
function filterParts(g: Conv2dGeometry, x: number, dy: number, dw: number, partial: number): Part[] {
  const count = summedParts(g);
  if (count === 1) return taps(g).map((tap) => [tap.g, x, dy, dw + 4 * tap.w]);
  return cutBatch(g, count).map(({ g: part, x: image, y }, i) => {
    return [part, x + 4 * image, dy + 4 * y, partial + 4 * i * filterOf(g)];
  });
}
