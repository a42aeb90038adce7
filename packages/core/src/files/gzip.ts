import { DataError } from '../errors.ts';

/** Compresses with the platform's own gzip. */
export async function gzip(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  return through(bytes, new CompressionStream('gzip'));
}

/**
 * Decompresses gzip with the platform's own.
 *
 * @param who Names the file in errors.
 * @throws DataError `corrupt-file` where the bytes are cut off, altered or no gzip.
 */
export async function gunzip(bytes: Uint8Array, who = 'gunzip'): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await through(bytes, new DecompressionStream('gzip'));
  } catch (cause) {
    throw new DataError(
      'corrupt-file',
      `${who}: must be a whole gzip file, and is cut off, altered or none. Replace it with a fresh copy.`,
      { cause },
    );
  }
}

async function through(
  bytes: Uint8Array,
  transform: GenericTransformStream,
): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(transform);
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
