/** Which of the two sets of tables a component uses. */
export type Component = 'luminance' | 'chrominance';

/** A code of `length` bits for every symbol that has one. */
export interface HuffmanCodes {
  readonly codes: Uint16Array;
  readonly lengths: Uint8Array;
}

const BLOCK = 64;

/** `ZIGZAG[k]`: where the k-th coefficient of a scan lies in a row-major block of 8 × 8. */
export const ZIGZAG: Uint8Array = zigzag();

function zigzag(): Uint8Array {
  const cells = Array.from({ length: BLOCK }, (_, at) => ({ at, row: at >> 3, column: at & 7 }));
  cells.sort((a, b) => {
    const diagonal = a.row + a.column - (b.row + b.column);
    if (diagonal !== 0) return diagonal;
    return (a.row + a.column) % 2 === 0 ? b.row - a.row : a.row - b.row;
  });
  return Uint8Array.from(cells, ({ at }) => at);
}

// ITU-T T.81, tables K.1 and K.2, row-major; the second has 99 wherever nothing is said
const QUANTISATION: Readonly<Record<Component, readonly number[]>> = {
  luminance: [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17,
    22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78,
    87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
  ],
  chrominance: [
    17,
    18,
    24,
    47,
    99,
    99,
    99,
    99,
    18,
    21,
    26,
    66,
    99,
    99,
    99,
    99,
    24,
    26,
    56,
    99,
    99,
    99,
    99,
    99,
    47,
    66,
    99,
    99,
    99,
    99,
    99,
    99,
    ...new Array<number>(32).fill(99),
  ],
};

/** The divisors of the 64 coefficients, row-major, scaled by quality 1–100 as the Independent JPEG Group does. */
export function quantisation(component: Component, quality: number): Uint8Array {
  const percent = quality < 50 ? Math.floor(5000 / quality) : 200 - 2 * quality;
  return Uint8Array.from(QUANTISATION[component], (base) =>
    Math.min(255, Math.max(1, Math.floor((base * percent + 50) / 100))),
  );
}

/** As a DHT segment holds it: how many codes of 1 to 16 bits, then the symbols. */
export interface HuffmanTable {
  readonly counts: Uint8Array;
  readonly symbols: Uint8Array;
}

const bytes = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g)!, (pair) => parseInt(pair, 16));

const DC_SYMBOLS = bytes('000102030405060708090a0b');

/** ITU-T T.81, tables K.3 to K.6. */
export const HUFFMAN: Readonly<Record<Component, { readonly dc: HuffmanTable; readonly ac: HuffmanTable }>> =
  {
    luminance: {
      dc: { counts: bytes('00010501010101010100000000000000'), symbols: DC_SYMBOLS },
      ac: {
        counts: bytes('0002010303020403050504040000017d'),
        symbols: bytes(
          '01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a3435363738' +
            '393a434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3a4' +
            'a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa',
        ),
      },
    },
    chrominance: {
      dc: { counts: bytes('00030101010101010101010000000000'), symbols: DC_SYMBOLS },
      ac: {
        counts: bytes('00020102040403040705040400010277'),
        symbols: bytes(
          '000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434e125f11718191a262728292a35363738' +
            '393a434445464748494a535455565758595a636465666768696a737475767778797a82838485868788898a92939495969798999aa2a3' +
            'a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa',
        ),
      },
    },
  };

/** The codes of a table: counted up through each length, doubled from one length to the next. */
export function huffmanCodes({ counts, symbols }: HuffmanTable): HuffmanCodes {
  const codes = new Uint16Array(256);
  const lengths = new Uint8Array(256);
  let code = 0;
  let at = 0;
  for (let length = 1; length <= 16; length++) {
    for (let i = 0; i < counts[length - 1]!; i++) {
      codes[symbols[at]!] = code++;
      lengths[symbols[at++]!] = length;
    }
    code *= 2;
  }
  return { codes, lengths };
}
