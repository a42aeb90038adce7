const MEMORY_SECTION = 5;
const HAS_MAXIMUM = 1;
const SHARED = 2;

/** A WebAssembly module whose memory threads can share. */
export interface SharedBuild {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Of its memory, in pages of 64 KB. */
  readonly pages: { readonly initial: number; readonly maximum: number };
}

/**
 * Declares the memory of a WebAssembly module as shared.
 *
 * @returns A copy; undefined where the module does not have one memory of its own, with a maximum, not shared yet.
 */
export function shareMemory(module: Uint8Array): SharedBuild | undefined {
  const bytes = new Uint8Array(module);
  let at = 8; // after the magic number and the version
  const number = (): number => {
    let [value, shift] = [0, 0];
    for (;;) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
      shift += 7;
    }
  };
  while (at < bytes.length) {
    const section = bytes[at++];
    const size = number();
    const next = at + size;
    if (section === MEMORY_SECTION) {
      const count = number();
      const flags = at++;
      if (count !== 1 || bytes[flags] !== HAS_MAXIMUM) return undefined;
      bytes[flags] = HAS_MAXIMUM | SHARED;
      return { bytes, pages: { initial: number(), maximum: number() } };
    }
    at = next;
  }
  return undefined;
}
