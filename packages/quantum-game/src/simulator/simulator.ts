/**
 * A circuit ready to run: its energy, its state and the adjoint gradient (Jones and Gacon 2020, arXiv:2009.02823),
 * two sweeps and two states whatever the number of parameters.
 */
import { ArgumentError } from '@ockham/core';
import { angleValue } from '../circuit/angle.ts';
import { checkParameters, type Circuit } from '../circuit/circuit.ts';
import type { PauliSum } from '../hamiltonian/pauli-sum.ts';
import { xGroups } from '../hamiltonian/x-groups.ts';
import type { Backend } from './backend.ts';
import { addScaled, innerProduct } from './inner-product.ts';
import { kernelBackend } from './kernel-backend.ts';
import { allocating, checkMemory } from './memory.ts';
import { plainBackend } from './plain-backend.ts';
import { toPrimitives, type Primitive } from './primitives.ts';

/** Options of {@link Simulator}. */
export interface SimulatorOptions {
  /** `kernels`: WebAssembly with SIMD; `plain`: TypeScript. Default: kernels where the engine has SIMD. */
  readonly engine?: 'auto' | 'kernels' | 'plain';
}

/** `weight · |state⟩⟨state|`, added to a Hamiltonian. */
export interface Projector {
  /** `[2 · 2ⁿ]`, interleaved; it need not have norm 1. */
  readonly state: Float64Array;
  /** What the projector is multiplied by; a penalty where it is positive. */
  readonly weight: number;
}

/** A value and its gradient. */
export interface Evaluation {
  /** ⟨ψ|H|ψ⟩ without the projectors, in the Hamiltonian's unit. */
  readonly energy: number;
  /** With the projectors: Σ weight |⟨state|ψ⟩|² more. */
  readonly value: number;
  /** |⟨state|ψ⟩|² for each projector. */
  readonly overlaps: readonly number[];
}

/** One circuit, with the memory of two states. It is reused from call to call: views of its state last until the next. */
export class Simulator {
  /** The circuit that it runs. */
  readonly circuit: Circuit;
  /** What runs it. */
  readonly engine: 'kernels' | 'plain';
  readonly #backend: Backend;
  readonly #primitives: readonly Primitive[];
  readonly #angles: Float64Array;
  readonly #terms: Float64Array;

  /** @throws ArgumentError where two states of the circuit's qubits do not fit in memory. */
  constructor(circuit: Circuit, options: SimulatorOptions = {}) {
    const { engine = 'auto' } = options;
    checkMemory('Simulator', circuit.qubits, 2);
    this.circuit = circuit;
    this.#primitives = toPrimitives(circuit);
    this.#angles = new Float64Array(this.#primitives.length);
    this.#terms = new Float64Array(this.#primitives.length);
    const kernels =
      engine === 'plain'
        ? undefined
        : allocating('Simulator', circuit.qubits, 2, () => kernelBackend(circuit.qubits, this.#primitives));
    if (engine === 'kernels' && !kernels) {
      throw new ArgumentError(
        "Simulator: this engine has no WebAssembly with SIMD. Leave out engine, or pass 'plain'.",
      );
    }
    this.#backend =
      kernels ??
      allocating('Simulator', circuit.qubits, 2, () => plainBackend(circuit.qubits, this.#primitives));
    this.engine = kernels ? 'kernels' : 'plain';
  }

  /**
   * Runs the circuit.
   *
   * @param initial Index of the basis state to start from, or amplitudes `[2 · 2ⁿ]`. Default 0.
   * @returns The state's amplitudes, interleaved: a view that the next call overwrites.
   */
  run(parameters: ArrayLike<number>, initial: number | Float64Array = 0): Float64Array {
    checkParameters('Simulator.run', this.circuit, parameters);
    return this.#forward(parameters, initial);
  }

  /** ⟨ψ|H|ψ⟩ of the circuit's state. */
  energy(parameters: ArrayLike<number>, hamiltonian: PauliSum, initial: number | Float64Array = 0): number {
    this.#check('Simulator.energy', hamiltonian, []);
    this.run(parameters, initial);
    return this.#backend.multiply(xGroups(hamiltonian));
  }

  /**
   * ⟨ψ|H + Σ weight |φ⟩⟨φ| |ψ⟩ and, into `gradient`, its derivative by every parameter.
   *
   * @param gradient `[parameters]`, overwritten; undefined for the value alone.
   */
  evaluate(
    parameters: ArrayLike<number>,
    hamiltonian: PauliSum,
    gradient: Float64Array | undefined,
    options: { readonly projectors?: readonly Projector[]; readonly initial?: number | Float64Array } = {},
  ): Evaluation {
    const { projectors = [], initial = 0 } = options;
    this.#check('Simulator.evaluate', hamiltonian, projectors);
    if (gradient && gradient.length !== this.circuit.parameters) {
      throw new ArgumentError(
        `Simulator.evaluate: the gradient must have ${this.circuit.parameters} numbers, one for each parameter, got ${gradient.length}.`,
      );
    }
    this.run(parameters, initial);
    const energy = this.#backend.multiply(xGroups(hamiltonian));
    const { psi, lambda } = this.#backend;
    let value = energy;
    const overlaps = projectors.map(({ state, weight }) => {
      const [re, im] = innerProduct(state, psi);
      value += weight * (re * re + im * im);
      if (gradient) addScaled(lambda, state, weight * re, weight * im);
      return re * re + im * im;
    });
    if (gradient) this.#backward(gradient);
    return { energy, value, overlaps };
  }

  #forward(parameters: ArrayLike<number>, initial: number | Float64Array): Float64Array {
    const { psi } = this.#backend;
    if (typeof initial === 'number') {
      if (!(Number.isSafeInteger(initial) && initial >= 0 && initial < psi.length / 2)) {
        throw new ArgumentError(
          `Simulator.run: the initial basis state must be in [0, ${psi.length / 2 - 1}], got ${initial}.`,
        );
      }
      psi.fill(0);
      psi[2 * initial] = 1;
    } else {
      if (initial.length !== psi.length) {
        throw new ArgumentError(
          `Simulator.run: an initial state has ${psi.length} numbers, got ${initial.length}.`,
        );
      }
      if (!initial.every(Number.isFinite)) {
        throw new ArgumentError(
          'Simulator.run: every number of an initial state must be finite, got NaN or Infinity.',
        );
      }
      psi.set(initial);
    }
    for (let i = 0; i < this.#angles.length; i++)
      this.#angles[i] = angleValue(this.#primitives[i]!.angle, parameters);
    this.#backend.forward(this.#angles);
    return psi;
  }

  #backward(gradient: Float64Array): void {
    this.#backend.backward(this.#angles, this.#terms);
    gradient.fill(0);
    this.#primitives.forEach(({ angle }, i) => {
      if (typeof angle !== 'number') gradient[angle.parameter]! += (angle.scale ?? 1) * this.#terms[i]!;
    });
  }

  #check(who: string, hamiltonian: PauliSum, projectors: readonly Projector[]): void {
    const { qubits } = this.circuit;
    if (hamiltonian.qubits !== qubits) {
      throw new ArgumentError(
        `${who}: the Hamiltonian has ${hamiltonian.qubits} qubits and the circuit ${qubits}; they must agree.`,
      );
    }
    for (const { state } of projectors) {
      if (state.length !== 2 * 2 ** qubits) {
        throw new ArgumentError(
          `${who}: a projector's state has ${2 * 2 ** qubits} numbers, got ${state.length}.`,
        );
      }
    }
  }
}
