/** A kind of file that Ockham reads, as the fuzzer sees it. */
export interface Format {
  readonly name: string;
  /** Small sound files. */
  originals(): Promise<readonly Uint8Array[]>;
  /**
   * Reads a file and gives back, as plain data, what came of it; frees what it made. Throws where the reader does, and
   * `Error` where what came is not well-formed.
   */
  read(bytes: Uint8Array, file: { readonly path: string }): Promise<unknown>;
  /** Whether a checksum guards every byte: what is read must then be the original's. */
  readonly whole?: boolean;
  /** Where the header of an original lies: most alterations are then of it alone, in a file that is sound otherwise. */
  header?(bytes: Uint8Array): FileHeader;
  /** Makes the checksums of an altered file right again, as whoever means harm would. */
  seal?(bytes: Uint8Array): Promise<Uint8Array> | Uint8Array;
}

/** A header, and how to put another in its place. */
export interface FileHeader {
  readonly header: Uint8Array;
  replace(header: Uint8Array): Uint8Array;
}
