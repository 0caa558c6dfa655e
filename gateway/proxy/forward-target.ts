import type { Route } from '../snapshot/route.ts';
import type { WeightedChoice } from './balance/weighted.ts';
import type { ClusterRuntime } from './cluster-runtime.ts';

/**
 * What a forwarding route is ready to do. Everything that a request needs of its route lies in this object and its choice:
 * with very many routes each further one would be one more wait for memory.
 */
export class ForwardTarget {
  readonly route: Route;
  readonly choice: WeightedChoice;
  readonly clusters: readonly ClusterRuntime[];
  /** Of the route; 0: it sets none. */
  readonly timeoutMs: number;
  /** Lower-case names of the headers that the routes of its host look at: a client may not have them removed. */
  readonly reliedOn: ReadonlySet<string>;
  readonly #first: ClusterRuntime | undefined;
  readonly #second: ClusterRuntime | undefined;

  constructor(options: {
    readonly route: Route;
    readonly choice: WeightedChoice;
    readonly clusters: readonly ClusterRuntime[];
    readonly timeoutMs: number | undefined;
    readonly reliedOn: ReadonlySet<string>;
  }) {
    this.route = options.route;
    this.choice = options.choice;
    this.clusters = options.clusters;
    this.timeoutMs = options.timeoutMs ?? 0;
    this.reliedOn = options.reliedOn;
    [this.#first, this.#second] = options.clusters;
  }

  /** Where the next request goes; undefined when no weight is above zero. */
  next(): ClusterRuntime | undefined {
    const index = this.choice.pick();
    return index === 0 ? this.#first : index === 1 ? this.#second : this.clusters[index];
  }
}
