// Promises: of objects about who may do what, as much as tells whom they are for; what cannot be read counts as the stricter.
// Never: leaves such an object out because of a fault in it: a typo must not open what the object was to close.
// Called by: the kinds table.
import type { At } from '../reader/at.ts';
import { listOf, mapOf } from '../reader/collections.ts';
import { ignored, ignoredFields, type Reader, refine } from '../reader/reader.ts';
import { record } from '../reader/record.ts';
import { oneOf, text } from '../reader/scalars.ts';
import type {
  AuthorizationPolicySpec,
  MutualTlsMode,
  PeerAuthenticationSpec,
  RequestAuthenticationSpec,
} from './policies.ts';
import { nonEmpty, targetFields, toTarget } from './read-policy-target.ts';

/** Lists of values whose content only matters to who enforces them. */
const conditions = (...names: readonly string[]) => ignoredFields(...names.flatMap((name) => [name, notOf(name)]));
const notOf = (name: string) => `not${name.charAt(0).toUpperCase()}${name.slice(1)}`;

const source = record({
  ...conditions('principals', 'requestPrincipals', 'namespaces', 'serviceAccounts', 'ipBlocks', 'remoteIpBlocks'),
  ...conditions('trustDomains'),
});
const operationFields = record({ hosts: listOf(text), notHosts: ignored, ...conditions('ports', 'methods', 'paths') });
const operation = refine(operationFields, ({ hosts = [] }, at) => ({
  hosts,
  asksNothingElse: asksOnlyForHosts(at.value),
}));
const condition = record({ key: ignored, values: ignored, notValues: ignored });

const rule = record({
  from: listOf(record({ source })),
  to: listOf(record({ operation })),
  when: listOf(condition),
});

type Rule = NonNullable<ReturnType<typeof rule>>;

const authorizationFields = record({
  ...targetFields,
  action: oneOf({ ALLOW: 'ALLOW', DENY: 'DENY', AUDIT: 'AUDIT', CUSTOM: 'CUSTOM' } as const),
  provider: record({ name: ignored }),
  rules: listOf(rule),
});

/** `spec` of an AuthorizationPolicy; an action that cannot be read counts as DENY. */
export const readAuthorizationPolicy: Reader<AuthorizationPolicySpec> = (at) => {
  const before = at.context.problems.length;
  const fields = authorizationFields(at) ?? {};
  const faulty = at.context.problems.length > before;
  const rules = fields.rules ?? [];
  const action = fields.action ?? (faulty ? 'DENY' : 'ALLOW');
  const hosts = faulty || action === 'ALLOW' ? undefined : hostsOf(rules);
  const allows = faulty || action !== 'ALLOW' ? [] : allowedBy(rules);
  return {
    ...toTarget(fields),
    action,
    matches: faulty ? 'some' : matchesOf(rules),
    ...(hosts !== undefined && { hosts }),
    ...(allows.length > 0 && { allows }),
  };
};

function matchesOf(rules: readonly Rule[]): AuthorizationPolicySpec['matches'] {
  if (rules.length === 0) return 'none';
  return rules.some((one) => isEmpty(one.from) && isEmpty(one.to) && isEmpty(one.when)) ? 'all' : 'some';
}

function isEmpty(list: readonly unknown[] | undefined): boolean {
  return list === undefined || list.length === 0;
}

/** Hosts outside of which no rule matches: every rule must name some in each of its operations. */
function hostsOf(rules: readonly Rule[]): readonly string[] | undefined {
  const hosts = new Set<string>();
  for (const { to = [] } of rules) {
    if (to.length === 0) return undefined;
    for (const { operation: one } of to) {
      if (one === undefined || one.hosts.length === 0) return undefined;
      for (const host of one.hosts) hosts.add(host.toLowerCase());
    }
  }
  return hosts.size === 0 ? undefined : [...hosts].sort();
}

/** Hosts for which a rule asks for nothing but the host. */
function allowedBy(rules: readonly Rule[]): readonly string[] {
  const hosts = new Set<string>();
  for (const { from, to = [], when } of rules) {
    if (!isEmpty(from) || !isEmpty(when)) continue;
    if (to.length === 0) hosts.add('*');
    for (const { operation: one } of to) {
      if (!one?.asksNothingElse) continue;
      for (const host of one.hosts.length === 0 ? ['*'] : one.hosts) hosts.add(host.toLowerCase());
    }
  }
  return [...hosts].sort();
}

/** An operation without anything in it is none: Istio refuses it. */
function asksOnlyForHosts(operation: unknown): boolean {
  const fields = Object.entries(operation ?? {});
  return fields.length > 0 && fields.every(([name, value]) => name === 'hosts' || isAnything(name, value));
}

/** Every request has a path and a method. */
function isAnything(name: string, value: unknown): boolean {
  return (name === 'paths' || name === 'methods') && Array.isArray(value) && value.includes('*');
}

const jwtRule = record({
  ...ignoredFields('issuer', 'audiences', 'jwks', 'jwksUri', 'jwks_uri', 'fromHeaders', 'fromParams', 'fromCookies'),
  ...ignoredFields('outputPayloadToHeader', 'outputClaimToHeaders', 'forwardOriginalToken', 'timeout'),
  spaceDelimitedClaims: ignored,
});

const authenticationFields = record({ ...targetFields, jwtRules: listOf(jwtRule) });

/** `spec` of a RequestAuthentication. */
export const readRequestAuthentication: Reader<RequestAuthenticationSpec> = (at) => {
  const before = at.context.problems.length;
  const fields = authenticationFields(at) ?? {};
  const faulty = at.context.problems.length > before;
  return { ...toTarget(fields), rules: Math.max(fields.jwtRules?.length ?? 0, faulty ? 1 : 0) };
};

const modes = { UNSET: 'UNSET', DISABLE: 'DISABLE', PERMISSIVE: 'PERMISSIVE', STRICT: 'STRICT' } as const;
const mutualTls: Reader<{ readonly mode?: MutualTlsMode }> = record({ mode: oneOf(modes) });

const portNumber: Reader<string> = (at: At) =>
  /^[1-9]\d{0,4}$/.test(String(at.key))
    ? String(at.key)
    : at.reportKey({ message: `"${at.key}" is not a port of the workload: write its number.` });

const peerFields = record({
  selector: targetFields.selector,
  mtls: mutualTls,
  portLevelMtls: mapOf(mutualTls, { key: portNumber }),
});

/** `spec` of a PeerAuthentication. */
export const readPeerAuthentication: Reader<PeerAuthenticationSpec> = (at) => {
  const fields = peerFields(at) ?? {};
  const ports = Object.entries(fields.portLevelMtls ?? {});
  const selector = nonEmpty(fields.selector?.matchLabels);
  return {
    mode: fields.mtls?.mode ?? 'UNSET',
    ports: Object.fromEntries(ports.map(([port, { mode = 'UNSET' }]) => [port, mode])),
    ...(selector !== undefined && { selector }),
  };
};
