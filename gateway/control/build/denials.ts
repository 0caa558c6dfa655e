import { compareText } from '../resource/age.ts';
import type { CatalogReader } from '../resource/catalog/catalog.ts';
import { coversDomain } from '../resource/policies/host-cover.ts';
import { DEFAULT_ROOT_NAMESPACE } from '../resource/policies/root-namespace.ts';
import { closure } from '../resource/policies/verdict.ts';
import type { ResourceKey } from '../resource/resource.ts';
import type { GatewayIdentity } from './build-input.ts';

/** An object that this gateway cannot enforce and that may guard hosts: these are closed. Plain data. */
export type Denial = {
  readonly policy: ResourceKey;
  /** Absent: all hosts. */
  readonly hosts?: readonly string[];
};

/** Everything that closes hosts of this appliance, unless the settings accept that it is not enforced; sorted. */
export function findDenials(identity: GatewayIdentity, catalog: CatalogReader): Denial[] {
  const { namespace, labels, rootNamespace = DEFAULT_ROOT_NAMESPACE, acceptUnenforced } = identity;
  const accepted = new Set(acceptUnenforced);
  const namespaces = new Set([namespace, rootNamespace]);
  const policies = [...namespaces].flatMap((one) => catalog.policies(one));
  return policies
    .flatMap((policy) => closure(policy, { namespace, rootNamespace, labels }, accepted) ?? [])
    .sort((a, b) => compareText(a.policy, b.policy));
}

/** What closes a virtual host: keys of objects, none when it is open. */
export function denialsOf(domain: string, denials: readonly Denial[]): readonly ResourceKey[] {
  return denials.filter(({ hosts }) => hosts === undefined || coversDomain(hosts, domain)).map(({ policy }) => policy);
}
