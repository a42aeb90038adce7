import type { Format } from '../format.ts';
import { arrayFormats } from './arrays.ts';
import { commandLineFormats } from './command-line.ts';
import { modelFormats } from './models.ts';
import { textFormats } from './texts.ts';

/** Every kind of file that a reader of the packages takes. */
export const formats: readonly Format[] = [
  ...arrayFormats,
  ...textFormats,
  ...modelFormats,
  ...commandLineFormats,
];
