"""Energy and adjoint gradient by qulacs and lightning.qubit on one thread, once for each line it reads.

A line is `<peer> <qubits> <energy|gradient> <repeats>`; statevector.bench.ts times the answers. The circuit is that of
realAmplitudes(n, { repetitions: 4 }) and the sum transverseFieldIsing(n); before it answers, each peer's energy is compared
with the one in its arguments, `<qubits>=<energy>`.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import sys  # noqa: E402
from functools import cache  # noqa: E402
from importlib.metadata import version  # noqa: E402

import numpy as np  # noqa: E402
import pennylane as qml  # noqa: E402
from pennylane import numpy as pnp  # noqa: E402
from qulacs import Observable, ParametricQuantumCircuit, QuantumState  # noqa: E402

LAYERS = 5
EXPECTED = {int(n): float(e) for n, e in (pair.split("=") for pair in sys.argv[1:])}


@cache
def qulacs(n):
    circuit = ParametricQuantumCircuit(n)
    for layer in range(LAYERS):
        if layer > 0:
            for q in range(n - 1):
                circuit.add_CNOT_gate(q, q + 1)
        for q in range(n):
            circuit.add_parametric_RY_gate(q, -np.sin(n * layer + q + 1))  # its rotations turn the other way
    observable = Observable(n)
    for q in range(n - 1):
        observable.add_operator(-1.0, f"Z {q} Z {q + 1}")
    for q in range(n):
        observable.add_operator(-1.0, f"X {q}")
    state = QuantumState(n)

    def energy():
        state.set_zero_state()
        circuit.update_quantum_state(state)
        return observable.get_expectation_value(state)

    return {"energy": energy, "gradient": lambda: circuit.backprop(observable)}


@cache
def lightning(n):
    terms = [qml.Z(q) @ qml.Z(q + 1) for q in range(n - 1)] + [qml.X(q) for q in range(n)]
    hamiltonian = qml.Hamiltonian([-1.0] * len(terms), terms)

    @qml.qnode(qml.device("lightning.qubit", wires=n), diff_method="adjoint")
    def energy(parameters):
        for layer in range(LAYERS):
            if layer > 0:
                for q in range(n - 1):
                    qml.CNOT(wires=[q, q + 1])
            for q in range(n):
                qml.RY(parameters[n * layer + q], wires=q)
        return qml.expval(hamiltonian)

    parameters = pnp.array(np.sin(np.arange(LAYERS * n) + 1), requires_grad=True)
    gradient = qml.grad(energy)
    return {"energy": lambda: energy(parameters), "gradient": lambda: gradient(parameters)}


PEERS = {"qulacs": qulacs, "lightning": lightning}
for name, peer in PEERS.items():
    for n, expected in EXPECTED.items():
        found = float(peer(n)["energy"]())
        assert abs(found - expected) < 1e-9, f"{name} has {found} at {n} qubits, expected {expected}"

print(f'{{"qulacs": "{version("qulacs")}", "lightning.qubit": "{version("pennylane-lightning")}"}}', flush=True)
for line in sys.stdin:
    name, n, kind, repeats = line.split()
    call = PEERS[name](int(n))[kind]
    for _ in range(int(repeats)):
        call()
    print("done", flush=True)
