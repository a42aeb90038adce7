/**
 * Variational eigensolvers for ground and excited states on a statevector simulator: {@link quantumGame}.
 *
 * @module
 */
export {
  hardwareEfficient,
  realAmplitudes,
  type HardwareEfficientOptions,
} from './ansatz/hardware-efficient.ts';
export { parameter, type Angle, type ParameterAngle } from './circuit/angle.ts';
export { Circuit, type Operation } from './circuit/circuit.ts';
export type { GateName } from './circuit/gates.ts';
export { countResources, type CircuitResources } from './circuit/resources.ts';
export {
  differencedObjective,
  finiteDifferences,
  type FiniteDifferenceOptions,
} from './gradients/finite-differences.ts';
export { commutingGroups, countGroups, type CommutingGroup } from './hamiltonian/commuting-groups.ts';
export { lowestLevels, type ExactLevels, type LanczosOptions } from './hamiltonian/lanczos.ts';
export {
  heisenberg,
  hydrogen,
  hydrogenRepulsion,
  transverseFieldIsing,
  type ChainOptions,
  type HydrogenOptions,
} from './hamiltonian/models.ts';
export { formatHamiltonian, parseMolecule, type Mapping, type Molecule } from './hamiltonian/molecule.ts';
export { PauliSum, type PauliTerm } from './hamiltonian/pauli-sum.ts';
export { xGroups, type XGroup } from './hamiltonian/x-groups.ts';
export { certify, type Alarm, type Certificate, type CertifyOptions } from './methods/certificate.ts';
export type { Ledger } from './methods/ledger.ts';
export { gramMatrix, type Level } from './methods/level.ts';
export type { MeasuredOptions } from './methods/measured-objective.ts';
export type { Probe } from './methods/probe.ts';
export { penaltyWeight, type Penalty } from './methods/penalties.ts';
export { quantumGame, quantumGameAsync, type QuantumGameOptions } from './methods/quantum-game.ts';
export type { ExcitedStates, MethodOptions } from './methods/sequential.ts';
export { automaticShift } from './methods/shift.ts';
export { vqd, vqdAsync, type VqdOptions } from './methods/vqd.ts';
export { vqe, vqeAsync, type VqeOptions } from './methods/vqe.ts';
export { lbfgs, type LbfgsOptions } from './optimizers/lbfgs.ts';
export {
  minimize,
  type Iterate,
  type MinimizeOptions,
  type Minimum,
  type Objective,
  type Optimizer,
  type StopReason,
} from './optimizers/optimizer.ts';
export { slsqp, type SlsqpOptions } from './optimizers/slsqp.ts';
export { Simulator, type Evaluation, type Projector, type SimulatorOptions } from './simulator/simulator.ts';
export { drawSvg } from './drawing/svg.ts';
export { drawText } from './drawing/text.ts';
export { toQasm, type ToQasmOptions } from './qasm/export.ts';
export { parseQasm, type ParseQasmOptions } from './qasm/import.ts';
export { estimate, type Estimate, type EstimateOptions } from './measurement/estimate.ts';
export {
  ancillaCircuit,
  conditionalSwapCircuit,
  mixedEnergy,
  swapTestCircuit,
  uncomputeCircuit,
  type MeasuredCircuit,
} from './measurement/mixed-energy.ts';
export { noisyTrajectory, type Noise } from './measurement/noise.ts';
export { sample } from './measurement/sample.ts';
export { excitationPreserving, type ExcitationPreservingOptions } from './ansatz/excitation-preserving.ts';
export { uccsd } from './ansatz/uccsd.ts';
export { fubiniStudyMetric } from './gradients/metric.ts';
export { parameterShift, type ShiftGradient } from './gradients/parameter-shift.ts';
export { adam, type AdamOptions } from './optimizers/adam.ts';
export { naturalGradient, type NaturalGradientOptions } from './optimizers/natural-gradient.ts';
export { nelderMead, type NelderMeadOptions } from './optimizers/nelder-mead.ts';
export { rotosolve, type RotosolveOptions } from './optimizers/rotosolve.ts';
export { spsa, type SpsaOptions } from './optimizers/spsa.ts';
export { eigenGame, type EigenGameOptions, type PrincipalComponents } from './methods/eigengame.ts';
export { osrve, osrveAsync, type OsrveOptions } from './methods/osrve.ts';
export {
  parallelQuantumGame,
  parallelQuantumGameAsync,
  type ParallelQuantumGameOptions,
  type ParallelStates,
} from './methods/parallel-quantum-game.ts';
export { ssvqe, ssvqeAsync, type SsvqeOptions } from './methods/ssvqe.ts';
export {
  compareAtEqualCost,
  type ComparedMethod,
  type EqualCostOptions,
  type EqualCostRow,
} from './methods/equal-cost.ts';
