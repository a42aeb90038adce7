/**
 * Registers the layers of the models, so that `loadLayersModel` knows them. It exports nothing: import it for what it does.
 *
 * @module
 */
// imported for what it does: the layers are there for `loadLayersModel`, in a bundle too
import './layers/attention.ts';
import './layers/causal-mask.ts';
import './layers/first-token.ts';
import './layers/gelu-new.ts';
import './layers/layer-norm.ts';
import './layers/output-bias.ts';
import './layers/padding-mask.ts';
import './layers/position-embedding.ts';
import './layers/tied-embedding.ts';
import './layers/token-column.ts';
import './pad-channels.ts';
