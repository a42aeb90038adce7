import { closeSync, openSync } from 'node:fs';
import { CommError } from '../comm-error.ts';
import { loadKoffi } from '../koffi.node.ts';

const [READ_WRITE, SHARED] = [3, 1];

/**
 * The first `bytes` bytes of a file as memory that all processes which map it share. It stays mapped while the process lives.
 *
 * @throws CommError `comm-unavailable` without koffi, or where the system cannot.
 */
export function mapFile(path: string, bytes: number): ArrayBuffer {
  if (process.platform === 'win32')
    throw new CommError(
      'comm-unavailable',
      'processes: files must be mapped, which is not done on Windows. Launch threads.',
    );
  const koffi = loadKoffi();
  const mmap = koffi.load(null).func('void *mmap(void *, size_t, int, int, int, int64_t)');
  const file = openSync(path, 'r+');
  try {
    const pointer = mmap(null, bytes, READ_WRITE, SHARED, file, 0);
    return koffi.view(pointer, bytes);
  } finally {
    closeSync(file);
  }
}
