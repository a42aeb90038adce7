/**
 * The kernels, in units of work that threads share. Results do not depend on how many threads there are:
 * - products, convolutions and pooling are cut where outputs are cut, and no sum is;
 * - sums over examples (a filter's gradient, a bias's) are cut into parts by their shapes alone, also for one thread,
 *   and the parts are added in order.
 */
import type { Kernels } from '../compile.ts';
import { GEOMETRY_BYTES, readGeometry, writeGeometry, type Conv2dGeometry } from '../conv2d-geometry.ts';
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
const LEAST_ROWS = 240;
/** Parts of a sum over examples, at most: as many threads share it. */
const PARTS = 8;
/** Positions of a part of a filter's gradient, at least, and numbers of all its parts, at most: adding them is then little. */
const LEAST_POSITIONS = 1024;
const MOST_PARTIAL = 1 << 20;
/** Channels from which each tap of a filter may be a unit. */
const TAP_CHANNELS = 32;

/** Units that have a geometry of their workspace, at most. */
const MAX_GEOMETRIES = 128;

/** The same kernels, their larger calls shared by the team. */
export function inUnits({ kernels, memory, allocate }: TeamMemory, team: Team, least: Least = LEAST): Kernels {
  const geometries = allocate(MAX_GEOMETRIES * GEOMETRY_BYTES);
  const unitsOf = (kernel: UnitKernel, parts: readonly Part[], workspace = true): Unit[] =>
    parts.map(([g, ...values], i) => {
      const at = geometries + i * GEOMETRY_BYTES;
      writeGeometry(memory, at >>> 0, g);
      return { kernel, values: [at, ...values], workspace };
    });
  const alone = (work: number, limit = least.work): boolean => team.threads === 1 || work < limit;

  return {
    ...kernels,

    gemm(transposeA, transposeB, m, n, k, a, lda, b, ldb, c, ldc, workspace) {
      if (alone(m * n * k))
        return kernels.gemm(transposeA, transposeB, m, n, k, a, lda, b, ldb, c, ldc, workspace);
      const columns = cut(n, Math.min(64, Math.ceil(n / COLUMNS)), COLUMNS);
      const height = columns.length < team.threads ? 24 : LEAST_ROWS;
      const shares = Math.ceil((SHARES * team.threads) / columns.length);
      const rows = cut(m, Math.min(shares, Math.max(1, Math.floor(m / height))), 6);
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

    convolve(geometry, x, filter, y, workspace) {
      const g = readGeometry(memory, geometry);
      if (alone(workOf(g))) return kernels.convolve(geometry, x, filter, y, workspace);
      const pieces = SHARES * team.threads;
      const rows = cut(g.outHeight, Math.max(1, Math.floor(pieces / g.batch)));
      const parts = cut(g.batch, pieces).flatMap(([first, end]) =>
        rows.map(([row, rowEnd]) => {
          const part = { batch: end - first, outHeight: rowEnd - row, top: g.top - row * g.strideHeight };
          const to = y + 4 * (first * g.outHeight + row) * g.outWidth * g.outChannels;
          return [{ ...g, ...part }, x + 4 * first * imageOf(g), filter, to] as const;
        }),
      );
      team.run(unitsOf('convolve', parts), workspace, kernels.convolveBytes(geometry));
    },

    inputGradient(geometry, dy, filter, dx, workspace) {
      const g = readGeometry(memory, geometry);
      if (alone(workOf(g))) return kernels.inputGradient(geometry, dy, filter, dx, workspace);
      const parts = overImages(g, SHARES * team.threads, (part, first) => [
        part,
        dy + 4 * first * outputOf(g),
        filter,
        dx + 4 * first * imageOf(g),
      ]);
      team.run(unitsOf('inputGradient', parts), workspace, kernels.inputGradientBytes(geometry));
    },

    filterGradientBytes(geometry) {
      const g = readGeometry(memory, geometry);
      const parts = partsOf(g);
      const sums = parts > 1 ? 4 * parts * filterOf(g) + kernels.columnSumsBytes(filterOf(g)) : 0;
      return kernels.filterGradientBytes(geometry) + sums;
    },
    filterGradient(geometry, x, dy, dw, workspace) {
      const g = readGeometry(memory, geometry);
      const bytes = kernels.filterGradientBytes(geometry);
      const [size, count] = [filterOf(g), partsOf(g)];
      if (count > 1) {
        const partial = workspace + bytes;
        const parts = overImages(g, count, (part, first, i) => [
          part,
          x + 4 * first * imageOf(g),
          dy + 4 * first * outputOf(g),
          partial + 4 * size * i,
        ]);
        team.run(unitsOf('filterGradient', parts), workspace, bytes);
        kernels.columnSums(count, size, partial, dw, partial + 4 * size * count);
      } else if (byTaps(g)) {
        team.run(unitsOf('filterGradient', taps(g, x, dy, dw)), workspace, bytes);
      } else kernels.filterGradient(geometry, x, dy, dw, workspace);
    },

    maxPoolGradient(geometry, dy, x, dx) {
      const g = readGeometry(memory, geometry);
      if (alone(g.batch * imageOf(g), least.numbers)) return kernels.maxPoolGradient(geometry, dy, x, dx);
      const window = { ...g, outChannels: g.channels };
      const parts = overImages(g, SHARES * team.threads, (part, first) => [
        part,
        dy + 4 * first * outputOf(window),
        x + 4 * first * imageOf(g),
        dx + 4 * first * imageOf(g),
      ]);
      team.run(unitsOf('maxPoolGradient', parts, false), 0, 0);
    },

    columnSumsBytes: (n) => 4 * PARTS * n + kernels.columnSumsBytes(n),
    columnSums(rows, n, x, to, workspace) {
      const count = rows * n < LEAST.numbers ? 1 : Math.min(PARTS, Math.floor(rows / LEAST_POSITIONS));
      if (count <= 1) return kernels.columnSums(rows, n, x, to, workspace);
      const bytes = kernels.columnSumsBytes(n);
      const partial = workspace + bytes;
      const units = cut(rows, count).map(([first, end], i): Unit => {
        const values = [end - first, n, x + 4 * first * n, partial + 4 * n * i];
        return { kernel: 'columnSums', values, workspace: true };
      });
      team.run(units, workspace, bytes);
      kernels.columnSums(count, n, partial, to, workspace);
    },

    finish(rows, n, y, bias, low, high) {
      if (alone(rows * n, least.numbers)) return kernels.finish(rows, n, y, bias, low, high);
      const units = cut(rows, SHARES * team.threads).map(([first, end]): Unit => {
        const values = [end - first, n, y + 4 * first * n, bias, low, high];
        return { kernel: 'finish', values, workspace: false };
      });
      team.run(units, 0, 0);
    },
  };
}

type Part = readonly [g: Conv2dGeometry, ...values: number[]];

function overImages(
  g: Conv2dGeometry,
  pieces: number,
  part: (g: Conv2dGeometry, first: number, index: number) => Part,
): Part[] {
  return cut(g.batch, pieces).map(([first, end], i) => part({ ...g, batch: end - first }, first, i));
}

/** The gradient of each tap by itself: rows of its own in dw. */
function taps(g: Conv2dGeometry, x: number, dy: number, dw: number): Part[] {
  return Array.from({ length: g.filterHeight * g.filterWidth }, (_, tap) => {
    const row = Math.floor(tap / g.filterWidth);
    const top = g.top - row * g.dilationHeight;
    const left = g.left - (tap % g.filterWidth) * g.dilationWidth;
    const one = { ...g, filterHeight: 1, filterWidth: 1, top, left };
    return [one, x, dy, dw + 4 * tap * g.channels * g.outChannels];
  });
}

/** Parts that a filter's gradient is summed in: 1 where it is not large enough, or adding them would cost too much. */
function partsOf(g: Conv2dGeometry): number {
  if (workOf(g) < LEAST.work) return 1;
  const positions = g.batch * g.outHeight * g.outWidth;
  const affordable = Math.min(positions / LEAST_POSITIONS, MOST_PARTIAL / filterOf(g));
  return Math.max(1, Math.min(PARTS, g.batch, Math.floor(affordable)));
}

function byTaps(g: Conv2dGeometry): boolean {
  const count = g.filterHeight * g.filterWidth;
  return count > 1 && count <= MAX_GEOMETRIES && g.channels >= TAP_CHANNELS && workOf(g) >= LEAST.work;
}

const imageOf = (g: Conv2dGeometry): number => g.height * g.width * g.channels;
const outputOf = (g: Conv2dGeometry): number => g.outHeight * g.outWidth * g.outChannels;
const filterOf = (g: Conv2dGeometry): number => g.filterHeight * g.filterWidth * g.channels * g.outChannels;
/** Multiply-adds. */
const workOf = (g: Conv2dGeometry): number =>
  g.batch * g.outHeight * g.outWidth * g.filterHeight * g.filterWidth * g.channels * g.outChannels;
