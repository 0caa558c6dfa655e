import type { Problem } from '../../snapshot/problem.ts';
import { ApiError } from '../kubernetes/api-error.ts';

const MAX_NAMED = 3;

type Refusal = { readonly message: string /** It is tried again. */; isDue: boolean };

/** What the API server does not let us write: not tried again before the next survey, and told until it works. */
export class Refusals {
  /** Kinds (also `Event`), and why. */
  readonly #forbidden = new Map<string, Refusal>();
  /** Single objects, and why. */
  readonly #invalid = new Map<string, Refusal>();
  readonly #statusless = new Set<string>();
  #hasNews = false;

  /** All may be tried again. */
  retry(): void {
    for (const refusal of [...this.#forbidden.values(), ...this.#invalid.values()]) refusal.isDue = true;
  }

  /** Whether a kind, or this object of it, is refused. */
  has(kind: string, key: string): boolean {
    const refusals = [this.#forbidden.get(kind), this.#invalid.get(key)];
    return this.#statusless.has(kind) || refusals.some((refusal) => refusal?.isDue === false);
  }

  /** Whether a kind is refused that was not before: true once for each time. */
  takeNews(): boolean {
    const hadNews = this.#hasNews;
    this.#hasNews = false;
    return hadNews;
  }

  /** It was not refused. */
  worked(kind: string, key: string): void {
    this.#forbidden.delete(kind);
    this.#invalid.delete(key);
  }

  gone(key: string): void {
    this.#invalid.delete(key);
  }

  /** Its definition has no status subresource. */
  noStatus(kind: string): void {
    this.#statusless.add(kind);
  }

  /** True when it is a refusal that another try would not change: of the kind (403), or of this object. */
  take(error: unknown, kind: string, key: string): boolean {
    if (!(error instanceof ApiError) || ![400, 403, 422].includes(error.status)) return false;
    const { status, message } = error;
    // The object is about to go.
    if (status === 403 && /being terminated/.test(message)) return true;
    const isOfKind = status === 403 && !/admission webhook/i.test(message);
    if (isOfKind && !this.#forbidden.has(kind)) this.#hasNews = true;
    if (isOfKind) this.#forbidden.set(kind, { message, isDue: false });
    else this.#invalid.set(key, { message, isDue: false });
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
        message: `The API server does not take what became of ${names}${more} as a condition or event: ${sentence(first[1].message)} Traffic is not affected. It is tried again every 10 minutes.`,
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

function forbidden([kind, { message }]: readonly [string, Refusal]): Problem {
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
