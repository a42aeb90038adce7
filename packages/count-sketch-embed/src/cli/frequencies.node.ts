import { readFile } from 'node:fs/promises';
import { DataError } from '@ockham/core';
import { readNpy } from '@ockham/core/files';

/**
 * Counts of tokens by id, from an `.npy` array of one axis or a text with one number a line.
 *
 * @throws DataError `storage-failed` where the file cannot be read, `corrupt-file` where it holds anything else.
 */
export async function readFrequencies(path: string): Promise<Float64Array> {
  const who = `--frequencies: ${path}`;
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new DataError('storage-failed', `${who} cannot be read. Check the path.`, { cause });
  });
  const counts = path.endsWith('.npy')
    ? Float64Array.from((await readNpy(bytes, who)).values as Iterable<number | bigint>, Number)
    : Float64Array.from(
        new TextDecoder()
          .decode(bytes)
          .trim()
          .split(/\s*\n\s*/),
        (line) => Number(line || NaN),
      );
  const odd = counts.findIndex((count) => !(count >= 0 && Number.isFinite(count)));
  if (odd < 0) return counts;
  throw new DataError(
    'corrupt-file',
    `${who} must hold one count ≥ 0 for each token; the one of token ${odd} is none. Count again.`,
  );
}
