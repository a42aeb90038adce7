/** Whether a query sees what follows it: `unidirectional` patterns have no block above the diagonal and are causal. */
export type Direction = 'bidirectional' | 'unidirectional';

/** What all patterns have. */
interface Blocks {
  /** Tokens of a block, ≥ 1. Default 16, DeepSpeed's. Multiples of 8 are fastest. */
  readonly block?: number;
  /** Default `bidirectional`. */
  readonly attention?: Direction;
}

/** Every block. */
export interface DensePattern extends Blocks {
  /** Tells the patterns apart. */
  readonly kind: 'dense';
}

/** Windows of blocks, of each of which some blocks are seen by all (Child et al. 2019, section 4.2, "fixed"). */
export interface FixedPattern extends Blocks {
  /** Tells the patterns apart. */
  readonly kind: 'fixed';
  /** Blocks of a window, all of which see each other. Default 4. */
  readonly local?: number;
  /** Blocks of each window that every block sees, a divisor of `local`. Default 1. */
  readonly global?: number;
  /** Whether these see every block, too. Default false. */
  readonly horizontal?: boolean;
  /** Different global blocks for heads: head h has those (h mod `patterns`) · `global` before the window's last. In [1, `local` ÷ `global`]. Default 1. */
  readonly patterns?: number;
}

/** Windows of several sizes, chosen global blocks, and random ones. */
export interface VariablePattern extends Blocks {
  /** Tells the patterns apart. */
  readonly kind: 'variable';
  /** Random blocks of each row, beside the others. Default 0. */
  readonly random?: number;
  /** Blocks of the first windows; the last size is that of all further ones. Default `[4]`. */
  readonly windows?: readonly number[];
  /** Blocks that every block sees, by index or range `[first, end)`. Default `[0]`. */
  readonly global?: readonly GlobalBlocks[];
  /** Whether these see every block, too. Default false. */
  readonly horizontal?: boolean;
  /** Whether each head draws random blocks of its own. Default false. */
  readonly perHead?: boolean;
  /** Seeds the random blocks, a safe integer. Default 0. */
  readonly seed?: number;
}

/** A sliding window, global blocks at the beginning, random blocks (Zaheer et al. 2020, section 2). The defaults are DeepSpeed's. */
export interface BigBirdPattern extends Blocks {
  /** Tells the patterns apart. */
  readonly kind: 'big-bird';
  /** Random blocks of each row, beside the others. Default 1. */
  readonly random?: number;
  /** Blocks of the sliding window, odd. Default 3. */
  readonly window?: number;
  /** First blocks, which see all and which all see. Default 1. */
  readonly global?: number;
  /** Whether each head draws random blocks of its own. Default false. */
  readonly perHead?: boolean;
  /** Seeds the random blocks, a safe integer. Default 0. */
  readonly seed?: number;
}

/** A sliding window and chosen global blocks (Beltagy et al. 2020, section 3.1). The defaults are DeepSpeed's. */
export interface LongformerPattern extends Blocks {
  /** Tells the patterns apart. */
  readonly kind: 'longformer';
  /** Blocks of the sliding window, odd. Default 3. */
  readonly window?: number;
  /** Blocks that see all and that all see, by index or range `[first, end)`. Default `[0]`. */
  readonly global?: readonly GlobalBlocks[];
}

/** A block's index, or a range of them. */
export type GlobalBlocks = number | readonly [first: number, end: number];

/** A matrix of blocks: rows of 0 and 1, or rows of text as of `layoutText`, `#` for a block and `.` for none. */
export type BlockMatrix = readonly (string | readonly (0 | 1)[])[];

/** Blocks of one's own. */
export interface CustomPattern extends Blocks {
  /** Tells the patterns apart. */
  readonly kind: 'custom';
  /** One for all heads. Square, ⌈length ÷ block⌉ rows. */
  readonly matrix?: BlockMatrix;
  /** Or one for each head. */
  readonly matrices?: readonly BlockMatrix[];
}

/** How the blocks of a layout are chosen; plain data, so that a layer's configuration can hold it. */
export type BlockPattern =
  DensePattern | FixedPattern | VariablePattern | BigBirdPattern | LongformerPattern | CustomPattern;

/** DeepSpeed's. */
export const DEFAULT_BLOCK = 16;
