import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DataError } from '@ockham/core';
import { readSafetensorsMetadata } from '@ockham/core/files';
import { writeFileAtomic } from '@ockham/core/files/node';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { decodeAdapter } from './adapter-file.ts';
import { encodeAdapter, METADATA, type EncodeAdapterOptions, type EncodedAdapter } from './encode-adapter.ts';
import { parsePeftConfig } from './peft-config.ts';
import { installAdapter, type InstallAdapterOptions } from './install-adapter.ts';

/** The names that PEFT gives to the files of a folder. */
const [WEIGHTS, CONFIG] = ['adapter_model.safetensors', 'adapter_config.json'] as const;

/**
 * Writes an adapter. A path that ends in `.safetensors` is one file with everything in it; any other is a folder as
 * PEFT's `from_pretrained` reads it, `adapter_model.safetensors` beside `adapter_config.json`. What was there is replaced
 * only once the new file is complete.
 *
 * @throws ArgumentError as `encodeAdapter`; DataError `storage-failed` where the disk refuses.
 */
export async function saveAdapter(
  adapted: LayersModel,
  path: string,
  options: EncodeAdapterOptions = {},
): Promise<EncodedAdapter> {
  const encoded = await encodeAdapter(adapted, options);
  if (path.endsWith('.safetensors')) {
    await writeFileAtomic(path, encoded.bytes);
    return encoded;
  }
  const text = new TextEncoder().encode(`${JSON.stringify(encoded.config, undefined, 2)}\n`);
  await writeFileAtomic(join(path, CONFIG), text);
  await writeFileAtomic(join(path, WEIGHTS), encoded.bytes);
  return encoded;
}

/**
 * Reads an adapter that {@link saveAdapter} or PEFT wrote, puts it into a model and switches to it. Of a
 * folder, its `adapter_config.json` counts before what the file itself holds, and must scale the adapter alike.
 *
 * @param model An adapted model, or a base, which is then adapted where the file says.
 * @param path The `.safetensors` file, or the folder.
 * @returns `model` itself if it was adapted, else a new model on it.
 * @throws ArgumentError where the adapter does not fit, DataError where a file is absent or damaged.
 *
 * @example
 * await saveAdapter(adapted, 'sst2.safetensors');
 * const again = await loadAdapter(base, 'sst2.safetensors');
 */
export async function loadAdapter(
  model: LayersModel,
  path: string,
  options: InstallAdapterOptions = {},
): Promise<LayersModel> {
  const who = 'loadAdapter';
  const file = path.endsWith('.safetensors') ? path : join(path, WEIGHTS);
  const configPath = join(dirname(file), CONFIG);
  const bytes = await read(who, file);
  const own = readSafetensorsMetadata(bytes, `${who}: ${file}`)[METADATA.config];
  const holdsConfig = own !== undefined;
  // beside a file that has its own lies, perhaps, another adapter's config
  const beside = existsSync(configPath) && (file.endsWith(WEIGHTS) || !holdsConfig);
  const config = beside ? new TextDecoder().decode(await read(who, configPath)) : undefined;
  if (config !== undefined && own !== undefined) checkSameSave(`${who}: ${file}`, config, own, configPath);
  return installAdapter(model, decodeAdapter(bytes, config, `${who}: ${file}`), options, who);
}

/** What scales an adapter; a save that was killed between its two files leaves the config of one beside the weights of another. */
const SCALES = ['r', 'lora_alpha', 'use_rslora', 'use_dora', 'rank_pattern', 'alpha_pattern'] as const;

function checkSameSave(who: string, beside: string, own: string, path: string): void {
  const [a, b] = [parsePeftConfig(beside, who), parsePeftConfig(own, who)];
  const odd = SCALES.find((key) => JSON.stringify(a[key]) !== JSON.stringify(b[key]));
  if (odd === undefined) return;
  throw new DataError(
    'corrupt-file',
    `${who}: its config and that in ${path} must agree, and differ in ${odd}: they are of two saves. Delete ${path} to take what the weights were saved with, or save the adapter again.`,
  );
}

async function read(who: string, path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new DataError(
      'storage-failed',
      `${who}: ${path} cannot be read. Check the path and its permissions.`,
      { cause },
    );
  }
}
