// Promises: what an object that this gateway does not enforce means for it: nothing, or something missing, or hosts to close.
// Never: opens a host because of something it cannot read. Pure.
// Called by: build (which closes the hosts) and the checks (which say so), so that both always agree.

import { carries } from '../catalog/select.ts';
import type { TargetRef, WasmPluginSpec } from '../istio/policies.ts';
import { type Labels, type PolicyResource, type ResourceKey, resourceKey, type TargetedResource } from '../resource.ts';
import { isAccepted } from './unread.ts';

/** The appliance as a workload that objects can select. */
export type Workload = {
  readonly namespace: string;
  /** Whose objects hold for all namespaces. */
  readonly rootNamespace: string;
  readonly labels: Labels;
};

export type Verdict =
  /** It is for other workloads, or asks for nothing. `why` ends a sentence. */
  | { readonly kind: 'unconcerned'; readonly why: string }
  /** Part of what it asks for is missing here, but nothing is open that should be closed. */
  | { readonly kind: 'missing' }
  /** It closes everything, which needs no rules to be enforced. */
  | ({ readonly kind: 'closes' } & Pick<Reach, 'except'>)
  /** It may refuse requests: until it is enforced, nobody can tell which. */
  | ({ readonly kind: 'guards' } & Reach);

/** Which requests an object may refuse, by string matches of their Host header. */
export type Reach = {
  /** Absent: all hosts. */
  readonly hosts?: readonly string[];
  /** Of a policy that allows: what others surely allow, since one is enough. */
  readonly except?: readonly string[];
};

/** Judges one object for the appliance; `policies` are those of the namespaces that count for it, this one among them. */
export function judge(
  resource: TargetedResource,
  workload: Workload,
  policies: () => readonly PolicyResource[],
): Verdict {
  if (!reaches(resource, workload)) return { kind: 'unconcerned', why: elsewhere(resource, workload) };
  switch (resource.kind) {
    case 'AuthorizationPolicy':
      return authorization(resource, () => allowances(policies(), workload));
    case 'RequestAuthentication':
      return resource.spec.rules === 0 ? { kind: 'unconcerned', why: 'it has no rules' } : { kind: 'guards' };
    case 'EnvoyFilter':
      if (resource.spec.patches === 0) return { kind: 'unconcerned', why: 'all its patches are for sidecars' };
      return { kind: resource.spec.guards.length > 0 ? 'guards' : 'missing' };
    case 'WasmPlugin':
    case 'TrafficExtension': {
      return { kind: mayBeMissing(resource.spec) ? 'missing' : 'guards' };
    }
    case 'Telemetry':
      return resource.spec.sets.length === 0 ? { kind: 'unconcerned', why: 'it sets nothing' } : { kind: 'missing' };
    default:
      return unreachable(resource);
  }
}

/** What all objects close that are for the appliance, but for those that people accept. */
export function closures(
  policies: readonly PolicyResource[],
  workload: Workload,
  accepted: ReadonlySet<ResourceKey>,
): (Reach & { readonly policy: ResourceKey })[] {
  return policies.flatMap((resource) => {
    const policy = resourceKey(resource);
    if (isAccepted(policy, accepted)) return [];
    const { kind, ...reach } = judge(resource, workload, () => policies);
    return kind === 'closes' || kind === 'guards' ? [{ policy, ...reach }] : [];
  });
}

/** Requests that pass all policies which allow, by the policy that allows them: Istio asks for one of these policies. */
type Allowances = ReadonlyMap<string, PolicyResource>;

function allowances(policies: readonly PolicyResource[], workload: Workload): Allowances {
  const allowed = new Map<string, PolicyResource>();
  for (const policy of policies) {
    if (policy.kind !== 'AuthorizationPolicy' || isDryRun(policy) || !reaches(policy, workload)) continue;
    for (const host of policy.spec.allows ?? []) if (!allowed.has(host)) allowed.set(host, policy);
  }
  return allowed;
}

type AuthorizationPolicy = Extract<PolicyResource, { kind: 'AuthorizationPolicy' }>;

/** Istio asks external authorizers whatever this annotation says. */
function isDryRun({ annotations, spec }: AuthorizationPolicy): boolean {
  return spec.action !== 'CUSTOM' && annotations['istio.io/dry-run'] === 'true';
}

function authorization(resource: AuthorizationPolicy, allowed: () => Allowances): Verdict {
  const { action, matches, hosts } = resource.spec;
  if (isDryRun(resource)) return { kind: 'missing' };
  switch (action) {
    case 'AUDIT':
      return { kind: 'missing' };
    case 'ALLOW':
      return allowing(resource, allowed());
    case 'DENY':
    case 'CUSTOM':
      if (matches === 'none') return { kind: 'unconcerned', why: 'it has no rules, so it matches nothing' };
      if (matches === 'all' && action === 'DENY') return { kind: 'closes' };
      return { kind: 'guards', ...(hosts !== undefined && { hosts }) };
    default:
      return unreachable(action);
  }
}

function allowing(resource: AuthorizationPolicy, allowed: Allowances): Verdict {
  const wide = allowed.get('*');
  if (wide !== undefined) {
    const other = `${wide.kind} ${wide.namespace}/${wide.name} allows every request, and one that allows is enough`;
    return { kind: 'unconcerned', why: wide === resource ? 'it allows every request' : other };
  }
  const except = [...allowed.keys()].sort();
  return {
    kind: resource.spec.matches === 'none' ? 'closes' : 'guards',
    ...(except.length > 0 && { except }),
  };
}

/** An extension that says of itself that it authenticates or authorizes is needed, whatever happens when it cannot run. */
function mayBeMissing({ phase, failStrategy }: WasmPluginSpec): boolean {
  return phase === 'STATS' || (phase === 'UNSPECIFIED_PHASE' && failStrategy === 'FAIL_OPEN');
}

/** Of the appliance's own namespace or the root one, and either without selector or with one that it carries. */
function reaches({ namespace, spec }: TargetedResource, { namespace: own, rootNamespace, labels }: Workload): boolean {
  if (namespace !== own && namespace !== rootNamespace) return false;
  if (spec.targetRefs.some((ref) => isGateway(ref, labels))) return true;
  // Both together are against Istio's rules: then either counts.
  if (spec.targetRefs.length > 0 && spec.selector === undefined) return false;
  return carries(labels, spec.selector ?? {});
}

/** The label by which a workload belongs to a Gateway of the Gateway API. */
const GATEWAY_NAME = 'gateway.networking.k8s.io/gateway-name';

/** Whoever names one of Istio's own Gateways means a gateway like this one. */
function isGateway({ group, kind, name }: TargetRef, labels: Labels): boolean {
  if (kind !== 'Gateway') return false;
  return group === 'networking.istio.io' || (group === 'gateway.networking.k8s.io' && labels[GATEWAY_NAME] === name);
}

function elsewhere({ namespace, spec }: TargetedResource, { namespace: own, rootNamespace }: Workload): string {
  if (spec.targetRefs.length > 0) {
    const names = spec.targetRefs.map(({ kind, name }) => `${kind} ${name}`);
    return `it is bound to ${names.join(', ')}`;
  }
  if (namespace !== own && namespace !== rootNamespace) return `it is for workloads of namespace ${namespace}`;
  const labels = Object.entries(spec.selector ?? {}).map(([name, value]) => `${name}: ${value}`);
  return `it selects workloads with the labels ${labels.join(', ')}`;
}

function unreachable(value: never): never {
  throw new TypeError(`unknown: ${JSON.stringify(value)}`);
}
