"""Decomposes a random matrix by LAPACK on one thread, once for each line it reads; linalg.bench.ts times the answers."""

import json
import os
import sys

os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402

a = np.random.default_rng(7).standard_normal((int(sys.argv[1]),) * 2)
definite = a @ a.T + np.eye(len(a))
work = {
    "svd": lambda: np.linalg.svd(a, full_matrices=False),
    "singular values": lambda: np.linalg.svd(a, compute_uv=False),
    "qr": lambda: np.linalg.qr(a),
    "eigh": lambda: np.linalg.eigh(definite),
    "cholesky": lambda: np.linalg.cholesky(definite),
    "multiply": lambda: a @ a,
}
print(json.dumps({"numpy": np.__version__}), flush=True)
for line in sys.stdin:
    work[line.strip()]()
    print("done", flush=True)
