/**
 * What goes together: ZeRO stages, tensor and pipeline ranks, optimizers that communicate, and what saves memory. One table, which
 * `initialize` refuses by, the tests run and the README shows.
 */
import type { ZeroStage } from '../zero/gradient-store.ts';

/** What a configuration asks for. */
export interface Composition {
  readonly zero: ZeroStage;
  /** More than one tensor rank. */
  readonly tensor: boolean;
  /** More than one pipeline rank. */
  readonly pipeline: boolean;
  /** One of the 1-bit family. */
  readonly compressed: boolean;
  /** `split`: in parts, on the tensor ranks. */
  readonly activationCheckpointing: boolean | 'split';
  readonly offload: boolean;
  /** Parameters stored in 16 bits. */
  readonly half: boolean;
}

/** Why something cannot be had, by a short name. */
export type Refusal = keyof typeof REASONS;

/** The reasons, in the order in which they are looked for. */
export const REASONS = {
  zero: 'every rank must have the whole vector that a compressed optimizer sends steps of, and ZeRO shares it out. Use zero: 0, or another optimizer',
  tensor:
    'the signs of a compressed step share scales with what a tensor rank has alone, so that weights which all tensor ranks have would drift apart. Use mesh.tensor: 1, or another optimizer',
  half: 'a compressed optimizer sends steps of float32 parameters, which 16-bit storage rounds. Use precision: float32, or another optimizer',
  offload:
    'a compressed optimizer needs its states, the errors among them, in memory. Leave offload out, or use another optimizer',
} as const;

/** Why a composition is refused; undefined where it is supported. */
export function refusalOf({ zero, tensor, compressed, offload, half }: Composition): Refusal | undefined {
  if (!compressed) return undefined;
  if (zero > 0) return 'zero';
  if (tensor) return 'tensor';
  if (half) return 'half';
  return offload ? 'offload' : undefined;
}

const MESHES = [
  { name: 'data', tensor: false, pipeline: false },
  { name: 'data × tensor', tensor: true, pipeline: false },
  { name: 'data × pipeline', tensor: false, pipeline: true },
  { name: 'data × tensor × pipeline', tensor: true, pipeline: true },
] as const;

const EXTRAS = [
  { name: 'alone', activationCheckpointing: false, offload: false },
  { name: 'activation checkpointing', activationCheckpointing: true, offload: false },
  { name: 'activation checkpoints in parts', activationCheckpointing: 'split', offload: false },
  { name: 'offload', activationCheckpointing: false, offload: true },
] as const;

/** One cell of the matrix. */
export interface Cell {
  /** ZeRO stage and kind of optimizer. */
  readonly row: string;
  /** Axes of the mesh. */
  readonly column: string;
  /** What is on top. */
  readonly extra: string;
  readonly composition: Composition;
  readonly refusal: Refusal | undefined;
}

/** Every cell of the matrix, in float32. */
export function compositionMatrix(): Cell[] {
  return [false, true].flatMap((compressed) =>
    ([0, 1, 2, 3] as const).flatMap((zero) =>
      MESHES.flatMap(({ name: column, ...axes }) =>
        EXTRAS.map(({ name: extra, ...more }): Cell => {
          const composition = { zero, compressed, half: false, ...axes, ...more };
          const row = `ZeRO-${zero}${compressed ? ', 1-bit family' : ''}`;
          return { row, column, extra, composition, refusal: refusalOf(composition) };
        }),
      ),
    ),
  );
}

/** The matrix as lines of Markdown cells: what is supported in each mesh, or the reason why nothing is. */
export function compositionRows(): string[][] {
  const cells = compositionMatrix();
  const [rows, columns] = [cells.map(({ row }) => row), cells.map(({ column }) => column)].map((names) => [
    ...new Set(names),
  ]);
  const body = rows!.map((row) => [
    row,
    ...columns!.map((column) => {
      const here = cells.filter((cell) => cell.row === row && cell.column === column);
      const without = here.filter(({ refusal }) => refusal !== undefined);
      if (without.length === 0) return 'yes';
      const [first] = here;
      return first!.refusal ? `no: ${first!.refusal}` : `yes, without ${without[0]!.refusal}`;
    }),
  ]);
  return [['', ...columns!], ...body];
}
