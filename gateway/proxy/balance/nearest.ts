/**
 * Chooses among the endpoints of a cluster by where they are: the nearest ones take everything while there are any; or
 * each locality takes the share that it was given. It goes by what is in the snapshot (ready endpoints), and is made
 * anew with it: a request pays for one more choice only where shares are set.
 */
import type { Cluster, Endpoint } from '../../snapshot/cluster.ts';
import { type BalancedEndpoint, createPicker, type Picker } from './picker.ts';
import { WeightedChoice } from './weighted.ts';

/** The endpoints that may be taken at all, the nearest first, else in the order given. */
export function nearestFirst({ endpoints, shares }: Pick<Cluster, 'endpoints' | 'shares'>): readonly Endpoint[] {
  if (shares !== undefined) return endpoints.filter(({ locality = '' }) => (shares[locality] ?? 0) > 0);
  if (endpoints.every(({ priority }) => priority === undefined)) return endpoints;
  return endpoints.toSorted((a, b) => (a.priority ?? 0) - (b.priority ?? 0));
}

/** A picker for what {@link nearestFirst} gives; `runtimes` are in the same order. */
export function createNearestPicker<E extends BalancedEndpoint>(
  { balancer, shares }: Pick<Cluster, 'balancer' | 'shares'>,
  endpoints: readonly Endpoint[],
  runtimes: readonly E[],
  random: () => number,
): Picker<E> {
  if (shares !== undefined) return byShares(groupsOf(endpoints, runtimes), { balancer, shares, random });
  const nearest = endpoints[0]?.priority;
  const end = endpoints.findIndex(({ priority }) => priority !== nearest);
  return createPicker(balancer, end === -1 ? runtimes : runtimes.slice(0, end), random);
}

function groupsOf<E>(endpoints: readonly Endpoint[], runtimes: readonly E[]): Map<string, E[]> {
  const groups = new Map<string, E[]>();
  for (const [index, runtime] of runtimes.entries()) {
    const locality = endpoints[index]?.locality ?? '';
    const group = groups.get(locality);
    if (group === undefined) groups.set(locality, [runtime]);
    else group.push(runtime);
  }
  return groups;
}

type Sharing = Required<Pick<Cluster, 'balancer' | 'shares'>> & { readonly random: () => number };

/** A locality that has no endpoint now leaves its share to the others. */
function byShares<E extends BalancedEndpoint>(
  groups: ReadonlyMap<string, readonly E[]>,
  { balancer, shares, random }: Sharing,
): Picker<E> {
  const pickers = [...groups.values()].map((group) => createPicker(balancer, group, random));
  const [only] = pickers;
  if (only !== undefined && pickers.length === 1) return only;
  const weights = [...groups.keys()].map((locality) => shares[locality] ?? 0);
  const choice = new WeightedChoice(weights, random);
  return { pick: () => pickers[choice.pick()]?.pick() };
}
