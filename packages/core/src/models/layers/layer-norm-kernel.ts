/** The kernel of layer normalisation over the last axis, of the engines that have it in one: `x`, `gamma` and `beta` to y. */
export const LAYER_NORM = 'OckhamLayerNorm';
