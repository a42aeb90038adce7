"""VQE of H2 on four qubits by qulacs and lightning.qubit on one thread, once for each line it reads, `qulacs` or `lightning`.

Arguments: the terms as JSON, the start as JSON, the exact energy. As hydrogen.bench.ts it runs from Hamiltonian to energy:
operators and circuit are made anew, and SciPy's BFGS goes on, with adjoint gradients, until the energy is right to 1e-12.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import json  # noqa: E402
import sys  # noqa: E402
from importlib.metadata import version  # noqa: E402

import numpy as np  # noqa: E402
import pennylane as qml  # noqa: E402
from pennylane import numpy as pnp  # noqa: E402
from qulacs import Observable, ParametricQuantumCircuit, QuantumState  # noqa: E402
from scipy.optimize import minimize  # noqa: E402

TERMS = json.loads(sys.argv[1])
START = np.array(json.loads(sys.argv[2]))
EXACT = float(sys.argv[3])
N = 4
LAYERS = len(START) // N


def solve(value_and_gradient):
    found = minimize(value_and_gradient, START, jac=True, method="BFGS", options={"gtol": 1e-7})
    return found.fun


def qulacs():
    observable = Observable(N)
    for term in TERMS:
        letters = " ".join(f"{p} {q}" for q, p in enumerate(term["pauli"]) if p != "I")
        observable.add_operator(term["coefficient"], letters)
    circuit = ParametricQuantumCircuit(N)
    for layer in range(LAYERS):
        if layer > 0:
            for q in range(N - 1):
                circuit.add_CNOT_gate(q, q + 1)
        for q in range(N):
            circuit.add_parametric_RY_gate(q, 0.0)
    state = QuantumState(N)

    def both(x):
        for i, value in enumerate(x):
            circuit.set_parameter(i, -value)  # its rotations turn the other way
        state.set_zero_state()
        circuit.update_quantum_state(state)
        return observable.get_expectation_value(state), -np.array(circuit.backprop(observable))

    return solve(both)


def lightning():
    letters = {"X": qml.X, "Y": qml.Y, "Z": qml.Z}
    hamiltonian = qml.Hamiltonian(
        [term["coefficient"] for term in TERMS],
        [
            qml.prod(*[letters[p](q) for q, p in enumerate(term["pauli"]) if p != "I"])
            if set(term["pauli"]) != {"I"}
            else qml.Identity(0)
            for term in TERMS
        ],
    )

    @qml.qnode(qml.device("lightning.qubit", wires=N), diff_method="adjoint")
    def energy(x):
        for layer in range(LAYERS):
            if layer > 0:
                for q in range(N - 1):
                    qml.CNOT(wires=[q, q + 1])
            for q in range(N):
                qml.RY(x[N * layer + q], wires=q)
        return qml.expval(hamiltonian)

    gradient = qml.grad(energy)

    def both(x):
        at = pnp.array(x, requires_grad=True)
        slope = gradient(at)
        return float(gradient.forward), np.array(slope)

    return solve(both)


PEERS = {"qulacs": qulacs, "lightning": lightning}
for name, peer in PEERS.items():
    assert abs(peer() - EXACT) < 1e-12, f"{name} ends {peer() - EXACT} away from the exact energy"

print(
    f'{{"qulacs": "{version("qulacs")}", "lightning.qubit": "{version("pennylane-lightning")}", "scipy": "{version("scipy")}"}}',
    flush=True,
)
for line in sys.stdin:
    PEERS[line.strip()]()
    print("done", flush=True)
