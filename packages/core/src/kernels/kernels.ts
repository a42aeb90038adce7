/**
 * The compiled kernels, bound to a memory. Matrices and images are given by byte offset, a multiple of 4, into that
 * memory; nothing is checked.
 */
export interface Kernels {
  /** Bytes of the workspace of {@link Kernels.gemm}. */
  workspaceBytes(): number;
  /**
   * C (m × n) = A (m × k) · B (k × n), float32 and row-major; `transposeA` says that memory holds Aᵀ. `lda`, `ldb` and `ldc`
   * are the distances of rows in memory, in numbers.
   */
  gemm(
    transposeA: boolean,
    transposeB: boolean,
    m: number,
    n: number,
    k: number,
    a: number,
    lda: number,
    b: number,
    ldb: number,
    c: number,
    ldc: number,
    workspace: number,
  ): void;
  /** Bytes of workspace that {@link Kernels.convolve} needs. */
  convolveBytes(geometry: number): number;
  /** y `[batch, out height, out width, out channels]` of a convolution. */
  convolve(geometry: number, x: number, filter: number, y: number, workspace: number): void;
  /** y = min(max(y + bias, low), high) in rows of `n`, in place; a bias at 0 is none. */
  finish(rows: number, n: number, y: number, bias: number, low: number, high: number): void;
  /** Bytes of workspace that {@link Kernels.filterGradient} needs. */
  filterGradientBytes(geometry: number): number;
  /** dw `[filter height, filter width, channels, out channels]` of a convolution. */
  filterGradient(geometry: number, x: number, dy: number, dw: number, workspace: number): void;
  /** Bytes of workspace that {@link Kernels.inputGradient} needs. */
  inputGradientBytes(geometry: number): number;
  /** dx `[batch, height, width, channels]` of a convolution. */
  inputGradient(geometry: number, dy: number, filter: number, dx: number, workspace: number): void;
  /** y of max pooling with windows of 2 × 2 that neither overlap nor leave the image. */
  maxPoolHalves(geometry: number, x: number, y: number): void;
  /** dx of average pooling; the geometry's filter is the window. */
  averagePoolGradient(geometry: number, dy: number, dx: number): void;
  /** dx of a depthwise convolution; out channels are channels · multiplier. */
  depthwiseInputGradient(geometry: number, dy: number, filter: number, dx: number): void;
  /** Bytes of workspace that {@link Kernels.depthwiseFilterGradient} needs. */
  depthwiseFilterGradientBytes(geometry: number): number;
  /** dw of a depthwise convolution. */
  depthwiseFilterGradient(geometry: number, x: number, dy: number, dw: number, workspace: number): void;
  /** dx of max pooling. */
  maxPoolGradient(geometry: number, dy: number, x: number, dx: number): void;
  /**
   * y_o[0 … p) = min(max(Σ_e values[e] · base[offsets[e] … + p) + plus[o], low), high) over the entries of each row o, as of
   * a sparse matrix. Offsets are in bytes, a `plus` at 0 is none. Up to 3 numbers beyond p are read and written; rows of y are `ldy` apart.
   */
  sparseProduct(
    rows: number,
    p: number,
    starts: number,
    offsets: number,
    values: number,
    base: number,
    y: number,
    ldy: number,
    plus: number,
    low: number,
    high: number,
  ): void;
  /**
   * The same for blocks of four consecutive rows, four values each, as of {@link SparseBlocks}; `y` has room for a multiple of
   * four rows.
   */
  blockProduct(
    rows: number,
    p: number,
    starts: number,
    offsets: number,
    values: number,
    base: number,
    y: number,
    ldy: number,
    plus: number,
    low: number,
    high: number,
  ): void;
  /**
   * y = min(max(W · x + plus, low), high) for a matrix W `[rows, inputs]` in the form of {@link SparseSlices}; a `plus` at 0 is
   * none. `scratch` has room for `inputs` + 9 numbers.
   */
  sparseVector(
    rows: number,
    inputs: number,
    order: number,
    starts: number,
    offsets: number,
    values: number,
    x: number,
    scratch: number,
    plus: number,
    y: number,
    low: number,
    high: number,
  ): void;
  /** The same in the form of {@link SparseBlocks}, with 32-bit byte offsets instead of columns. */
  blockVector(
    rows: number,
    starts: number,
    offsets: number,
    values: number,
    x: number,
    plus: number,
    y: number,
    low: number,
    high: number,
  ): void;
  /** The same in the form of {@link SparseGroups}; `table` is {@link groupTable}, `scratch` has room for `inputs` + 3 numbers. */
  groupVector(
    rows: number,
    inputs: number,
    slots: number,
    values: number,
    places: number,
    table: number,
    x: number,
    scratch: number,
    plus: number,
    y: number,
    low: number,
    high: number,
  ): void;
  /** Bytes of the workspace of {@link Kernels.int8Gemm}. */
  int8WorkspaceBytes(): number;
  /** C (m × n, int32) = A (m × k) · Bᵀ of int8 matrices; rows of A and B (n × k) are `lda` and `ldb` bytes apart, k ≤ 131,071. */
  int8Gemm(
    m: number,
    n: number,
    k: number,
    a: number,
    lda: number,
    b: number,
    ldb: number,
    c: number,
    workspace: number,
  ): void;
  /** y = min(max(C · columnScale · rowScale + bias, low), high), a bias at 0 is none; y may be C. */
  int8Finish(
    m: number,
    n: number,
    c: number,
    rowScales: number,
    columnScales: number,
    bias: number,
    low: number,
    high: number,
    y: number,
  ): void;
  /**
   * Rows of `inputs` numbers to int8, of `bytes` 1 or 2, with a scale each; groups of inputs start at even places of a row `depth` long. `sums` are
   * those of each group.
   */
  quantizeRows(
    rows: number,
    inputs: number,
    group: number,
    depth: number,
    bytes: number,
    x: number,
    to: number,
    scales: number,
    sums: number,
  ): void;
  /** Bytes of a number of an int8 row that {@link Kernels.quantizedProduct} takes with such codes. */
  quantizedRowBytes(coding: number): number;
  /** Bytes of the workspace of {@link Kernels.quantizedProduct} and {@link Kernels.quantizedFloats}. */
  quantizedBytes(): number;
  /** Blocks `first` ≤ b < `end` of eight outputs of a product with a packed matrix; `job` is its description in memory. */
  quantizedProduct(job: number, first: number, end: number, workspace: number): void;
  /**
   * The numbers of such blocks, `[depth, outputs]` in rows `ld` numbers apart. Whole blocks of eight are written: after the last row there must be
   * room for seven numbers, if it does not end with a block.
   */
  quantizedFloats(job: number, first: number, end: number, to: number, ld: number, workspace: number): void;
  /** y = min(max(round(x / scale), low), high) · scale in rows of `n`; a scale of 0 is max |x| / 127 of each row. */
  gridRows(rows: number, n: number, x: number, scale: number, low: number, high: number, y: number): void;
  /** y = activation(y + bias) in rows of `n`, by number; a bias at 0 is none. */
  quantizedEnding(rows: number, n: number, y: number, bias: number, activation: number): void;
  /** y (columns × rows) = xᵀ; rows of x are `ldx` apart, those of y `ldy`. */
  transpose(rows: number, columns: number, x: number, ldx: number, y: number, ldy: number): void;
  /** Bytes of workspace that {@link Kernels.columnSums} needs. */
  columnSumsBytes(n: number): number;
  /** The sum of each of `n` columns over `rows` rows. */
  columnSums(rows: number, n: number, x: number, to: number, workspace: number): void;
  /** Bytes of workspace that {@link Kernels.normalSums} needs. */
  normalSumsBytes(n: number): number;
  /** Σ dy and, after them, Σ dy·(x − mean) of each of `n` columns. */
  normalSums(
    rows: number,
    n: number,
    dy: number,
    x: number,
    mean: number,
    to: number,
    workspace: number,
  ): void;
  /** y = gamma·(x − mean)/√(variance + epsilon) + beta, with the mean and variance of each row of `n`. */
  layerNorm(
    rows: number,
    n: number,
    x: number,
    gamma: number,
    beta: number,
    epsilon: number,
    y: number,
  ): void;
  /** Bytes of workspace that {@link Kernels.layerNormGradient} needs. */
  layerNormGradientBytes(n: number): number;
  /** dx, and in `sums` the gradient of gamma and, after it, of beta. */
  layerNormGradient(
    rows: number,
    n: number,
    dy: number,
    x: number,
    gamma: number,
    epsilon: number,
    dx: number,
    sums: number,
    workspace: number,
  ): void;
  /** y = eˣ. */
  exponential(n: number, x: number, y: number): void;
  /** y = erf(x). */
  errorFunction(n: number, x: number, y: number): void;
  /** y = min(max(x, low), high); NaN stays NaN. */
  keepWithin(n: number, x: number, y: number, low: number, high: number): void;
  /** dx = dy where 0 < x ≤ high, else 0. */
  reluGradient(n: number, dy: number, x: number, dx: number, high: number): void;
  /** y = (x − mean)·factor + offset in rows of `n`. */
  normalise(
    rows: number,
    n: number,
    x: number,
    mean: number,
    factor: number,
    offset: number,
    y: number,
  ): void;
  /** y = x + v (`kind` 0), x − v (1) or x·v (2) in rows of `n`, v a row. */
  rowOperation(kind: number, rows: number, n: number, x: number, v: number, y: number): void;
  /**
   * A step of Adam: moments m and v in place, new weights to `to`. `scalars` are eight numbers: β₁, 1 − β₁, β₂, 1 − β₂,
   * 1 − β₁ᵗ, 1 − β₂ᵗ, ε and −η.
   */
  adamStep(n: number, w: number, m: number, v: number, g: number, to: number, scalars: number): void;
  /** y = v in each of its rows. */
  repeatRow(rows: number, n: number, v: number, y: number): void;
  /** Bytes of workspace of {@link Kernels.blockAttention} for a geometry of `writeAttention`. */
  blockAttentionBytes(geometry: number): number;
  /**
   * One head of one example: `out` = softmax(q·kᵀ·scale)·v over the present blocks, whose row starts are at `starts`; and in `stats`
   * each query's maximum and inverse sum. A key whose `visible` is 0 is hidden, a `visible` at 0 hides none; `stream` is a
   * dropout's.
   */
  blockAttention(
    geometry: number,
    starts: number,
    q: number,
    k: number,
    v: number,
    visible: number,
    stats: number,
    out: number,
    stream: number,
    workspace: number,
  ): void;
  /** Bytes of workspace that {@link Kernels.blockAttentionGradient} needs. */
  blockAttentionGradientBytes(geometry: number): number;
  /** The gradients of q, k and v. */
  blockAttentionGradient(
    geometry: number,
    starts: number,
    q: number,
    k: number,
    v: number,
    visible: number,
    stats: number,
    out: number,
    dOut: number,
    dq: number,
    dk: number,
    dv: number,
    stream: number,
    workspace: number,
  ): void;
  /** Bytes of the workspace of {@link Kernels.fusedDense}. */
  fusedDenseBytes(): number;
  /**
   * x = A (m × k) · B (k × n) with B as {@link packPanels} packs it, rows of A `lda` numbers apart, then {@link Kernels.fusedFinish} of x.
   * x goes to `c`, which may be y.
   */
  fusedDense(
    m: number,
    n: number,
    k: number,
    a: number,
    lda: number,
    panels: number,
    c: number,
    workspace: number,
    bias: number,
    activation: number,
    residual: number,
    y: number,
    gamma: number,
    beta: number,
    epsilon: number,
    z: number,
  ): void;
  /**
   * y = activation(x + bias) + residual in rows of `n` and, where gamma is not 0, z = the layer normalisation of y. A bias or residual at
   * 0 is none; y may be x or the residual, z may be y. Activations are those of {@link fusedActivations}.
   */
  fusedFinish(
    rows: number,
    n: number,
    x: number,
    bias: number,
    activation: number,
    residual: number,
    y: number,
    gamma: number,
    beta: number,
    epsilon: number,
    z: number,
  ): void;
  /**
   * One head of attention: out = softmax(scale · Q Kᵀ + plus) V, `d` wide. Query i sees the keys before `first` + i + 1, or all where
   * `first` is negative. `plus` has a number for each key, none at 0; `scores` has room for rows × keys; the workspace is {@link Kernels.gemm}'s.
   */
  fusedAttention(
    rows: number,
    keys: number,
    d: number,
    scale: number,
    q: number,
    ldq: number,
    k: number,
    v: number,
    ldkv: number,
    plus: number,
    first: number,
    out: number,
    ldo: number,
    scores: number,
    workspace: number,
  ): void;
  /** x = softmax(scale · x + plus) of `n` numbers, in place; a `plus` at 0 is none. */
  fusedSoftmax(n: number, x: number, scale: number, plus: number): void;
  /**
   * Row r of y = words[ids[r]] + positions[places[r]] + types[kinds[r]], each of `n` numbers; a table at 0 is none. With `tokens` > 0
   * words are the packed matrix (n × tokens) of {@link Kernels.fusedDense}.
   */
  fusedEmbed(
    rows: number,
    n: number,
    ids: number,
    words: number,
    tokens: number,
    places: number,
    positions: number,
    kinds: number,
    types: number,
    y: number,
  ): void;
}
