import type { Split } from '../dataset.ts';
import { CIFAR_100, parseCifar } from './cifar.ts';
import type { DatasetContent, DatasetFiles, DatasetRecipe } from './recipe.ts';
import { fileOf } from './recipe.ts';
import { untar } from './tar.ts';

const FINE_LABELS = (
  'apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly ' +
  'camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile ' +
  'cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp ' +
  'lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom oak_tree ' +
  'orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine possum ' +
  'rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider ' +
  'squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor train ' +
  'trout tulip turtle wardrobe whale willow_tree wolf woman worm'
).split(' ');

/** CIFAR-100 (Krizhevsky, 2009): 50,000 + 10,000 colour images, 32×32, 100 fine classes, in the binary version. */
export const CIFAR100: DatasetRecipe = {
  name: 'cifar100',
  classes: FINE_LABELS,
  forms: [
    {
      files: [
        {
          name: 'cifar-100-binary.tar.gz',
          bytes: 168513733,
          sha256: '58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec',
        },
      ],
      mirrors: ['https://www.cs.toronto.edu/~kriz/'],
      parse: (files) =>
        parseSplits(
          untar(fileOf(files, 'cifar-100-binary.tar.gz'), 'cifar100', ['train.bin', 'test.bin']),
          '',
        ),
    },
    {
      files: [
        {
          name: 'train.bin',
          bytes: 50_000 * 3074,
          sha256: 'f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29',
        },
        {
          name: 'test.bin',
          bytes: 10_000 * 3074,
          sha256: 'd8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a',
        },
      ],
      mirrors: [],
      parse: (files) => parseSplits(files, ''),
    },
  ],
};

/** The first 100 training images of CIFAR-100, as train and as test split: for checking a loader or a model. */
export const CIFAR100_PREVIEW: DatasetRecipe = {
  name: 'cifar100-preview',
  classes: FINE_LABELS,
  forms: [
    {
      files: [
        {
          name: 'train_preview_100.bin',
          bytes: 100 * 3074,
          sha256: '2152f97e88bc76bd4deaeb288be9fd4d4487c3b5eb481f87644fb60f7670f19f',
        },
      ],
      mirrors: [],
      note: 'The first 100 training images of CIFAR-100, as train and as test split: no measure of accuracy.',
      parse: (files) => {
        const all = parseCifar([fileOf(files, 'train_preview_100.bin')], CIFAR_100, 'cifar100Preview');
        return { train: all, test: all };
      },
    },
  ],
};

/** 100 classes of Tiny ImageNet averaged down to 32×32, in CIFAR-100's layout: 12,000 + 3,000 images. */
export const TIN100: DatasetRecipe = {
  name: 'tin100-32',
  classes: [],
  forms: [
    {
      files: [
        {
          name: 'train.bin.gz',
          bytes: 34431752,
          sha256: 'edcac519c4037c3c015f225cc2d5dc4588d103bbaf51bbcb99398e2f04632ffa',
        },
        {
          name: 'test.bin.gz',
          bytes: 8594687,
          sha256: '5ebce24f630a9714323b5902f809503e2e66dfce7e607b0538d7cbd0a8edb708',
        },
        {
          name: 'fine_label_names.txt',
          bytes: 3070,
          sha256: '45938c04ea4b561c6ed5306aafd694d028ac0459a787606cbe6f613ab5cc93cc',
        },
      ],
      mirrors: [],
      note: 'Tiny ImageNet classes at 32×32 in the layout of CIFAR-100; not comparable with figures for CIFAR-100.',
      parse: (files) => ({ ...parseSplits(files, '.gz'), classes: secondColumn(files) }),
    },
  ],
};

function parseSplits(files: DatasetFiles, ending: '' | '.gz'): DatasetContent {
  const split = (name: string): Split => parseCifar([fileOf(files, name + ending)], CIFAR_100, name);
  return { train: split('train.bin'), test: split('test.bin') };
}

function secondColumn(files: DatasetFiles): string[] {
  const text = new TextDecoder().decode(fileOf(files, 'fine_label_names.txt'));
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t')[1] ?? line);
}
