/**
 * Chooses an endpoint of a cluster for one request. It promises never to return an endpoint that was not given;
 * it knows nothing of connections. Called by the cluster at request time; made anew when its endpoints change.
 */
import type { BalancerPolicy } from '../../snapshot/cluster.ts';
import { WeightedChoice } from './weighted.ts';

/** What balancing may know of an endpoint. */
export interface BalancedEndpoint {
  /** At least 1. */
  readonly weight: number;
  /** Requests in flight, counted by the owner. */
  readonly active: number;
}

/** One of the policies below, for a fixed list of endpoints. */
export interface Picker<E extends BalancedEndpoint> {
  /** undefined only when there is no endpoint. */
  pick(): E | undefined;
}

/** `random` returns 0 (inclusive) to 1 (exclusive); tests give their own. */
export function createPicker<E extends BalancedEndpoint>(
  policy: BalancerPolicy,
  endpoints: readonly E[],
  random: () => number,
): Picker<E> {
  if (endpoints.length <= 1) return { pick: () => endpoints[0] };
  switch (policy) {
    case 'ROUND_ROBIN':
      return roundRobin(endpoints, random);
    case 'RANDOM':
      return { pick: weightedRandom(endpoints, random) };
    default:
      return leastRequest(endpoints, random);
  }
}

/** Every endpoint in turn, in proportion to its weight, from a random start. */
function roundRobin<E extends BalancedEndpoint>(endpoints: readonly E[], random: () => number): Picker<E> {
  if (!isEven(endpoints)) {
    const choice = new WeightedChoice(
      endpoints.map((endpoint) => endpoint.weight),
      random,
    );
    return { pick: () => endpoints[choice.pick()] };
  }
  let next = Math.floor(random() * endpoints.length);
  return {
    pick: () => {
      const endpoint = endpoints[next];
      next = next + 1 === endpoints.length ? 0 : next + 1;
      return endpoint;
    },
  };
}

/**
 * Two endpoints drawn at random by weight; the one with fewer requests in flight per weight serves. Close to the best
 * choice without a look at all of them, and without all workers rushing to the same idle endpoint (Envoy's LEAST_REQUEST).
 */
function leastRequest<E extends BalancedEndpoint>(endpoints: readonly E[], random: () => number): Picker<E> {
  const draw = weightedRandom(endpoints, random);
  return {
    pick: () => {
      const first = draw();
      const second = draw();
      if (first === undefined || second === undefined) return first ?? second;
      return load(second) < load(first) ? second : first;
    },
  };
}

/** Idle endpoints are alike: what was drawn stands, so that weights are kept whatever the load. */
function load(endpoint: BalancedEndpoint): number {
  return endpoint.active / endpoint.weight;
}

function weightedRandom<E extends BalancedEndpoint>(
  endpoints: readonly E[],
  random: () => number,
): () => E | undefined {
  if (isEven(endpoints)) return () => endpoints[Math.floor(random() * endpoints.length)];
  const ends = new Float64Array(endpoints.length);
  let total = 0;
  for (const [index, endpoint] of endpoints.entries()) {
    total += endpoint.weight;
    ends[index] = total;
  }
  return () => {
    const at = random() * total;
    let low = 0;
    let high = ends.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ends[middle] as number) > at) high = middle;
      else low = middle + 1;
    }
    return endpoints[low];
  };
}

function isEven(endpoints: readonly BalancedEndpoint[]): boolean {
  return endpoints.every((endpoint) => endpoint.weight === endpoints[0]?.weight);
}
