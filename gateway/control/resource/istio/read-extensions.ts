// Promises: of objects that extend or tune Envoy, as much as tells whom they are for and whether they may guard something.
// Never: interprets Envoy's configuration; a filter that is not known to be harmless counts as one that may refuse requests.
// Called by: the kinds table.
import { labels, listOf } from '../reader/collections.ts';
import { ignored, ignoredFields, type Reader } from '../reader/reader.ts';
import { record } from '../reader/record.ts';
import { oneOf, text } from '../reader/scalars.ts';
import type { EnvoyFilterSpec, TelemetrySpec, WasmPluginSpec } from './policies.ts';
import { targetFields, toTarget } from './read-policy-target.ts';

const patchFields = record(
  {
    applyTo: text,
    match: record({ context: text }, { others: 'ignore' }),
    patch: record({ operation: text, value: (at) => at.value }, { others: 'ignore' }),
  },
  { others: 'ignore' },
);

type Patch = NonNullable<ReturnType<typeof patchFields>>;

const envoyFilterFields = record({
  workloadSelector: record({ labels }),
  targetRefs: targetFields.targetRefs,
  configPatches: listOf(patchFields),
  priority: ignored,
});

/** `spec` of an EnvoyFilter. */
export const readEnvoyFilter: Reader<EnvoyFilterSpec> = (at) => {
  const before = at.context.problems.length;
  const fields = envoyFilterFields(at) ?? {};
  const faulty = at.context.problems.length > before;
  const { workloadSelector, targetRefs } = fields;
  const patches = (fields.configPatches ?? []).filter(isForGateways);
  const guards = patches.flatMap(guardOf);
  return {
    ...toTarget({ selector: { matchLabels: workloadSelector?.labels ?? {} }, ...(targetRefs && { targetRefs }) }),
    patches: faulty ? Math.max(patches.length, 1) : patches.length,
    guards: faulty && guards.length === 0 ? ['a filter that cannot be read'] : [...new Set(guards)],
  };
};

/** Without a context a patch is for every proxy. */
function isForGateways({ match }: Patch): boolean {
  return match?.context === undefined || match.context === 'ANY' || match.context === 'GATEWAY';
}

/** Filters that Istio itself installed by EnvoyFilter, and others that only watch: they refuse nothing. */
const WATCHERS =
  /^(?:istio\.(?:stats|metadata_exchange|alpn)|envoy\.filters\.(?:http|network)\.(?:wasm\.)?(?:stats|metadata_exchange|tcp_stats|peer_metadata)|envoy\.filters\.http\.(?:grpc_stats|tap|on_demand|compressor|decompressor|header_to_metadata|istio_stats))$/;

const ADDING = new Set(['ADD', 'INSERT_BEFORE', 'INSERT_AFTER', 'INSERT_FIRST', 'REPLACE']);

/** The name of a filter that a patch adds, unless it only watches. */
function guardOf({ applyTo = '', patch }: Patch): readonly string[] {
  if (!/^(?:HTTP_FILTER|NETWORK_FILTER|LISTENER_FILTER|FILTER_CHAIN|EXTENSION_CONFIG)$/.test(applyTo)) return [];
  if (!ADDING.has(patch?.operation ?? '')) return bringsFilters(patch?.value) ? ['http_filters'] : [];
  const name = nameOf(patch?.value) ?? 'an unnamed filter';
  return WATCHERS.test(name) ? [] : [name];
}

/** A merge into the connection manager may bring a list of filters. */
function bringsFilters(value: unknown): boolean {
  return /"(?:http_filters|httpFilters)":/.test(JSON.stringify(value ?? null));
}

function nameOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('name' in value)) return undefined;
  return typeof value.name === 'string' && value.name !== '' ? value.name : undefined;
}

const phase = oneOf({
  UNSPECIFIED_PHASE: 'UNSPECIFIED_PHASE',
  AUTHN: 'AUTHN',
  AUTHZ: 'AUTHZ',
  STATS: 'STATS',
} as const);
const failStrategy = oneOf({ FAIL_CLOSE: 'FAIL_CLOSE', FAIL_OPEN: 'FAIL_OPEN', FAIL_RELOAD: 'FAIL_RELOAD' } as const);

const wasmFields = record({
  ...targetFields,
  phase,
  failStrategy,
  ...ignoredFields('url', 'sha256', 'imagePullPolicy', 'imagePullSecret', 'verificationKey', 'pluginConfig'),
  ...ignoredFields('pluginName', 'priority', 'vmConfig', 'match', 'type'),
});

/** `spec` of a WasmPlugin; what cannot be read counts as a guard. */
export const readWasmPlugin: Reader<WasmPluginSpec> = (at) => {
  const fields = wasmFields(at) ?? {};
  return {
    ...toTarget(fields),
    phase: fields.phase ?? 'UNSPECIFIED_PHASE',
    failStrategy: fields.failStrategy ?? 'FAIL_CLOSE',
  };
};

const extensionFields = record({
  ...targetFields,
  phase,
  wasm: record({ failStrategy }, { others: 'ignore' }),
  ...ignoredFields('lua', 'match', 'priority'),
});

/** `spec` of a TrafficExtension; what cannot be read counts as a guard. */
export const readTrafficExtension: Reader<WasmPluginSpec> = (at) => {
  const fields = extensionFields(at) ?? {};
  return {
    ...toTarget(fields),
    phase: fields.phase ?? 'UNSPECIFIED_PHASE',
    failStrategy: fields.wasm?.failStrategy ?? 'FAIL_CLOSE',
  };
};

const telemetryParts = ['tracing', 'metrics', 'accessLogging'] as const;

const telemetryFields = record({ ...targetFields, ...ignoredFields(...telemetryParts) });

/** `spec` of a Telemetry. */
export const readTelemetry: Reader<TelemetrySpec> = (at) => {
  const fields = telemetryFields(at) ?? {};
  const written = typeof at.value === 'object' && at.value !== null ? Object.keys(at.value) : [];
  return { ...toTarget(fields), sets: telemetryParts.filter((part) => written.includes(part)) };
};
