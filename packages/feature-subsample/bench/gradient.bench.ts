import { bench } from '@ockham/bench';
import { linearSystem } from '@ockham/feature-subsample';

const [n, d] = [4000, 2000];
const values = Float64Array.from({ length: n * d }, (_, i) => Math.sin(1 + i * 0.7) / Math.sqrt(n));
const b = Float64Array.from({ length: n }, (_, i) => Math.cos(i));
const x = Float64Array.from({ length: d }, (_, i) => Math.sin(3 * i));

export default bench({
  id: 'feature-subsample/gradient',
  question: 'How long does a gradient Aᵀ(Ax − b) take beside a product Ax, in float64 on one thread?',
  against: { 'gradient, SIMD': 'gradient, plain' },
  prepare() {
    const fast = linearSystem({ rows: n, columns: d, values }, b);
    const plain = linearSystem({ rows: n, columns: d, values }, b, { engine: 'plain' });
    return {
      variants: {
        'gradient, SIMD': () => void fast.gradient(x),
        'gradient, plain': () => void plain.gradient(x),
        'Ax, SIMD': () => void fast.times(x),
      },
    };
  },
});
