import { parseTar } from 'nanotar';
import { DataError } from '../errors.ts';

/**
 * Files of a tar archive by their name without folders.
 *
 * @param names What must be in it; other entries are left out. Default: every file.
 * @throws DataError `corrupt-file` where one of them is missing or the archive is cut off.
 */
export function untar(
  bytes: Uint8Array,
  who: string,
  names?: readonly string[],
): ReadonlyMap<string, Uint8Array> {
  const wanted = (path: string): boolean => names === undefined || names.includes(baseName(path));
  // The parser reads from the start of the buffer, so a view into a larger one is copied.
  const whole = bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
  const files = new Map<string, Uint8Array>();
  try {
    for (const { name, type, data } of parseTar(whole, { filter: ({ name: path }) => wanted(path) })) {
      if (type === 'file') files.set(names ? baseName(name) : name, data ?? new Uint8Array());
    }
  } catch (cause) {
    throw new DataError(
      'corrupt-file',
      `${who}: the tar archive is cut off or none. Replace it with a fresh copy.`,
      {
        cause,
      },
    );
  }
  const missing = names?.filter((name) => !files.has(name)) ?? [];
  if (missing.length === 0) return files;
  throw new DataError(
    'corrupt-file',
    `${who}: the tar archive must hold ${missing.join(', ')}, and does not. Replace it with a fresh copy.`,
  );
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
