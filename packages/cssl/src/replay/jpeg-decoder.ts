import type { decode as Decode } from 'jpeg-js';
// @ts-expect-error: the package has types for its entry alone, which brings the half that codes as well
import decoder from 'jpeg-js/lib/decoder.js';

/** The half of `jpeg-js` that decodes. */
export const decode = decoder as typeof Decode;
