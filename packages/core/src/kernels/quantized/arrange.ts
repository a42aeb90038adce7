/** The order in which the kernels read a packed matrix: eight outputs side by side. */
import { CODINGS, type Coding } from './codings.ts';
import { unpackCodes, type PackedMatrix } from './packed-matrix.ts';

/** A packed matrix in the order of the kernels, of the same size but for what rounding up to whole registers takes. */
export interface ArrangedMatrix {
  /** Of a row of codes: inputs, each group from an even place on. */
  readonly depth: number;
  /** Places of a group: `group`, rounded up to even. */
  readonly groupDepth: number;
  readonly groups: number;
  /** `[⌈outputs / 8⌉, blockBytes]`. */
  readonly codes: Uint8Array;
  readonly blockBytes: number;
  /** `[⌈outputs / 8⌉, groups, 8]`. */
  readonly scales: Uint16Array;
  readonly zeros?: Uint8Array;
}

/** Numbers by which the kernels know the codings, as in `assembly/quantized-unpack.ts`. */
export const CODING_NUMBERS: Readonly<Record<Coding, number>> = {
  ...{ int8: 0, int4: 1, int3: 2, int2: 3, ternary: 4, binary: 5 },
  ...{ 'fp4-e2m1': 6, 'fp8-e4m3': 7, 'fp8-e5m2': 8 },
};

/** Pairs of inputs in a register of 16 bytes; those of int3 share three. */
const PAIRS: Readonly<Record<Coding, number>> = {
  ...{
    int8: 1,
    int4: 2,
    int3: 8,
    int2: 4,
    ternary: 5,
    binary: 8,
    'fp4-e2m1': 2,
    'fp8-e4m3': 1,
    'fp8-e5m2': 1,
  },
};

/** Arranges a packed matrix. */
export function arrange(matrix: PackedMatrix): ArrangedMatrix {
  const { coding, outputs, inputs, scales, zeros } = matrix;
  const group = scales.length === 1 ? Math.max(1, inputs) : matrix.group; // one for all is one for each output
  const groups = Math.ceil(inputs / group);
  const groupDepth = group + (group & 1);
  const rest = inputs - (groups - 1) * group;
  const depth = groups === 0 ? 0 : (groups - 1) * groupDepth + rest + (rest & 1);
  const blocks = Math.ceil(outputs / 8);
  const bytes = coding === 'int3' ? 48 : 16;
  const blockBytes = bytes * Math.ceil(depth / (2 * PAIRS[coding]));
  const codes = new Uint8Array(blocks * blockBytes);
  const values = unpackCodes(matrix);
  const placeCode = placer(coding, codes);
  for (let o = 0; o < outputs; o++) {
    const [block, lane] = [(o >> 3) * blockBytes, 2 * (o & 7)];
    for (let g = 0, i = o * inputs; g < groups; g++) {
      const end = Math.min((o + 1) * inputs, i + group);
      for (let p = g * groupDepth; i < end; i++, p++) placeCode(block, p >> 1, lane + (p & 1), values[i]!);
    }
  }
  if (coding === 'ternary')
    for (const [i, digits] of codes.entries()) codes[i] = Math.ceil((256 * digits) / 243) - 128;
  const spread = (from: Uint16Array | Uint8Array, to: Uint16Array | Uint8Array): void => {
    for (let o = 0; o < outputs; o++) {
      for (let g = 0; g < groups; g++)
        to[((o >> 3) * groups + g) * 8 + (o & 7)] = from[from.length === 1 ? 0 : o * groups + g]!;
    }
  };
  const arranged = {
    depth,
    groupDepth,
    groups,
    codes,
    blockBytes,
    scales: new Uint16Array(blocks * groups * 8),
  };
  spread(scales, arranged.scales);
  if (!zeros) return arranged;
  const placedZeros = new Uint8Array(blocks * groups * 8);
  spread(zeros, placedZeros);
  return { ...arranged, zeros: placedZeros };
}

/** The codes of an arranged matrix, `[outputs, inputs]`: the way back. */
export function codesOfArranged(
  coding: Coding,
  [outputs, inputs, group]: readonly [outputs: number, inputs: number, group: number],
  { groups, groupDepth, blockBytes }: Pick<ArrangedMatrix, 'groups' | 'groupDepth' | 'blockBytes'>,
  codes: Uint8Array,
): Int8Array {
  const values = new Int8Array(outputs * inputs);
  const codeAt = reader(coding, codes);
  for (let o = 0; o < outputs; o++) {
    const [block, lane] = [(o >> 3) * blockBytes, 2 * (o & 7)];
    for (let g = 0, i = o * inputs; g < groups; g++) {
      const end = Math.min((o + 1) * inputs, i + group);
      for (let p = g * groupDepth; i < end; i++, p++) values[i] = codeAt(block, p >> 1, lane + (p & 1));
    }
  }
  return values;
}

/** Writes a code to a byte `lane` of the registers of its pair, from a block's start. */
function placer(
  coding: Coding,
  codes: Uint8Array,
): (block: number, pair: number, lane: number, code: number) => void {
  const { bits, low } = CODINGS[coding];
  const pairs = PAIRS[coding];
  if (coding === 'ternary') {
    return (block, pair, lane, code) =>
      void (codes[block + 16 * Math.floor(pair / 5) + lane]! += (code + 1) * 3 ** (4 - (pair % 5)));
  }
  if (coding === 'int3') {
    return (block, pair, lane, code) => {
      const at = block + 48 * (pair >> 3) + lane;
      const place = pair & 7;
      codes[at + 16 * (place >> 2)]! |= ((code + 4) & 3) << (2 * (place & 3));
      codes[at + 32]! |= ((code + 4) >> 2) << place;
    };
  }
  if (coding === 'binary') {
    return (block, pair, lane, code) =>
      void (codes[block + 16 * (pair >> 3) + lane]! |= ((code + 1) >> 1) << (pair & 7));
  }
  if (bits === 8) return (block, pair, lane, code) => void (codes[block + 16 * pair + lane] = code);
  return (block, pair, lane, code) =>
    void (codes[block + 16 * Math.floor(pair / pairs) + lane]! |= (code - low) << (bits * (pair % pairs)));
}

/** Reads what {@link placer} wrote. */
function reader(coding: Coding, codes: Uint8Array): (block: number, pair: number, lane: number) => number {
  const { bits, low } = CODINGS[coding];
  const pairs = PAIRS[coding];
  if (coding === 'ternary') {
    return (block, pair, lane) => {
      const fraction = (codes[block + 16 * Math.floor(pair / 5) + lane]! + 128) & 255;
      const digits = Math.floor((243 * fraction) / 256);
      return (Math.floor(digits / 3 ** (4 - (pair % 5))) % 3) - 1;
    };
  }
  if (coding === 'int3') {
    return (block, pair, lane) => {
      const at = block + 48 * (pair >> 3) + lane;
      const place = pair & 7;
      const rest = (codes[at + 16 * (place >> 2)]! >> (2 * (place & 3))) & 3;
      return rest + 4 * ((codes[at + 32]! >> place) & 1) - 4;
    };
  }
  if (coding === 'binary')
    return (block, pair, lane) => 2 * ((codes[block + 16 * (pair >> 3) + lane]! >> (pair & 7)) & 1) - 1;
  if (bits === 8) return (block, pair, lane) => codes[block + 16 * pair + lane]!; // signed once it is stored
  return (block, pair, lane) => {
    const byte = codes[block + 16 * Math.floor(pair / pairs) + lane]!;
    return ((byte >> (bits * (pair % pairs))) & (2 ** bits - 1)) + low;
  };
}
