export type { Codec, ImageCodec } from './codec.ts';
export { toCodec, type CodecSpec } from './codec-spec.ts';
export { ReplayBuffer, type Distortion } from './replay-buffer.ts';
export type { EvictPolicy, ReplayBufferOptions, SamplePolicy } from './replay-options.ts';
export {
  decodeReplay,
  encodeReplay,
  type LoadedReplay,
  type LoadReplayOptions,
  type LostRecord,
  type SavedReplay,
} from './saved-replay.ts';
