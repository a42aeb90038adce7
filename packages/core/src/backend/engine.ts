/** The engines of TensorFlow.js by the names that TensorFlow.js gives them; `auto` chooses. */
export type EngineName = 'auto' | 'tensorflow' | 'wasm' | 'webgpu' | 'webgl' | 'cpu';

/** The engine in use, and why it is. */
export interface BackendInfo {
  /** The engine that runs: never `auto`. */
  readonly name: Exclude<EngineName, 'auto'>;
  /** Why this one: that it was asked for, or what kept the better ones away. */
  readonly reason: string;
  /** The version of TensorFlow on the native engine, of the engine's package elsewhere. */
  readonly version?: string;
  /** Threads that an operation may use, where the engine says. On the native engine the last bits depend on it, on wasm nothing does. */
  readonly threads?: number;
  /** Whether the wasm engine uses SIMD instructions. */
  readonly simd?: boolean;
}

/** Options of `useBackend`. */
export interface UseBackendOptions {
  /**
   * Threads that an operation may use, from 1. Default: `TF_NUM_INTRAOP_THREADS` where it is set, else every core
   * on the native engine, where it counts only before the engine is first loaded; on wasm 1 in Node, and in a page
   * that is cross-origin isolated as many as TensorFlow.js itself takes there.
   *
   * On wasm there can be more than one, up to 32, in Node and in isolated pages and workers; elsewhere one thread does all, and
   * `reason` says why. Results are the same to the bit for any number. In Node the first call that loads the
   * engine has to ask for more than one; later calls may change the number.
   */
  readonly threads?: number;
  /**
   * Where the wasm engine's binaries are served: a folder's URL with its trailing slash, or a URL for each file
   * name. Default: beside the script.
   */
  readonly wasmPaths?: string | Readonly<Record<string, string>>;
}

/** What loading an engine came to. */
export type Loaded = Omit<BackendInfo, 'name' | 'reason'> & { readonly from: string };

/** Loads one engine, or throws an error whose message says why it cannot. */
export type Loader = (options: UseBackendOptions) => Promise<Loaded>;

/** One line about an engine, for logs: `tensorflow 2.18.1, 2 threads: the binding built by pnpm native`. */
export function describeEngine({ name, version, threads, simd, reason }: BackendInfo): string {
  const facts = [
    version ? `${name} ${version}` : name,
    ...(simd === undefined ? [] : [simd ? 'SIMD' : 'no SIMD']),
    ...(threads === undefined ? [] : [threads === 1 ? '1 thread' : `${threads} threads`]),
  ];
  return `${facts.join(', ')}: ${reason}`;
}
