import { CIFAR_10, parseCifar } from './cifar.ts';
import type { DatasetContent, DatasetFile, DatasetFiles, DatasetRecipe } from './recipe.ts';
import { fileOf } from './recipe.ts';
import { untar } from './tar.ts';

const TRAIN_BATCHES = [1, 2, 3, 4, 5].map((k) => `data_batch_${k}.bin`);
const TEST_BATCH = 'test_batch.bin';
const BATCH_BYTES = 10_000 * 3073;

const batch = (name: string, sha256: string): DatasetFile => ({ name, bytes: BATCH_BYTES, sha256 });

/** CIFAR-10 (Krizhevsky, 2009): 50,000 + 10,000 colour images, 32×32, in the binary version. */
export const CIFAR10: DatasetRecipe = {
  name: 'cifar10',
  classes: ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'],
  forms: [
    {
      files: [
        {
          name: 'cifar-10-binary.tar.gz',
          bytes: 170052171,
          sha256: 'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd',
        },
      ],
      mirrors: ['https://www.cs.toronto.edu/~kriz/'],
      parse: (files) =>
        parseBatches(
          untar(fileOf(files, 'cifar-10-binary.tar.gz'), 'cifar10', [...TRAIN_BATCHES, TEST_BATCH]),
        ),
    },
    {
      files: [
        batch('data_batch_1.bin', 'cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5'),
        batch('data_batch_2.bin', 'a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed'),
        batch('data_batch_3.bin', 'bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67'),
        batch('data_batch_4.bin', '014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48'),
        batch('data_batch_5.bin', '755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add'),
        batch('test_batch.bin', '8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b'),
      ],
      mirrors: [],
      parse: parseBatches,
    },
    {
      files: [
        {
          name: 'data_batch_1_first4000.bin.gz',
          bytes: 11316918,
          sha256: '0bb145d179ecb2a750190e62493390eeb7162bf39f48bbe8e48630dd27a8a1ba',
        },
        {
          name: 'test_2000_jpegdecoded.bin.gz',
          bytes: 5783873,
          sha256: '19031e71b2af25cfead87929237a23ff26f5c76f4610fb10cf2ee44d9c1bcb18',
        },
      ],
      mirrors: [],
      note:
        'Part of CIFAR-10: the first 4,000 training images, lossless, and 2,000 test images decoded from JPEG, ' +
        'on which the same network scores about ten points lower.',
      parse: (files) => ({
        train: parseCifar([fileOf(files, 'data_batch_1_first4000.bin.gz')], CIFAR_10, 'cifar10: train'),
        test: parseCifar([fileOf(files, 'test_2000_jpegdecoded.bin.gz')], CIFAR_10, 'cifar10: test'),
      }),
    },
  ],
};

function parseBatches(files: DatasetFiles): DatasetContent {
  return {
    train: parseCifar(
      TRAIN_BATCHES.map((name) => fileOf(files, name)),
      CIFAR_10,
      'cifar10: train',
    ),
    test: parseCifar([fileOf(files, TEST_BATCH)], CIFAR_10, 'cifar10: test'),
  };
}
