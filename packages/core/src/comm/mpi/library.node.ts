/** The MPI library of this machine through koffi: which one it is, its handles and its functions. */
import type { CommType, ReduceOp } from '../communicator.ts';
import { CommError } from '../comm-error.ts';
import { loadKoffi, type Koffi, type NativeFunction } from '../koffi.node.ts';

export type MpiFunction = ((...values: readonly unknown[]) => number) & NativeFunction;
export type Handle = number | bigint;

export type MpiKind = 'Open MPI' | 'MPICH' | 'MPI ABI';

/** A library, and what differs between them. */
export interface MpiLibrary {
  readonly kind: MpiKind;
  readonly path: string;
  readonly world: Handle;
  readonly types: Readonly<Record<CommType, Handle>>;
  readonly ops: Readonly<Record<Exclude<ReduceOp, 'mean'>, Handle>>;
  readonly inPlace: Handle;
  readonly ignoreStatus: Handle;
  readonly errorsReturn: Handle;
  readonly threadMultiple: number;
  /** A function by its prototype, in which COMM, TYPE, OP, REQUEST, HANDLER stand for handles and BUFFER for an address. */
  declare(prototype: string): MpiFunction;
}

type Constants = Omit<MpiLibrary, 'kind' | 'path' | 'declare'>;

const MPICH: Constants = {
  world: 0x44000000,
  types: { float32: 0x4c00040a, float64: 0x4c00080b, int32: 0x4c000439, uint8: 0x4c00010d },
  ops: { sum: 0x58000003, max: 0x58000001, min: 0x58000002 },
  inPlace: -1,
  ignoreStatus: 1,
  errorsReturn: 0x54000001,
  threadMultiple: 3,
};
const ABI: Constants = {
  world: 0x101,
  types: { float32: 0x210, float64: 0x214, int32: 0x250, uint8: 0x247 },
  ops: { sum: 0x21, min: 0x22, max: 0x23 },
  inPlace: 1,
  ignoreStatus: 0,
  errorsReturn: 0x142,
  threadMultiple: 4096,
};

const LIBRARIES = {
  open: ['libmpi.so.40', 'libmpi.so', 'libmpi.dylib'],
  other: ['libmpi_abi.so.1', 'libmpich.so.12', 'libmpi.so.12', 'libmpich.dylib'],
};

let loaded: MpiLibrary | undefined;

/**
 * Loads the library that `MPI_LIB` names, else that of the launcher, else the first that is there.
 *
 * @throws CommError `comm-unavailable` without koffi or a library.
 */
export function loadMpi(env: NodeJS.ProcessEnv = process.env): MpiLibrary {
  if (loaded) return loaded;
  const koffi = loadKoffi();
  koffi.config({ async_stack_size: 2 ** 21 }); // MPICH needs more than koffi's 128 KiB
  // UCX would take the SIGSEGV that V8 uses for traps
  env.UCX_ERROR_SIGNALS ??= '';
  env.UCX_HANDLE_ERRORS ??= 'none';
  // and rewrites the code of mmap while threads of V8 run it, which now and then ends the process (openucx/ucx#11795)
  env.UCX_MEM_MMAP_HOOK_MODE ??= 'none';
  const { open, other } = LIBRARIES;
  const byLauncher = env.OMPI_COMM_WORLD_SIZE === undefined && env.PMI_SIZE !== undefined ? [...other, ...open] : [...open, ...other]; // prettier-ignore
  const paths = env.MPI_LIB === undefined ? byLauncher : [env.MPI_LIB];
  const reasons: string[] = [];
  for (const path of paths) {
    try {
      return (loaded = describe(koffi, path));
    } catch (error) {
      reasons.push((error as Error).message);
    }
  }
  throw new CommError(
    'comm-unavailable',
    `mpi: an MPI library must be there, tried ${paths.join(', ')}: ${reasons[0]}. Install Open MPI 4 or MPICH 4 or later, or set MPI_LIB to its file.`,
  );
}

function describe(koffi: Koffi, path: string): MpiLibrary {
  const library = koffi.load(path);
  const symbol = (name: string): Handle => library.symbol(name) as bigint;
  const has = (name: string): boolean => {
    try {
      symbol(name);
      return true;
    } catch {
      return false;
    }
  };
  const declare =
    (handle: string) =>
    (prototype: string): MpiFunction =>
      library.func(
        prototype
          .replaceAll(/\b(COMM|TYPE|OP|REQUEST|HANDLER)\b/g, handle)
          .replaceAll('BUFFER', 'void *')
          .replaceAll('ADDRESS', 'intptr_t'),
      ) as MpiFunction;
  if (has('ompi_mpi_comm_world')) {
    return {
      kind: 'Open MPI',
      path,
      declare: declare('intptr_t'),
      world: symbol('ompi_mpi_comm_world'),
      types: {
        float32: symbol('ompi_mpi_float'),
        float64: symbol('ompi_mpi_double'),
        int32: symbol('ompi_mpi_int32_t'),
        uint8: symbol('ompi_mpi_uint8_t'),
      },
      ops: { sum: symbol('ompi_mpi_op_sum'), max: symbol('ompi_mpi_op_max'), min: symbol('ompi_mpi_op_min') },
      inPlace: 1,
      ignoreStatus: 0,
      errorsReturn: symbol('ompi_mpi_errors_return'),
      threadMultiple: 3,
    };
  }
  if (has('MPI_Abi_get_version')) return { kind: 'MPI ABI', path, declare: declare('intptr_t'), ...ABI };
  return { kind: 'MPICH', path, declare: declare('int'), ...MPICH };
}
