/**
 * Thrown when a unit of a snapshot cannot be compiled, such as a pattern that is not RE2. It never reaches a
 * request: the worker refuses the whole version and says which unit is to blame.
 */
export class CompileError extends Error {
  override readonly name = 'CompileError';
  /** Key of the unit, such as a virtual host's. */
  readonly unit: string;
  readonly reason: string;

  constructor(unit: string, reason: string, options?: ErrorOptions) {
    super(`${unit}: ${reason}`, options);
    this.unit = unit;
    this.reason = reason;
  }
}
