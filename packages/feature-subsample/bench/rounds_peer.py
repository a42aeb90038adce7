"""A product A x and a gradient of least squares on two threads, once for each line it reads."""

import json
import os
import sys

os.environ["OPENBLAS_NUM_THREADS"] = "2"
os.environ["OMP_NUM_THREADS"] = "2"

import numpy as np  # noqa: E402

random = np.random.default_rng(7)
a = random.standard_normal((int(sys.argv[1]), int(sys.argv[2])))
b = random.standard_normal(a.shape[0])
x = random.standard_normal(a.shape[1])
work = {"product": lambda: a @ x, "gradient": lambda: a.T @ (a @ x - b)}
print(json.dumps({"numpy": np.__version__}), flush=True)
for line in sys.stdin:
    work[line.strip()]()
    print("done", flush=True)
