/**
 * Data sets for pages and workers: parsers of the official files, downloads, synthetic data, tokenisers.
 *
 * @module
 */
export { CIFAR_10, CIFAR_100, type CifarLayout, parseCifar } from './cifar.ts';
export { encodeTexts, type EncodedColumn, type EncodeTextsOptions } from './encode-texts.ts';
export { fetchDataset, type FetchableDataset, type FetchDatasetOptions } from './fetch.ts';
export { glueTasks, type GlueForm, type GlueLayout, type GlueTask, parseGlue } from './glue.ts';
export { holdOut } from './hold-out.ts';
export { type IdxArray, parseIdx } from './idx.ts';
export { imageSplit } from './image-split.ts';
export { maskTokens, type MaskTokensOptions } from './mask-tokens.ts';
export { parseMnistFiles } from './mnist.ts';
export type { DatasetFiles } from './recipe.ts';
export {
  gaussianClusters,
  type GaussianClustersOptions,
  linearTeacher,
  type LinearTeacherOptions,
} from './synthetic.ts';
export { corpusDataset, type CorpusDatasetOptions, encodeCorpus, type TextCorpus } from './text-corpus.ts';
export { encodeDataset, type TextDataset, type TextExamples } from './text-dataset.ts';
export type { TextFile } from './text-file.ts';
export { type SplitSource, toSplit, type ToSplitOptions } from './to-split.ts';
export type { TakeOptions } from './take.ts';
export {
  type EncodedText,
  type SpecialTokens,
  type WordPiece,
  wordPiece,
  type WordPieceOptions,
} from './wordpiece.ts';
