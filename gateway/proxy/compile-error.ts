/**
 * A unit of a snapshot that this worker cannot compile: the whole version is then refused and the old one serves on.
 * `unit` is `kind/key` (`certificates/istio-system/my-cert`); `reason` is a sentence without secrets.
 */
export class CompileError extends Error {
  override readonly name = 'CompileError';
  readonly unit: string;
  readonly reason: string;

  constructor(unit: string, reason: string, options?: ErrorOptions) {
    super(`${unit}: ${reason}`, options);
    this.unit = unit;
    this.reason = reason;
  }
}
