import type { Problem } from '../../../snapshot/problem.ts';
import { isAccepted } from '../policies/unread.ts';
import { judge, type Reach } from '../policies/verdict.ts';
import { type FieldPath, type ResourceKey, resourceKey, type TargetedResource } from '../resource.ts';
import { suggestion } from '../suggestion.ts';
import { problemAbout } from './finding.ts';
import type { ResourceIndex } from './resource-index.ts';

/** Says of one object whether it is for this gateway and what becomes of it. */
export function checkPolicy(resource: TargetedResource, index: ResourceIndex): Problem[] {
  const { options, rootNamespace } = index;
  const { gatewayNamespace: namespace, gatewayLabels: labels } = options;
  // Who validates for any gateway cannot know which one is meant.
  if (labels === undefined) return [];
  const verdict = judge(resource, { namespace, rootNamespace, labels }, () => index.policies());
  if (verdict.kind === 'unconcerned') return [unconcerned(resource, verdict.why)];
  if (isAccepted(resourceKey(resource), new Set(options.acceptUnenforced))) return [accepted(resource)];
  if (verdict.kind === 'missing') return [missing(resource)];
  return [verdict.kind === 'closes' ? closes(resource, verdict) : guards(resource, verdict)];
}

function whom({ spec }: TargetedResource): FieldPath {
  if (spec.targetRefs.length > 0) return ['spec', 'targetRefs'];
  return spec.selector === undefined ? ['spec'] : ['spec', 'selector'];
}

function unconcerned(resource: TargetedResource, why: string): Problem {
  const message = `It does not concern this gateway: ${why}. ${enforcers[resource.kind]}`;
  return problemAbout(resource, whom(resource), { severity: 'info', code: 'MG0404', message }, 'key');
}

/** Who does enforce what is not for the edge. */
const enforcers = {
  AuthorizationPolicy: 'Where workloads have sidecars, these enforce it on what the gateway sends them.',
  RequestAuthentication: 'Where workloads have sidecars, these enforce it on what the gateway sends them.',
  EnvoyFilter: 'It is for proxies of the mesh.',
  WasmPlugin: 'It is for proxies of the mesh.',
  TrafficExtension: 'It is for proxies of the mesh.',
  Telemetry: 'It is for proxies of the mesh.',
} as const satisfies Record<TargetedResource['kind'], string>;

function missing(resource: TargetedResource): Problem {
  const message = `Not enforced: ${lost(resource)}. Requests are served without it. ${wayOut(resourceKey(resource))}`;
  return problemAbout(resource, whom(resource), { severity: 'error', code: 'MG0403', message }, 'key');
}

function lost(resource: TargetedResource): string {
  switch (resource.kind) {
    case 'Telemetry':
      return `this gateway has its own access log and metrics, and does not read ${resource.spec.sets.join(', ')} of a Telemetry`;
    case 'EnvoyFilter':
      return 'this gateway is no Envoy and cannot be patched as one';
    case 'WasmPlugin':
    case 'TrafficExtension':
      return 'this gateway runs no extensions of Envoy';
    default:
      return 'this gateway does not log what an AuthorizationPolicy only watches (action AUDIT, or a dry run)';
  }
}

function accepted(resource: TargetedResource): Problem {
  const message =
    'Not enforced, and accepted so: security.acceptUnenforced in gateway.yaml names it or its kind. Requests are served without its checks.';
  return problemAbout(resource, whom(resource), { severity: 'warning', code: 'MG0402', message }, 'key');
}

function closes(resource: TargetedResource, { except }: Reach): Problem {
  const what = except === undefined ? 'every request to this gateway' : 'what no other policy allows';
  const message = `It refuses ${what}, and so it is: ${covered({ except })} answer 403. ${wayOut(resourceKey(resource))}`;
  return problemAbout(resource, whom(resource), { severity: 'warning', code: 'MG0401', message }, 'key');
}

function guards(resource: TargetedResource, reach: Reach): Problem {
  const message = `Not enforced: ${unable(resource)}. So that nobody passes who should not, ${covered(reach)} answer 403 until it is gone or accepted. ${wayOut(resourceKey(resource))}`;
  return problemAbout(resource, whom(resource), { severity: 'error', code: 'MG0401', message }, 'key');
}

function covered({ hosts, except = [] }: { readonly [K in keyof Reach]: Reach[K] | undefined }): string {
  if (hosts !== undefined) return `the hosts ${hosts.join(', ')}`;
  return except.length === 0
    ? 'all hosts of this gateway'
    : `all hosts of this gateway, unless other policies wholly allow them (${except.join(', ')}),`;
}

function unable(resource: TargetedResource): string {
  switch (resource.kind) {
    case 'EnvoyFilter':
      return `this gateway is no Envoy, and what it brings may refuse requests (${resource.spec.guards.join(', ')})`;
    case 'WasmPlugin':
    case 'TrafficExtension':
      return 'this gateway runs no extensions of Envoy, and this one may refuse requests';
    case 'RequestAuthentication':
      return 'this gateway does not check tokens yet';
    default:
      return 'this gateway does not evaluate AuthorizationPolicies yet';
  }
}

function wayOut(key: ResourceKey): string {
  return `Remove it, or make its selector name the workloads that enforce it; to accept that it is not enforced, write security: {acceptUnenforced: [${key}]} in gateway.yaml and restart.`;
}

/** Entries of the settings that name no object: a misspelt one accepts nothing, and its hosts stay closed. Kinds may be empty. */
export function checkAccepted(index: ResourceIndex): Problem[] {
  const { acceptUnenforced = [], scope } = index.options;
  if (scope === 'partial' || acceptUnenforced.length === 0) return [];
  const unread = index.unreadPolicies().map(({ policy }) => policy);
  const known = new Set([...index.targeted().map(resourceKey), ...unread]);
  return acceptUnenforced
    .filter((key) => key.includes('/') && !known.has(key))
    .map((key) => ({
      severity: 'warning',
      code: 'MG0406',
      message: `security.acceptUnenforced in gateway.yaml names ${key}, which is not there: it accepts nothing. Correct or remove it.${suggestion(key, known)}`,
    }));
}
