// imported for what it does: the layers are there for `loadLayersModel`, in a bundle too
import './dlrt/low-rank-layer.ts';
import './lora/lora-layer.ts';
