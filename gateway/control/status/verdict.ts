import type { Problem } from '../../snapshot/problem.ts';

/** What became of an object, in the words of its condition. */
export type Verdict = { readonly status: 'True' | 'False'; readonly reason: string; readonly message: string };

type ConditionKind = {
  readonly group: string;
  /** The newest first. */
  readonly versions: readonly string[];
  /** `always`: also when all is well, since `kubectl wait` waits for it; `when-wrong`: when there is something to say. */
  readonly when: 'always' | 'when-wrong';
};

const NETWORKING = { group: 'networking.istio.io', versions: ['v1', 'v1beta1', 'v1alpha3'] };
const SECURITY = { group: 'security.istio.io', versions: ['v1', 'v1beta1'] };
const EXTENSIONS = { group: 'extensions.istio.io', versions: ['v1alpha1'] };

/**
 * Istio's kinds, whose definitions have a status with conditions. The status of an Ingress or of an HTTPRoute belongs to the
 * controller of its class; Services and Secrets have none for us: of those there are Events alone.
 */
const KINDS: ReadonlyMap<string, ConditionKind> = new Map<string, ConditionKind>([
  ['Gateway', { ...NETWORKING, when: 'always' }],
  ['VirtualService', { ...NETWORKING, when: 'always' }],
  ['DestinationRule', { ...NETWORKING, when: 'when-wrong' }],
  ['ServiceEntry', { ...NETWORKING, when: 'when-wrong' }],
  // Health checks of others write these all day.
  ['WorkloadEntry', { ...NETWORKING, when: 'when-wrong' }],
  ['EnvoyFilter', { group: 'networking.istio.io', versions: ['v1alpha3'], when: 'when-wrong' }],
  ['AuthorizationPolicy', { ...SECURITY, when: 'when-wrong' }],
  ['RequestAuthentication', { ...SECURITY, when: 'when-wrong' }],
  ['WasmPlugin', { ...EXTENSIONS, when: 'when-wrong' }],
  ['TrafficExtension', { ...EXTENSIONS, when: 'when-wrong' }],
  ['Telemetry', { group: 'telemetry.istio.io', versions: ['v1', 'v1alpha1'], when: 'when-wrong' }],
]);

/** An object of a mesh or of another gateway is not ours to judge. */
const NOT_OURS: ReadonlySet<string> = new Set(['MG0301', 'MG0304']);
/** As `metav1.Condition` bounds its message; enough for a screen. */
const MAX_MESSAGE = 1_024;

/** Kinds on which conditions are written. */
export const CONDITION_KINDS: readonly string[] = [...KINDS.keys()];

/** Where objects of such a kind are in the API; undefined for all others. */
export function placeOf(kind: string): Pick<ConditionKind, 'group' | 'versions'> | undefined {
  return KINDS.get(kind);
}

/** The condition that an object should carry; undefined when it should carry none of ours. */
export function verdictOf(
  kind: string,
  problems: readonly Problem[],
  { isQuarantined }: { readonly isQuarantined: boolean },
): Verdict | undefined {
  const place = KINDS.get(kind);
  if (place === undefined) return undefined;
  if (problems.some(({ code }) => NOT_OURS.has(code))) return undefined;
  const errors = problems.filter(({ severity }) => severity === 'error');
  const warnings = problems.filter(({ severity }) => severity === 'warning');
  if (errors.length > 0 || isQuarantined)
    return { status: 'False', reason: errors[0]?.code ?? 'Waiting', message: messageOf([...errors, ...warnings]) };
  if (warnings.length > 0) return { status: 'True', reason: 'AcceptedWithWarnings', message: messageOf(warnings) };
  return place.when === 'always' ? { status: 'True', reason: 'Accepted', message: 'Served as written.' } : undefined;
}

function messageOf(problems: readonly Problem[]): string {
  if (problems.length === 0) return 'Its newest version is not served yet; the last good one is.';
  const text = problems.map(({ code, field, message }) => `${code}${field ? ` ${field}` : ''}: ${message}`).join('\n');
  return text.length <= MAX_MESSAGE ? text : `${text.slice(0, MAX_MESSAGE - 1)}…`;
}
