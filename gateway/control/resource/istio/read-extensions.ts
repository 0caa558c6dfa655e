// Promises: of objects that extend or tune Envoy, as much as tells whom they are for and whether they may guard something.
// Never: interprets Envoy's configuration; a filter that is not known to be harmless counts as one that may refuse requests.
// Called by: the kinds table.
import { labels, listOf } from '../reader/collections.ts';
import { ignored, ignoredFields, type Reader } from '../reader/reader.ts';
import { record } from '../reader/record.ts';
import { oneOf, text } from '../reader/scalars.ts';
import type { EnvoyFilterSpec, TelemetrySpec, WasmPluginSpec } from './policies.ts';
import { faultless, targetFields, toTarget } from './read-policy-target.ts';

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
  workloadSelector: faultless(record({ labels })),
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

/** Without a context, or with one that nobody knows, a patch is for every proxy. */
function isForGateways({ match }: Patch): boolean {
  return match?.context !== 'SIDECAR_INBOUND' && match?.context !== 'SIDECAR_OUTBOUND';
}

/** Filters that Istio itself installed by EnvoyFilter, and others that only watch: they refuse nothing. */
const WATCHERS =
  /^(?:istio\.(?:stats|metadata_exchange|alpn)|envoy\.filters\.(?:http|network)\.(?:wasm\.)?(?:stats|metadata_exchange|tcp_stats|peer_metadata)|envoy\.filters\.http\.(?:grpc_stats|tap|on_demand|compressor|decompressor|header_to_metadata|istio_stats))$/;

const FILTERS = /^(?:HTTP_FILTER|NETWORK_FILTER|LISTENER_FILTER|FILTER_CHAIN|EXTENSION_CONFIG)$/;
const ROUTES = /^(?:LISTENER|FILTER_CHAIN|ROUTE_CONFIGURATION|VIRTUAL_HOST|HTTP_ROUTE)$/;
/** They concern the way to backends, and Envoy itself. */
const BEHIND = /^(?:CLUSTER|BOOTSTRAP)$/;

/** What a patch brings that may refuse requests, in words; nothing if it only watches or tunes. */
function guardOf({ applyTo = '', patch }: Patch): readonly string[] {
  if (BEHIND.test(applyTo)) return [];
  if (!FILTERS.test(applyTo) && !ROUTES.test(applyTo))
    return [`a patch of ${applyTo === '' ? 'nobody knows what' : applyTo}`];
  const { operation, value } = patch ?? {};
  if (operation === 'REMOVE') return ROUTES.test(applyTo) ? [`the removal of a ${applyTo}`] : [];
  if (value === undefined || value === null) return ['a patch without value'];
  if (operation === 'MERGE' || !FILTERS.test(applyTo)) return refusalIn(value);
  const name = nameOf(value) ?? 'an unnamed filter';
  return WATCHERS.test(name) ? [] : [name];
}

/** Fields by which Envoy can be made to refuse requests, in either of their spellings. */
const REFUSING =
  /"((?:http_?|listener_?)?filters|filter_?chains|require_?client_?certificate|direct_?response|require_?tls|typed_?per_?filter_?config|rate_?limits|headers_?with_?underscores_?action|path_?with_?escaped_?slashes_?action)":/i;

/** Such a field in what is merged into something, or added beside it. */
function refusalIn(value: unknown): readonly string[] {
  const [, field] = REFUSING.exec(JSON.stringify(value ?? null)) ?? [];
  return field === undefined ? [] : [field];
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
  const before = at.context.problems.length;
  const fields = wasmFields(at) ?? {};
  const faulty = at.context.problems.length > before;
  return { ...toTarget(fields), ...(faulty ? GUARD : toPhase(fields.phase, fields.failStrategy)) };
};

type Phase = Pick<WasmPluginSpec, 'phase' | 'failStrategy'>;

const GUARD: Phase = { phase: 'UNSPECIFIED_PHASE', failStrategy: 'FAIL_CLOSE' };

function toPhase(written?: Phase['phase'], strategy?: Phase['failStrategy']): Phase {
  return { phase: written ?? GUARD.phase, failStrategy: strategy ?? GUARD.failStrategy };
}

const extensionFields = record({
  ...targetFields,
  phase,
  wasm: record({ failStrategy }, { others: 'ignore' }),
  ...ignoredFields('lua', 'match', 'priority'),
});

/** `spec` of a TrafficExtension; what cannot be read counts as a guard. */
export const readTrafficExtension: Reader<WasmPluginSpec> = (at) => {
  const before = at.context.problems.length;
  const fields = extensionFields(at) ?? {};
  const faulty = at.context.problems.length > before;
  return { ...toTarget(fields), ...(faulty ? GUARD : toPhase(fields.phase, fields.wasm?.failStrategy)) };
};

const telemetryParts = ['tracing', 'metrics', 'accessLogging'] as const;

const telemetryFields = record({ ...targetFields, ...ignoredFields(...telemetryParts) });

/** `spec` of a Telemetry. */
export const readTelemetry: Reader<TelemetrySpec> = (at) => {
  const fields = telemetryFields(at) ?? {};
  const written = typeof at.value === 'object' && at.value !== null ? Object.keys(at.value) : [];
  return { ...toTarget(fields), sets: telemetryParts.filter((part) => written.includes(part)) };
};
