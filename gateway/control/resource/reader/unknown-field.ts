import { suggestion } from '../suggestion.ts';
import type { At } from './at.ts';
import type { Reader, Unhonoured } from './reader.ts';

/** Reports a field that no reader takes: known but not honoured yet (a warning), or unknown. */
export function reportUnknownField(at: At, siblings: Iterable<string>): void {
  const { unhonoured } = at.context;
  const entry = unhonoured.size === 0 ? undefined : unhonoured.get(at.pattern);
  if (entry !== undefined) return reportUnhonoured(at, entry);
  reportUnknown(at, [...siblings, ...unhonouredBeside(at)]);
}

function reportUnhonoured(at: At, entry: Unhonoured): void {
  // An explicit null, like an absent field, asks for nothing.
  if (at.value === null || at.value === undefined) return;
  at.reportKey({
    severity: 'warning',
    code: 'MG0202',
    message: `"${at.key}" is known but not honoured yet: ${entry.meanwhile}.`,
  });
  if (entry.value !== undefined) checkValue(at, entry.value);
}

/** What an API server took, and has no effect here, keeps no object from being served. */
function checkValue(at: At, read: Reader<unknown>): void {
  const { problems, strictness } = at.context;
  const before = problems.length;
  read(at);
  if (strictness === 'folder') return;
  for (const [index, problem] of problems.entries())
    if (index >= before && problem.severity === 'error')
      problems[index] = {
        ...problem,
        severity: 'warning',
        code: problem.code === 'IST0106' ? 'IST0133' : problem.code,
      };
}

function reportUnknown(at: At, candidates: readonly string[]): void {
  const guess = suggestion(String(at.key), candidates);
  const advice = guess === '' ? ` Remove it, or check where it belongs; known here: ${list(candidates)}.` : guess;
  const folder = at.context.strictness === 'folder';
  at.reportKey({
    severity: folder ? 'error' : 'warning',
    code: 'MG0201',
    message: `Unknown field "${at.key}".${advice}${folder ? '' : ' It is ignored.'}`,
  });
}

/** Names of the not yet honoured fields at the same place. */
function unhonouredBeside(at: At): string[] {
  const { pattern } = at;
  const parent = pattern.slice(0, pattern.length - String(at.key).length);
  const names: string[] = [];
  for (const candidate of at.context.unhonoured.keys())
    if (candidate.startsWith(parent) && !/[.[]/.test(candidate.slice(parent.length)))
      names.push(candidate.slice(parent.length));
  return names;
}

function list(names: readonly string[]): string {
  const sorted = [...new Set(names)].sort();
  return sorted.length <= 12 ? sorted.join(', ') : `${sorted.slice(0, 12).join(', ')}, ...`;
}
