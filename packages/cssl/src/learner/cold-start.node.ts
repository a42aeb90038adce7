import { readFileIfThere, writeFileAtomic } from '@ockham/core/files/node';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { decodeReplay, encodeReplay } from '../replay/index.ts';
import type { LearnerStore } from './learner-store.ts';
import { Learner } from './learner.ts';
import type { ColdStartOptions } from './options.ts';

/**
 * As `coldStart` of `@ockham/cssl`, for Node: `save` and `load` take the path of a file. In a file that was damaged among
 * the buffer's records those are reported and left out; the rest loads.
 *
 * @throws ArgumentError for options out of range; UnsupportedModelError where a head has no place.
 */
export function coldStart(model: LayersModel, options: ColdStartOptions): Learner {
  return new Learner(model, options, inFile);
}

function inFile(path: string): LearnerStore {
  const who = `learner.load('${path}')`;
  return {
    read: async () => {
      const bytes = await readFileIfThere(path, who);
      return bytes && decodeReplay(bytes, who);
    },
    write: (saved) => writeFileAtomic(path, encodeReplay(saved)),
  };
}
