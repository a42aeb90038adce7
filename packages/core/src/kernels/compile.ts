import { gunzip } from '../files/gzip.ts';
import { relaxed } from './generated/relaxed.ts';
import { simd } from './generated/simd.ts';
import type { Kernels } from './kernels.ts';

/** A multiply-add of relaxed SIMD, the smallest module that has one. */
// prettier-ignore
const RELAXED_PROBE = Uint8Array.of(
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15,
  253, 128, 2, 11,
);

/** Whether this engine has relaxed SIMD, that is a multiply-add of one rounding where the processor has it. */
export function hasRelaxedSimd(): boolean {
  return WebAssembly.validate(RELAXED_PROBE);
}

/** The import of a memory, as builds have it; and of one that is shared, 64 KB to 4 GB large: all that such a build differs in. */
const OWN_MEMORY = bytesOf('\x02\x0f\x01\x03env\x06memory\x02\x00\x00');
const SHARED_MEMORY = bytesOf('\x02\x12\x01\x03env\x06memory\x02\x03\x01\x80\x80\x04');

const compiled = new Map<string, Promise<WebAssembly.Module>>();

/**
 * Compiles the kernels, each build once.
 *
 * @param options Which build.
 * @param options.shared Whether they are for a shared memory. Default false.
 * @param options.relaxed Default: if the engine has relaxed SIMD.
 */
export function compileKernels({
  shared = false,
  relaxed: fused = hasRelaxedSimd(),
}: { readonly shared?: boolean; readonly relaxed?: boolean } = {}): Promise<WebAssembly.Module> {
  const key = `${fused} ${shared}`;
  const known = compiled.get(key);
  if (known) return known;
  const made = gunzip(fromBase64(fused ? relaxed : simd), 'compileKernels').then((build) =>
    WebAssembly.compile(shared ? withSharedMemory(build) : build),
  );
  compiled.set(key, made);
  return made;
}

/** A build, in base64, whose one import is a memory: as it is, or for a shared one. */
export function buildFor(base64: string, shared: boolean): Uint8Array<ArrayBuffer> {
  const build = fromBase64(base64);
  return shared ? withSharedMemory(build) : build;
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return bytesOf(atob(text));
}

function bytesOf(letters: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
}

function withSharedMemory(build: Uint8Array): Uint8Array<ArrayBuffer> {
  const at = build.findIndex((_, i) => OWN_MEMORY.every((byte, k) => build[i + k] === byte));
  const shared = new Uint8Array(build.length - OWN_MEMORY.length + SHARED_MEMORY.length);
  shared.set(build.subarray(0, at));
  shared.set(SHARED_MEMORY, at);
  shared.set(build.subarray(at + OWN_MEMORY.length), at + SHARED_MEMORY.length);
  return shared;
}

/** Binds compiled kernels to a memory. */
export function bindKernels(module: WebAssembly.Module, memory: WebAssembly.Memory): Kernels {
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernels;
}
