"""Times qulacs and lightning.qubit on the circuits of statevector.bench.ts, one thread, CPU time.

Run: pip install qulacs==0.6.14 pennylane==0.45.1 pennylane-lightning==0.45.0, then python bench/peers.py
Prints one line of JSON: {"qulacs": {"8": {"energy": ms, "gradient": ms}, ...}, ...}
"""
import os

os.environ["OMP_NUM_THREADS"] = "1"
import json
import sys
import time

import numpy as np
import pennylane as qml
from pennylane import numpy as pnp
from qulacs import Observable, ParametricQuantumCircuit, QuantumState

LAYERS = 5
QUBITS = [int(n) for n in sys.argv[1:]] or [8, 12, 16, 20]


def best(call, seconds=0.5, rounds=5):
    call()
    start = time.process_time()
    call()
    repeats = max(1, int(seconds / 5 / max(1e-6, time.process_time() - start)))
    times = []
    for _ in range(rounds):
        start = time.process_time()
        for _ in range(repeats):
            call()
        times.append((time.process_time() - start) * 1e3 / repeats)
    return float(np.median(times))


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

    return {"value": energy(), "energy": best(energy), "gradient": best(lambda: circuit.backprop(observable))}


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
    return {
        "value": float(energy(parameters)),
        "energy": best(lambda: energy(parameters)),
        "gradient": best(lambda: gradient(parameters)),
    }


print(json.dumps({peer.__name__: {str(n): peer(n) for n in QUBITS} for peer in (qulacs, lightning)}))
