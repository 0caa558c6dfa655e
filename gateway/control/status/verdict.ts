import type { Problem } from '../../snapshot/problem.ts';

/** What became of an object, in the words of its condition. */
export type Verdict = { readonly status: 'True' | 'False'; readonly reason: string; readonly message: string };

/** Kinds that carry a condition even when all is well: what `kubectl wait` waits for. */
const ALWAYS: ReadonlySet<string> = new Set(['Gateway', 'VirtualService']);
/** Kinds that carry one when there is something to say. WorkloadEntries are written by other programs all the time. */
const WHEN_WRONG: ReadonlySet<string> = new Set(['DestinationRule', 'ServiceEntry']);
/** An object of a mesh or of another gateway is not ours to judge. */
const NOT_OURS: ReadonlySet<string> = new Set(['MG0301', 'MG0304']);
/** As `metav1.Condition` bounds its message; enough for a screen. */
const MAX_MESSAGE = 1_024;

/** Kinds on which conditions are written. */
export const CONDITION_KINDS: readonly string[] = [...ALWAYS, ...WHEN_WRONG];

/** The condition that an object should carry; undefined when it should carry none of ours. */
export function verdictOf(
  kind: string,
  problems: readonly Problem[],
  { isQuarantined }: { readonly isQuarantined: boolean },
): Verdict | undefined {
  if (!ALWAYS.has(kind) && !WHEN_WRONG.has(kind)) return undefined;
  if (problems.some(({ code }) => NOT_OURS.has(code))) return undefined;
  const errors = problems.filter(({ severity }) => severity === 'error');
  const warnings = problems.filter(({ severity }) => severity === 'warning');
  if (errors.length > 0 || isQuarantined)
    return { status: 'False', reason: errors[0]?.code ?? 'Waiting', message: messageOf([...errors, ...warnings]) };
  if (warnings.length > 0) return { status: 'True', reason: 'AcceptedWithWarnings', message: messageOf(warnings) };
  return ALWAYS.has(kind) ? { status: 'True', reason: 'Accepted', message: 'Served as written.' } : undefined;
}

function messageOf(problems: readonly Problem[]): string {
  if (problems.length === 0) return 'Its newest version is not served yet; the last good one is.';
  const text = problems.map(({ code, field, message }) => `${code}${field ? ` ${field}` : ''}: ${message}`).join('\n');
  return text.length <= MAX_MESSAGE ? text : `${text.slice(0, MAX_MESSAGE - 1)}…`;
}
