import { suggestion } from '../suggestion.ts';
import type { KnownFields, Unhonoured } from '../unhonoured.ts';
import type { At } from './at.ts';

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
  if (entry.fields !== undefined) checkKnown(at, entry.fields);
}

/** Inside a field that is not honoured, names and ranges are still checked: a typo should not wait for a later version. */
function checkKnown(at: At, known: KnownFields): void {
  if (Array.isArray(at.value)) {
    for (const [index, item] of at.value.entries()) checkKnown(at.child(index, item), known);
    return;
  }
  if (typeof at.value !== 'object' || at.value === null) return;
  for (const [name, value] of Object.entries(at.value)) {
    const field = Object.hasOwn(known, name) ? known[name] : undefined;
    const child = at.child(name, value);
    if (field === undefined) reportUnknown(child, Object.keys(known));
    else if (typeof field === 'function') checkValue(child, field);
    else if (field !== null) checkKnown(child, field);
  }
}

/** An explicit null asks for nothing. What an API server took, and has no effect here, keeps no object from being served. */
function checkValue(at: At, read: (at: At) => unknown): void {
  if (at.value === null || at.value === undefined) return;
  const { problems, strictness } = at.context;
  const before = problems.length;
  read(at);
  if (strictness === 'folder') return;
  for (const [index, problem] of problems.entries())
    if (index >= before) problems[index] = { ...problem, severity: 'warning', code: 'IST0133' };
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
