import type { Labels } from '../resource.ts';

/** Which workloads an object of Istio's is for: those of its namespace, of all namespaces in the root namespace. */
export type PolicyTarget = {
  /** Labels that a workload must carry; absent: every workload. */
  readonly selector?: Labels;
  /** Objects that it is bound to instead of workloads (`targetRefs`): only these are concerned. */
  readonly targetRefs: readonly TargetRef[];
};

/** An entry of `targetRefs`; `group` is '' for the core group. */
export type TargetRef = { readonly group: string; readonly kind: string; readonly name: string };

export type AuthorizationPolicySpec = PolicyTarget & {
  readonly action: 'ALLOW' | 'DENY' | 'AUDIT' | 'CUSTOM';
  /** `all`: one of the rules matches every request; `none`: no rule, so that nothing ever matches. */
  readonly matches: 'none' | 'some' | 'all';
  /** Set when surely no rule matches a request for another host: Istio's string matches (`a`, `a*`, `*a`, `*`), lower case. */
  readonly hosts?: readonly string[];
  /** Of an ALLOW, in the same form: it surely allows every request whose Host header matches one of these. */
  readonly allows?: readonly string[];
};

export type RequestAuthenticationSpec = PolicyTarget & {
  /** Number of `jwtRules`; without any, it asks for nothing. */
  readonly rules: number;
};

export type PeerAuthenticationSpec = {
  /** Absent: the whole namespace; the whole mesh in the root namespace. */
  readonly selector?: Labels;
  readonly mode: MutualTlsMode;
  /** Port of the workload -> mode; counts only together with a selector. */
  readonly ports: Readonly<Record<string, MutualTlsMode>>;
};

/** `UNSET` takes what the wider object says. */
export type MutualTlsMode = 'UNSET' | 'DISABLE' | 'PERMISSIVE' | 'STRICT';

/** An EnvoyFilter, as far as an appliance without Envoy can understand it. */
export type EnvoyFilterSpec = PolicyTarget & {
  /** Number of patches that gateways get; the others are for sidecars. */
  readonly patches: number;
  /** Filters that it adds to gateways and that may refuse requests, by name. */
  readonly guards: readonly string[];
};

export type WasmPluginSpec = PolicyTarget & {
  readonly phase: 'UNSPECIFIED_PHASE' | 'AUTHN' | 'AUTHZ' | 'STATS';
  /** What happens to requests where the plug-in cannot be run. */
  readonly failStrategy: 'FAIL_CLOSE' | 'FAIL_OPEN' | 'FAIL_RELOAD';
};

export type TelemetrySpec = PolicyTarget & {
  /** Of `tracing`, `metrics` and `accessLogging`: what it sets. */
  readonly sets: readonly string[];
};
