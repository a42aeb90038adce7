import { ArgumentError } from '../../errors.ts';
import type { Kernels } from '../kernels.ts';
import { arrange, CODING_NUMBERS, codesOfArranged, type ArrangedMatrix } from './arrange.ts';
import type { Coding } from './codings.ts';
import type { Space } from './own-memory.ts';
import { checkPackedMatrix, packCodes, type PackedMatrix } from './packed-matrix.ts';

/** Kernels and the memory they work on: an engine's, or one of their own. */
export interface KernelSpace extends Space {
  /** The kernels, bound to the memory. */
  readonly kernels: Kernels;
  /** The byte offset of a workspace, valid until the next call. */
  workspace(bytes: number): number;
}

/** A packed matrix in the memory of the kernels, in an order that they like. Dispose of it, it is not collected. */
export class LoadedMatrix {
  /** How an entry is written. */
  readonly coding: Coding;
  /** Rows: one for each output. */
  readonly outputs: number;
  /** Columns: one for each input. */
  readonly inputs: number;
  /** Inputs that share a scale. */
  readonly group: number;
  /** Bytes of memory that it holds: those of the packed matrix, but for rounding up to whole registers of eight outputs. */
  readonly bytes: number;
  /** Where it is. @internal */
  readonly space: KernelSpace;
  /** How it lies, without the numbers themselves. @internal */
  readonly layout: Pick<ArrangedMatrix, 'depth' | 'groupDepth' | 'groups' | 'blockBytes'>;
  /** Whether one scale is for all. */
  readonly #single: boolean;
  #places: { readonly codes: number; readonly scales: number; readonly zeros: number } | undefined;

  constructor(space: KernelSpace, matrix: PackedMatrix) {
    checkPackedMatrix('quantizedProducts.load', matrix);
    const { codes, scales, zeros, ...layout } = arrange(matrix);
    this.coding = matrix.coding;
    this.outputs = matrix.outputs;
    this.inputs = matrix.inputs;
    this.group = matrix.group;
    this.space = space;
    this.#single = matrix.scales.length === 1;
    this.layout = layout;
    this.bytes = codes.byteLength + scales.byteLength + (zeros?.byteLength ?? 0);
    const start = space.allocate(this.bytes);
    const scalesAt = start + codes.byteLength;
    const zerosAt = scalesAt + scales.byteLength;
    new Uint8Array(space.memory.buffer).set(codes, start);
    new Uint8Array(space.memory.buffer).set(new Uint8Array(scales.buffer), scalesAt);
    if (zeros) new Uint8Array(space.memory.buffer).set(zeros, zerosAt);
    this.#places = { codes: start, scales: scalesAt, zeros: zeros ? zerosAt : 0 };
  }

  /**
   * Byte offsets of its parts; zeros at 0 are none. @internal
   *
   * @throws ArgumentError once it is disposed of.
   */
  places(who: string): { readonly codes: number; readonly scales: number; readonly zeros: number } {
    if (this.#places) return this.#places;
    throw new ArgumentError(
      `${who}: the matrix of ${this.outputs} × ${this.inputs} must still be loaded, but it was disposed of. Load it again.`,
    );
  }

  /** By number, as kernels know it. @internal */
  get codingNumber(): number {
    return CODING_NUMBERS[this.coding];
  }

  /** The packed matrix again, as it was loaded, for a file or for {@link dequantize}. */
  packed(): PackedMatrix {
    const { coding, outputs, inputs, group, layout, space } = this;
    const { codes, scales, zeros } = this.places('LoadedMatrix.packed');
    const { buffer } = space.memory;
    const blocks = Math.ceil(outputs / 8);
    const arranged = new Uint8Array(buffer, codes, blocks * layout.blockBytes);
    const shared = this.#single ? Math.max(1, inputs) : group;
    const values = codesOfArranged(coding, [outputs, inputs, shared], layout, arranged);
    const gather = <T extends Uint16Array | Uint8Array>(from: T, to: T): T => {
      for (const i of to.keys()) {
        const [o, g] = [Math.floor(i / layout.groups), i % layout.groups];
        to[i] = from[((o >> 3) * layout.groups + g) * 8 + (o & 7)]!;
      }
      return to;
    };
    const count = blocks * layout.groups * 8;
    const length = this.#single ? 1 : outputs * layout.groups;
    const scaleBits = new Uint16Array(buffer.slice(scales, scales + 2 * count)); // at any place
    const zeroBytes = new Uint8Array(buffer, zeros, zeros === 0 ? 0 : count);
    return packCodes(values, {
      ...{ coding, outputs, inputs, group },
      scales: gather(scaleBits, new Uint16Array(length)),
      ...(zeros !== 0 && { zeros: gather(zeroBytes, new Uint8Array(length)) }),
    });
  }

  /** Frees its memory. A second call does nothing. */
  dispose(): void {
    if (!this.#places) return;
    this.space.free(this.#places.codes);
    this.#places = undefined;
  }
}
