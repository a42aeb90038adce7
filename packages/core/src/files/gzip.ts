import { DataError } from '../errors.ts';

/** Compresses with the platform's own gzip. */
export async function gzip(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  return through(bytes, new CompressionStream('gzip'));
}

/** What a decompressed file may take unless the caller knows better: 1 GiB. */
export const MOST_UNPACKED: number = 2 ** 30;

/**
 * Decompresses gzip with the platform's own.
 *
 * @param who Names the file in errors.
 * @param most Bytes that the result may have; a file that unpacks to more is refused once it exceeds that. Default 1 GiB.
 * @throws DataError `corrupt-file` where the bytes are cut off, altered or no gzip, or unpack to more than `most`.
 */
export async function gunzip(
  bytes: Uint8Array,
  who = 'gunzip',
  most: number = MOST_UNPACKED,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await through(bytes, new DecompressionStream('gzip'), atMost(most, who));
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw new DataError(
      'corrupt-file',
      `${who}: must be a whole gzip file, and is cut off, altered or none. Replace it with a fresh copy.`,
      { cause },
    );
  }
}

/** Lets bytes pass, and fails once there are more than `most`: a small file can unpack to a thousand times its size. */
export function atMost(most: number, who: string): TransformStream<Uint8Array, Uint8Array> {
  let passed = 0;
  return new TransformStream({
    transform(chunk, controller) {
      passed += chunk.length;
      if (passed <= most) controller.enqueue(chunk);
      else
        throw new DataError(
          'corrupt-file',
          `${who}: must unpack to ${most} bytes at most, and holds more. Take a fresh copy from a source that you trust.`,
        );
    },
  });
}

async function through(
  bytes: Uint8Array,
  ...transforms: readonly GenericTransformStream[]
): Promise<Uint8Array<ArrayBuffer>> {
  let stream: ReadableStream<Uint8Array> = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream();
  for (const transform of transforms) stream = stream.pipeThrough(transform) as ReadableStream<Uint8Array>;
  return new Uint8Array(await new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer());
}
