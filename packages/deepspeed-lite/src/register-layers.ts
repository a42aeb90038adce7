/**
 * Registers the layers of this package, so that `loadLayersModel` knows them. It exports nothing: import it for what it does.
 *
 * @module
 */
// imported for what it does: the layers are there for `loadLayersModel`, in a bundle too
import './attention/sparse-attention-layer.ts';
import './compress/layers/quantized-conv2d.ts';
import './compress/layers/quantized-dense.ts';
import './compress/layers/quantized-tables.ts';
import './data-efficiency/layer-drop.ts';
import './data-efficiency/token-drop.ts';
import './experts/mixture-of-experts.ts';
import './tensor/dropout-part.ts';
import './tensor/marker-layers.ts';
import './tensor/vocabulary-part.ts';
