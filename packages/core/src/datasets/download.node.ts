import { createHash } from 'node:crypto';
import { constants, existsSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AbortedError, DataError, OckhamError, throwIfAborted } from '../errors.ts';
import type { Progress } from '../progress.ts';
import { checkAddress, fetchSecurely } from './secure-fetch.ts';
import type { DatasetFile } from './recipe.ts';

/** No mirror gave the file: no network, or each answered with an error. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

/** Long work's usual two. */
export interface DownloadOptions {
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/** A link in the part's place would let another user choose the file that is written; Windows has no such flag. */
const NO_LINK = (constants as { readonly O_NOFOLLOW?: number }).O_NOFOLLOW ?? 0;

/** Attempts in a row that bring no new byte before a mirror that has given some is given up; else one. */
const FRUITLESS_ATTEMPTS = 2;

/**
 * Downloads one file into `folder`: into a `.part` that a later run resumes, checked against the published
 * SHA-256, then renamed. A file that is already there is left alone. Every byte is written at its own place, so
 * two processes that download the same file do not disturb each other.
 *
 * @param mirrors Folder addresses ending in `/`, tried in order.
 * @throws Unreachable where no mirror gives the file; the `.part` stays for the next run.
 * @throws ArgumentError for a mirror without https.
 * @throws DataError `storage-failed` where the folder cannot be written, before anything is fetched;
 *   `checksum-mismatch` where a mirror gives, from the first byte, something else than the published file.
 */
export async function downloadFile(
  who: string,
  file: DatasetFile,
  mirrors: readonly string[],
  folder: string,
  options: DownloadOptions = {},
): Promise<void> {
  for (const mirror of mirrors) checkAddress(who, mirror);
  const path = join(folder, file.name);
  if (existsSync(path)) return;
  const part = `${path}.part`;
  const storing = storageGuard(who, folder);
  const handle = await storing(async () => {
    await mkdir(folder, { recursive: true });
    return open(part, constants.O_RDWR | constants.O_CREAT | NO_LINK, 0o644);
  });
  const failures: (Unreachable | DataError)[] = [];
  const { ino } = await handle.stat();
  let verified = false;
  try {
    if (existsSync(path)) return; // another process has just finished, and its part is gone
    for (const mirror of mirrors) {
      const failure = await tryMirror(handle, `${mirror}${file.name}`, file, who, storing, options);
      if (failure) failures.push(failure);
      verified = !failure;
      if (verified) break;
    }
    if (verified) await storing(() => handle.sync());
  } finally {
    const { size } = await handle.stat();
    await handle.close();
    if (size === 0) await rm(part, { force: true });
  }
  if (!verified) {
    const mismatch = failures.find((failure) => failure instanceof DataError);
    throw mismatch ?? new Unreachable(failures.map(({ message }) => message).join('; '));
  }
  await storing(() => publish(part, path, ino));
}

/** Gives the part its name, unless another process that downloaded the same file has just done so. */
async function publish(part: string, path: string, ino: number): Promise<void> {
  try {
    if ((await stat(part)).ino === ino) await rename(part, path);
  } catch (error) {
    if (!existsSync(path)) throw error;
  }
}

type Storing = <T>(work: () => Promise<T>) => Promise<T>;

/** Completes the `.part` from one address and checks it; a wrong remainder of an earlier run is discarded once. */
async function tryMirror(
  part: FileHandle,
  url: string,
  file: DatasetFile,
  who: string,
  storing: Storing,
  options: DownloadOptions,
): Promise<Unreachable | DataError | undefined> {
  for (;;) {
    const { size: before } = await part.stat();
    try {
      await complete(part, url, file, who, storing, options);
    } catch (error) {
      if (error instanceof Unreachable) return error;
      throw error;
    }
    const actual = await sha256(part);
    if (actual === file.sha256) return undefined;
    await storing(() => part.truncate(0));
    if (before > 0) continue;
    return new DataError(
      'checksum-mismatch',
      `${who}: ${url} must have the SHA-256 ${file.sha256}, got ${actual}. It was discarded. ` +
        `Run again, or get ${file.name} from elsewhere and set OCKHAM_DATA.`,
    );
  }
}

/** Fetches from where the `.part` ends, again after a cut connection, while each attempt brings new bytes. */
async function complete(
  part: FileHandle,
  url: string,
  file: DatasetFile,
  who: string,
  storing: Storing,
  options: DownloadOptions,
): Promise<void> {
  let fruitless = 0;
  for (;;) {
    throwIfAborted(options.signal, who);
    const { size: before } = await part.stat();
    if (before >= file.bytes) return;
    try {
      await fetchRest(part, url, before, file, storing, options);
      return;
    } catch (error) {
      if (options.signal?.aborted) {
        throw new AbortedError(
          `${who}: stopped by the AbortSignal while downloading ${url}. Run again to resume.`,
          {
            cause: options.signal.reason,
          },
        );
      }
      if (error instanceof OckhamError || error instanceof Unreachable) throw error;
      const { size: after } = await part.stat();
      fruitless = after > before ? 0 : fruitless + 1;
      if (after === 0 || fruitless === FRUITLESS_ATTEMPTS)
        throw new Unreachable(`${url}: ${reason(error)}`, { cause: error });
    }
  }
}

async function fetchRest(
  part: FileHandle,
  url: string,
  from: number,
  file: DatasetFile,
  storing: Storing,
  { progress, signal }: DownloadOptions,
): Promise<void> {
  const response = await fetchSecurely(url, {
    // A content encoding would change what the positions of a range mean.
    headers: { 'accept-encoding': 'identity', ...(from > 0 ? { range: `bytes=${from}-` } : {}) },
    ...(signal ? { signal } : {}),
  });
  const refuse = async (why: string): Promise<never> => {
    await response.body?.cancel();
    throw new Unreachable(`${url}: ${why}`);
  };
  if (!response.ok || !response.body) return refuse(`HTTP ${response.status}`);
  let at = response.headers.get('content-range')?.startsWith(`bytes ${from}-`) ? from : 0;
  const length = response.headers.get('content-length');
  if (length !== null && at + Number(length) !== file.bytes) {
    return refuse(`${at + Number(length)} bytes where ${file.bytes} were published`);
  }
  for await (const chunk of response.body) {
    if (at + chunk.length > file.bytes) return refuse(`more than the published ${file.bytes} bytes`);
    await storing(() => part.write(chunk, 0, chunk.length, at));
    at += chunk.length;
    progress?.({ stage: `download ${file.name}`, done: at, total: file.bytes });
  }
  if (at < file.bytes) throw new Error(`the connection ended after ${at} of ${file.bytes} bytes`);
}

function storageGuard(who: string, folder: string): Storing {
  return async (work) => {
    try {
      return await work();
    } catch (cause) {
      throw new DataError(
        'storage-failed',
        `${who}: the cache folder ${folder} cannot be written (${reason(cause)}). Make room or correct its ` +
          `permissions, set OCKHAM_CACHE to a folder that can be written, or set OCKHAM_DATA to one that has the files.`,
        { cause },
      );
    }
  };
}

async function sha256(part: FileHandle): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of part.createReadStream({ start: 0, autoClose: false }))
    hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? error.cause.message : '';
  return cause || error.message;
}
