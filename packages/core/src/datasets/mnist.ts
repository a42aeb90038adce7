import type { Split } from '../dataset.ts';
import { DataError } from '../errors.ts';
import { parseIdx } from './idx.ts';
import { imageSplit } from './image-split.ts';
import type { DatasetFile, DatasetFiles, DatasetRecipe } from './recipe.ts';
import { fileOf } from './recipe.ts';

const file = (name: string, bytes: number, sha256: string): DatasetFile => ({ name, bytes, sha256 });

/** MNIST (LeCun, Bottou, Bengio and Haffner, 1998): 60,000 + 10,000 handwritten digits, 28×28 grey. */
export const MNIST: DatasetRecipe = {
  name: 'mnist',
  classes: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
  forms: [
    {
      files: [
        file(
          'train-images-idx3-ubyte.gz',
          9912422,
          '440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609',
        ),
        file(
          'train-labels-idx1-ubyte.gz',
          28881,
          '3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c',
        ),
        file(
          't10k-images-idx3-ubyte.gz',
          1648877,
          '8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6',
        ),
        file(
          't10k-labels-idx1-ubyte.gz',
          4542,
          'f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6',
        ),
      ],
      mirrors: [
        'https://ossci-datasets.s3.amazonaws.com/mnist/',
        'https://storage.googleapis.com/cvdf-datasets/mnist/',
      ],
      parse: (files) => parseMnistFiles(files, 10, 'mnist'),
    },
  ],
};

/** Fashion-MNIST (Xiao, Rasul and Vollgraf, 2017): 60,000 + 10,000 articles of clothing, in MNIST's form. */
export const FASHION_MNIST: DatasetRecipe = {
  name: 'fashion-mnist',
  classes: [
    'T-shirt/top',
    'Trouser',
    'Pullover',
    'Dress',
    'Coat',
    'Sandal',
    'Shirt',
    'Sneaker',
    'Bag',
    'Ankle boot',
  ],
  forms: [
    {
      files: [
        file(
          'train-images-idx3-ubyte.gz',
          26421880,
          '3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84',
        ),
        file(
          'train-labels-idx1-ubyte.gz',
          29515,
          'a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845',
        ),
        file(
          't10k-images-idx3-ubyte.gz',
          4422102,
          '346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073',
        ),
        file(
          't10k-labels-idx1-ubyte.gz',
          5148,
          '67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5',
        ),
      ],
      mirrors: ['https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/'],
      parse: (files) => parseMnistFiles(files, 10, 'fashionMnist'),
    },
  ],
};

/**
 * Joins the four IDX files of a data set in MNIST's form.
 *
 * @param files Decompressed content under the four official names (`train-images-idx3-ubyte.gz`, …).
 * @param who Names the caller in errors.
 * @throws DataError `corrupt-file` where a file is no IDX file of images or labels, or two disagree.
 */
export function parseMnistFiles(
  files: DatasetFiles,
  classes: number,
  who: string,
): { train: Split; test: Split } {
  const split = (prefix: string): Split => {
    const imageFile = `${prefix}-images-idx3-ubyte.gz`;
    const labelFile = `${prefix}-labels-idx1-ubyte.gz`;
    const images = parseIdx(fileOf(files, imageFile), `${who}: ${imageFile}`);
    const labels = parseIdx(fileOf(files, labelFile), `${who}: ${labelFile}`);
    if (images.shape.length !== 3 || labels.shape.length !== 1) {
      throw new DataError(
        'corrupt-file',
        `${who}: ${imageFile} must have rank 3 and ${labelFile} rank 1, got ${images.shape.length} and ` +
          `${labels.shape.length}. The files may have been renamed; take fresh copies.`,
      );
    }
    const [, height, width] = images.shape as [number, number, number];
    return imageSplit(images.values, [height, width, 1], labels.values, classes, `${who}: ${prefix}`);
  };
  return { train: split('train'), test: split('t10k') };
}
