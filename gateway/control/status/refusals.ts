import type { Problem } from '../../snapshot/problem.ts';
import { ApiError } from '../kubernetes/api-error.ts';

/** What the API server does not let us write: not tried again before the next survey. */
export class Refusals {
  readonly #forbidden = new Map<string, string>();
  readonly #statusless = new Set<string>();

  /** Asked again from now on. */
  forget(): void {
    this.#forbidden.clear();
  }

  has(kind: string): boolean {
    return this.#forbidden.has(kind) || this.#statusless.has(kind);
  }

  /** Its definition has no status subresource. */
  noStatus(kind: string): void {
    this.#statusless.add(kind);
  }

  /** True when it is a refusal that another try would not change. */
  take(error: unknown, kind: string): boolean {
    if (!(error instanceof ApiError) || (error.status !== 403 && error.status !== 422)) return false;
    this.#forbidden.set(kind, error.message);
    return true;
  }

  problems(): Problem[] {
    return [
      ...[...this.#statusless].map(
        (kind): Problem => ({
          severity: 'info',
          code: 'MG1402',
          message: `The cluster's definition of ${kind} has no status subresource, so no conditions are written onto these objects; events are. Istio's own definitions, and config/cluster's, have one.`,
        }),
      ),
      ...[...this.#forbidden].map(
        ([kind, message]): Problem => ({
          severity: 'warning',
          code: 'MG1402',
          message: `The API server does not take ${kind === 'Event' ? 'events' : `conditions of ${kind} objects`} from this gateway: ${message.replace(/\.$/, '')}. Traffic is not affected. Apply config/cluster, which has the rights; it is tried again every 10 minutes.`,
        }),
      ),
    ];
  }
}
