export { bindKernels, compileKernels, hasRelaxedSimd, type Kernels } from './compile.ts';
export { GEOMETRY_BYTES, writeGeometry, type Conv2dGeometry } from './conv2d-geometry.ts';
