import { ArgumentError } from '@ockham/core';

/** An angle that a circuit takes from its parameter vector: `scale * parameters[parameter] + offset`, in radians. */
export interface ParameterAngle {
  /** Index into the parameter vector, from 0. */
  readonly parameter: number;
  /** Default 1. */
  readonly scale?: number;
  /** Default 0. */
  readonly offset?: number;
}

/** A number in radians, or a reference to a parameter. */
export type Angle = number | ParameterAngle;

/** A reference to parameter `index`, for the angle of a gate. */
export function parameter(
  index: number,
  options: { readonly scale?: number; readonly offset?: number } = {},
): ParameterAngle {
  return { parameter: index, ...options };
}

/** The angle's value for a parameter vector. */
export function angleValue(angle: Angle, parameters: ArrayLike<number>): number {
  if (typeof angle === 'number') return angle;
  return (angle.scale ?? 1) * parameters[angle.parameter]! + (angle.offset ?? 0);
}

/** `-angle`, still a reference if it was one. */
export function negated(angle: Angle): Angle {
  return scaledAngle(angle, -1);
}

/** `factor * angle`. */
export function scaledAngle(angle: Angle, factor: number): Angle {
  if (typeof angle === 'number') return factor * angle;
  return {
    parameter: angle.parameter,
    scale: factor * (angle.scale ?? 1),
    offset: factor * (angle.offset ?? 0),
  };
}

/** @throws ArgumentError where the angle is neither a finite number nor a reference with finite parts. */
export function checkAngle(who: string, angle: Angle): void {
  const fine =
    typeof angle === 'number'
      ? Number.isFinite(angle)
      : Number.isSafeInteger(angle?.parameter) &&
        angle.parameter >= 0 &&
        Number.isFinite(angle.scale ?? 1) &&
        Number.isFinite(angle.offset ?? 0);
  if (!fine) {
    throw new ArgumentError(
      `${who}: an angle must be a finite number of radians or { parameter: index from 0 }, got ${typeof angle === 'number' ? angle : JSON.stringify(angle)}.`,
    );
  }
}
