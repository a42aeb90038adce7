/**
 * Registers the low-rank layers, so that `loadLayersModel` knows them. It exports nothing: import it for what it does.
 *
 * @module
 */
// imported for what it does: the layers are there for `loadLayersModel`, in a bundle too
import './dlrt/low-rank-layer.ts';
import './lora/lora-layer.ts';
