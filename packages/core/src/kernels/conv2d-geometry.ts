/** The sizes of a convolution of `[batch, height, width, channels]`. */
export interface Conv2dGeometry {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly outChannels: number;
  readonly filterHeight: number;
  readonly filterWidth: number;
  readonly strideHeight: number;
  readonly strideWidth: number;
  readonly dilationHeight: number;
  readonly dilationWidth: number;
  /** Zeros above and to the left of the image. */
  readonly top: number;
  readonly left: number;
}

/** Bytes of {@link writeGeometry}. */
export const GEOMETRY_BYTES = 64;

/** Writes a geometry as the kernels read it. */
export function writeGeometry(memory: WebAssembly.Memory, address: number, g: Conv2dGeometry): void {
  const fields = [
    ...[g.batch, g.height, g.width, g.channels, g.outHeight, g.outWidth, g.outChannels],
    ...[g.filterHeight, g.filterWidth, g.strideHeight, g.strideWidth, g.dilationHeight, g.dilationWidth],
    ...[g.top, g.left],
  ];
  new Int32Array(memory.buffer, address, fields.length).set(fields);
}

/** What {@link writeGeometry} wrote. */
export function readGeometry(memory: WebAssembly.Memory, address: number): Conv2dGeometry {
  const fields = new Int32Array(memory.buffer, address >>> 0, 15);
  const [batch, height, width, channels, outHeight, outWidth, outChannels] = fields as unknown as Fields;
  const [filterHeight, filterWidth, strideHeight, strideWidth, dilationHeight, dilationWidth] =
    fields.subarray(7) as unknown as Fields;
  const [top, left] = fields.subarray(13) as unknown as Fields;
  return {
    ...{ batch, height, width, channels, outHeight, outWidth, outChannels },
    ...{ filterHeight, filterWidth, strideHeight, strideWidth, dilationHeight, dilationWidth },
    ...{ top, left },
  };
}

type Fields = [number, number, number, number, number, number, number];
