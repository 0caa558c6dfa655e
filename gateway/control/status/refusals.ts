import type { Problem } from '../../snapshot/problem.ts';
import { ApiError } from '../kubernetes/api-error.ts';

const MAX_NAMED = 3;

/** What the API server does not let us write: not tried again before the next survey. */
export class Refusals {
  /** Kinds (also `Event`), and why. */
  readonly #forbidden = new Map<string, string>();
  /** Single objects, and why. */
  readonly #invalid = new Map<string, string>();
  readonly #statusless = new Set<string>();

  /** Asked again from now on. */
  forget(): void {
    this.#forbidden.clear();
    this.#invalid.clear();
  }

  /** Whether a kind, or this object of it, is refused. */
  has(kind: string, key?: string): boolean {
    return this.#forbidden.has(kind) || this.#statusless.has(kind) || (key !== undefined && this.#invalid.has(key));
  }

  /** Its definition has no status subresource. */
  noStatus(kind: string): void {
    this.#statusless.add(kind);
  }

  /** True when it is a refusal that another try would not change: of the kind (403), or of this object. */
  take(error: unknown, kind: string, key: string): boolean {
    if (!(error instanceof ApiError)) return false;
    if (error.status === 403) this.#forbidden.set(kind, error.message);
    else if (error.status === 400 || error.status === 422) this.#invalid.set(key, error.message);
    else return false;
    return true;
  }

  problems(): Problem[] {
    return [...[...this.#statusless].map(noStatus), ...[...this.#forbidden].map(forbidden), ...this.#objects()];
  }

  #objects(): Problem[] {
    const [first] = this.#invalid;
    if (first === undefined) return [];
    const names = [...this.#invalid.keys()].slice(0, MAX_NAMED).join(', ');
    const more = this.#invalid.size > MAX_NAMED ? ` and ${this.#invalid.size - MAX_NAMED} more` : '';
    return [
      {
        severity: 'warning',
        code: 'MG1402',
        message: `The API server does not take what became of ${names}${more} as a condition or event: ${sentence(first[1])} Traffic is not affected. It is tried again every 10 minutes.`,
      },
    ];
  }
}

function noStatus(kind: string): Problem {
  return {
    severity: 'info',
    code: 'MG1402',
    message: `The cluster's definition of ${kind} has no status subresource, so no conditions are written onto these objects; events are. Istio's own definitions, and config/cluster's, have one.`,
  };
}

function forbidden([kind, message]: readonly [string, string]): Problem {
  const what = kind === 'Event' ? 'events' : `conditions of ${kind} objects`;
  return {
    severity: 'warning',
    code: 'MG1402',
    message: `The API server does not take ${what} from this gateway: ${sentence(message)} Traffic is not affected. Apply config/cluster, which has the rights; it is tried again every 10 minutes.`,
  };
}

function sentence(message: string): string {
  return `${message.replace(/\.$/, '')}.`;
}
