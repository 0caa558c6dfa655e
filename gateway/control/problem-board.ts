import type { Problem } from '../snapshot/problem.ts';
import { compareProblems } from './resource/problem-order.ts';
import { resourceKey } from './resource/resource.ts';
import type { ObjectStore } from './source/object-store.ts';
import { meanwhile } from './source/quarantine.ts';
import type { SourceProblem } from './source/source.ts';

/** Names so many held objects; a file may hold thousands. */
const MAX_NAMED = 5;

/** Each Problem once, sorted: two parts of the program that find the same say it once. */
export function distinctProblems(problems: readonly Problem[]): Problem[] {
  const distinct = new Map<string, Problem>();
  for (const problem of problems) {
    const id = identityOf(problem);
    if (!distinct.has(id)) distinct.set(id, problem);
  }
  return [...distinct.values()].sort(compareProblems);
}

/** A source's faults, each with what keeps serving meanwhile. */
export function describeSourceProblems(problems: readonly SourceProblem[], store: ObjectStore): Problem[] {
  return problems.map(({ problem, holds }) => {
    const { object } = problem;
    const own = object && holds.includes(resourceKey(object)) ? resourceKey(object) : undefined;
    if (own !== undefined) return { ...problem, message: `${problem.message} ${meanwhile(store.get(own))}` };
    const held = holds.filter((key) => store.get(key)?.good !== undefined);
    return held.length === 0 ? problem : { ...problem, message: `${problem.message} ${heldSentence(held)}` };
  });
}

function heldSentence(keys: readonly string[]): string {
  const names = keys.slice(0, MAX_NAMED).map((key) => key.replace('/', ' '));
  const more = keys.length > MAX_NAMED ? ` and ${keys.length - MAX_NAMED} more` : '';
  return `Until then the last good version${keys.length === 1 ? '' : 's'} of ${names.join(', ')}${more} keep${keys.length === 1 ? 's' : ''} serving.`;
}

function identityOf(problem: Problem): string {
  const { code, object, field, position, message } = problem;
  if (object === undefined || field === undefined)
    return `${code}|${object === undefined ? '' : resourceKey(object)}|${position?.file}:${position?.line}|${message}`;
  return `${code}|${resourceKey(object)}|${field}`;
}
