import { backend as currentBackend } from '@tensorflow/tfjs-core';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { outOfMemory } from '../repairs/host.ts';
import { bindKernels, buildFor, compileKernels } from '../../kernels/compile.ts';
import type { Kernels } from '../../kernels/kernels.ts';
import { inUnits } from '../../kernels/threads/in-units.ts';
import { Team } from '../../kernels/threads/team.ts';

/** Our kernels on the memory of a wasm engine: they read and write its tensors where they are. */
export interface AttachedKernels {
  /** The compiled kernels, bound to {@link AttachedKernels.memory}. */
  readonly kernels: Kernels;
  /** The engine's memory, where its tensors lie. */
  readonly memory: WebAssembly.Memory;
  /** The threads that share the larger calls of the kernels; it can have more than one where the memory is shared. */
  readonly team: Team;
  /** The byte offset of a tensor's values. */
  address(tensor: TensorInfo): number;
  /** The byte offset of a workspace, valid until the next call. */
  workspace(bytes: number): number;
  /** Memory of one's own, until {@link AttachedKernels.free}. */
  allocate(bytes: number): number;
  /** Gives memory of {@link AttachedKernels.allocate} back. */
  free(address: number): void;
  /** Binds kernels of another package to the memory: a build in base64 whose one import it is. Returns its exports. */
  bind(build: string): WebAssembly.Exports;
}

/** The parts of the wasm engine that are used, structurally. */
interface WasmEngine {
  readonly wasm: {
    /** Of the builds without threads. */
    readonly asm?: { readonly memory?: WebAssembly.Memory };
    /** Of the build with threads. */
    readonly wasmMemory?: WebAssembly.Memory;
    _malloc(bytes: number): number;
    _free(address: number): void;
  };
  readonly dataIdMap: { get(dataId: object): { readonly memoryOffset: number | null } };
  dispose(): void;
}

const attached = new WeakMap<object, AttachedKernels>();

/** Our kernels on this engine, or undefined where it is not the wasm engine or they are not attached. */
export function kernelsOf(backend: unknown): AttachedKernels | undefined {
  return attached.get(backend as object);
}

/**
 * Attaches our kernels to the wasm engine in use. Does nothing where they cannot be: without SIMD, or where the engine keeps
 * its memory to itself; the stock kernels then stay.
 */
export async function attachKernels(): Promise<void> {
  const engine = currentBackend() as unknown as WasmEngine;
  if (attached.has(engine)) return;
  const memory = engine.wasm?.asm?.memory ?? engine.wasm?.wasmMemory;
  if (!(memory instanceof WebAssembly.Memory)) return;
  const shared = isShared(memory);
  let module: WebAssembly.Module;
  try {
    module = await compileKernels({ shared });
  } catch (error) {
    if (error instanceof WebAssembly.CompileError) return; // no SIMD
    throw error;
  }
  const space = {
    allocate: (bytes: number): number => engine.wasm._malloc(bytes) >>> 0, // it returns a signed number
    free: (address: number): void => engine.wasm._free(address),
  };
  const on = { ...space, module, memory, kernels: bindKernels(module, memory) };
  const team = new Team(on);
  endWith(engine, team);
  let [start, length] = [0, 0];
  const allocate = (bytes: number): number => {
    const address = space.allocate(bytes);
    if (address === 0) throw outOfMemory(bytes);
    return address;
  };
  attached.set(engine, {
    allocate,
    free: space.free,
    kernels: inUnits(on, team),
    memory,
    team,
    bind: (build) =>
      new WebAssembly.Instance(new WebAssembly.Module(buildFor(build, shared)), { env: { memory } }).exports,
    address: ({ dataId }) => engine.dataIdMap.get(dataId).memoryOffset!,
    workspace(bytes) {
      if (bytes > length) {
        if (start !== 0) engine.wasm._free(start);
        [start, length] = [0, 0];
        start = allocate(bytes);
        length = bytes;
      }
      return start;
    },
  });
}

/** Whether threads can share a memory. */
export function isShared(memory: WebAssembly.Memory): boolean {
  return typeof SharedArrayBuffer !== 'undefined' && memory.buffer instanceof SharedArrayBuffer;
}

/** No worker outlives the engine. */
function endWith(engine: WasmEngine, team: Team): void {
  const dispose = engine.dispose.bind(engine);
  engine.dispose = () => {
    team.end();
    dispose();
  };
}
