import { DataError } from '@ockham/core';
import {
  readSafetensors,
  readSafetensorsMetadata,
  type NamedArray,
  type NamedArrays,
} from '@ockham/core/files';
import { METADATA } from './encode-adapter.ts';
import { parsePeftConfig, type PeftConfig } from './peft-config.ts';
import { PREFIX } from './peft-layout.ts';

/** An adapter that was read and not yet put into a model. */
export interface AdapterFile {
  /** What the adapter's own configuration says. */
  readonly config: PeftConfig;
  /** By module path: its arrays under `a`, `b` and, of DoRA, `m`. */
  readonly modules: ReadonlyMap<string, Readonly<Partial<Record<'a' | 'b' | 'm', NamedArray>>>>;
  /** Weights of layers that train whole, by PyTorch's name. */
  readonly whole: NamedArrays;
  /** Of the base it was made on; absent in files that others wrote. */
  readonly fingerprint?: string;
}

/** `<module>.lora_A.weight`, with the adapter's name in it where PEFT left one, or `<module>.lora_embedding_A`. */
const FACTOR = /^(.+)\.lora_(?:(embedding_)?([AB])(?:\.\w+)??(?:\.weight)?|(magnitude_vector)(?:\.\w+)*)$/;

const LONGEST_NAME = 1000; // FACTOR takes the square of it

/**
 * Reads an adapter in PEFT's layout.
 *
 * @param bytes `adapter_model.safetensors`.
 * @param config The text of `adapter_config.json`; files that {@link encodeAdapter} wrote hold it themselves.
 * @throws DataError `corrupt-file` where the file or its config cannot be read, or a module lacks one of A and B.
 */
export function decodeAdapter(bytes: Uint8Array, config?: string, who = 'decodeAdapter'): AdapterFile {
  const metadata = readSafetensorsMetadata(bytes, who);
  const text = config ?? metadata[METADATA.config];
  if (text === undefined) {
    throw new DataError(
      'corrupt-file',
      `${who}: the file has no config, so that its α is unknown. Give the adapter_config.json that belongs to it.`,
    );
  }
  const modules = new Map<string, Partial<Record<'a' | 'b' | 'm', NamedArray>>>();
  const whole: NamedArrays = new Map();
  for (const [key, array] of readSafetensors(bytes, who)) {
    if (!key.startsWith(PREFIX) || key.length > LONGEST_NAME) {
      throw new DataError(
        'corrupt-file',
        `${who}: names must start with ${PREFIX} and have ${LONGEST_NAME} signs at most, got ${key.slice(0, 200)}. Save the adapter by save_pretrained of PEFT.`,
      );
    }
    const name = key.slice(PREFIX.length);
    const match = FACTOR.exec(name);
    if (!match) {
      whole.set(name, array);
      continue;
    }
    const module = match[1]!;
    const which = match[4] ? 'm' : match[3] === 'A' ? 'a' : 'b';
    modules.set(module, { ...modules.get(module), [which]: array });
  }
  const odd = [...modules].find(([, { a, b }]) => !a || !b);
  if (odd || modules.size === 0) {
    throw new DataError(
      'corrupt-file',
      `${who}: every module needs lora_A and lora_B, and ${odd ? `${odd[0]} has one of them` : 'there is no module'}. Export the adapter again.`,
    );
  }
  const fingerprint = metadata[METADATA.fingerprint];
  return {
    config: parsePeftConfig(text, who),
    modules,
    whole,
    ...(fingerprint === undefined ? {} : { fingerprint }),
  };
}
