import { compareText } from '../resource/age.ts';
import type { CatalogReader } from '../resource/catalog/catalog.ts';
import { coversDomain, coversWholly } from '../resource/policies/host-cover.ts';
import { DEFAULT_ROOT_NAMESPACE } from '../resource/policies/root-namespace.ts';
import { isAccepted, mayConcern } from '../resource/policies/unread.ts';
import { closures, type Reach } from '../resource/policies/verdict.ts';
import type { ResourceKey } from '../resource/resource.ts';
import type { GatewayIdentity } from './build-input.ts';

/** An object that this gateway cannot enforce and that may guard hosts: these are closed. Plain data. */
export type Denial = Reach & { readonly policy: ResourceKey };

/** Everything that closes hosts of this appliance, unless the settings accept that it is not enforced; sorted. */
export function findDenials(identity: GatewayIdentity, catalog: CatalogReader): Denial[] {
  const { namespace, labels, rootNamespace = DEFAULT_ROOT_NAMESPACE, acceptUnenforced } = identity;
  const policies = catalog.policiesFor({ namespace, rootNamespace });
  const accepted = new Set(acceptUnenforced);
  const unread = catalog.unreadPolicies().filter((one) => mayConcern(one, { namespace, rootNamespace }));
  const found: Denial[] = [
    ...closures(policies, { namespace, rootNamespace, labels }, accepted),
    ...unread.flatMap(({ policy }) => (isAccepted(policy, accepted) ? [] : [{ policy }])),
  ];
  return found.sort((a, b) => compareText(a.policy, b.policy));
}

/** What closes a virtual host: keys of objects, none when it is open. */
export function denialsOf(domain: string, denials: readonly Denial[]): readonly ResourceKey[] {
  return denials
    .filter(
      ({ hosts, except = [] }) => !coversWholly(except, domain) && (hosts === undefined || coversDomain(hosts, domain)),
    )
    .map(({ policy }) => policy);
}
