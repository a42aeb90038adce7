import type { layers } from '@tensorflow/tfjs-layers';

/** A layer from integer ids of any shape `[…]` to vectors `[…, D]`: a compressed table or `tf.layers.embedding`. */
export type EmbeddingLayer = layers.Layer;
