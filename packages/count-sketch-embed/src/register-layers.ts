/**
 * Registers the compressed embedding layers, so that `loadLayersModel` knows them. It exports nothing: import it for what it does.
 *
 * @module
 */
// imported for what it does: the layers are there for `loadLayersModel`, in a bundle too
import './fit/int8-embedding.ts';
import './fit/product-quantised-embedding.ts';
import './layers/count-sketch-embedding.ts';
import './layers/eelbert-embedding.ts';
import './layers/hash-embedding.ts';
import './layers/mixed-dimension-embedding.ts';
import './layers/nano-embedding.ts';
import './layers/quotient-remainder-embedding.ts';
import './layers/robe-embedding.ts';
import './layers/table-embedding.ts';
import './layers/tensor-train-embedding.ts';
import './models/bag-of-embeddings.ts';
import './models/click-model.ts';
import './models/language-model-head.ts';
