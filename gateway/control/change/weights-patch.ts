// Promises: the change of weights as a JSON Patch that fails on any other object than the one it was decided on.
// Never: sends anything, or replaces a list: a merge patch would take all of `spec.http` with it.
// Called by: the writer to a cluster.
import { isDeepStrictEqual } from 'node:util';
import type { ShiftPlan } from './traffic.ts';

/** An operation of RFC 6902. */
export type PatchOperation =
  | { readonly op: 'test' | 'add' | 'replace'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };

/** A rule of `spec.http`, as written. */
export type RawRule = {
  readonly name?: unknown;
  readonly match?: unknown;
  readonly route: readonly Readonly<Record<string, unknown>>[];
};

/** The rule as the object has it; undefined when there is no such rule, or it forwards nothing. */
export function ruleIn(object: unknown, index: number): RawRule | undefined {
  const { spec } = (object ?? {}) as { readonly spec?: { readonly http?: unknown } };
  const rule: unknown = Array.isArray(spec?.http) ? spec.http[index] : undefined;
  const { route } = (rule ?? {}) as { readonly route?: unknown };
  return Array.isArray(route) ? (rule as RawRule) : undefined;
}

/**
 * First that the rule is still this one (its name, its conditions) and splits as it did: destinations, their order,
 * number and weights. Then the new weights, and nothing else.
 */
export function weightsPatch(rule: RawRule, { route, edits }: Pick<ShiftPlan, 'route' | 'edits'>): PatchOperation[] {
  return [...testsOf(rule, route.index), ...edits.map((edit) => setWeight(rule, route.index, edit))];
}

/** In front of it: that nothing else of what the object asks for is another either. */
export function asSeen(object: unknown): PatchOperation[] {
  const { spec } = (object ?? {}) as { readonly spec?: unknown };
  return [{ op: 'test', path: '/spec', value: spec }];
}

/** The way back: from the weights that {@link weightsPatch} has written to those of before. */
export function takeBackPatch(rule: RawRule, plan: Pick<ShiftPlan, 'route' | 'edits'>): PatchOperation[] {
  const { index } = plan.route;
  const written = withEdits(rule, plan.edits);
  const back = plan.edits.map(({ destination }): PatchOperation => {
    const path = weightPath(index, destination);
    const old = rule.route[destination]?.['weight'];
    return old === undefined ? { op: 'remove', path } : { op: 'replace', path, value: old };
  });
  return [...testsOf(written, index), ...back];
}

/** Where a rule with a name of its own is now, if nothing of it is another; undefined too when that cannot be told. */
export function indexOfNamed(rule: RawRule, object: unknown): number | undefined {
  const { spec } = (object ?? {}) as { readonly spec?: { readonly http?: unknown } };
  const rules: readonly unknown[] = Array.isArray(spec?.http) ? spec.http : [];
  const places = rules.flatMap((_, index) => (ruleIn(object, index)?.name === rule.name ? [index] : []));
  const [index] = typeof rule.name === 'string' && places.length === 1 ? places : [];
  return index !== undefined && isSameRule(ruleIn(object, index), rule) ? index : undefined;
}

/** True when neither the name nor the conditions nor the destinations with their weights are others. */
export function isSameRule(a: RawRule | undefined, b: RawRule | undefined): boolean {
  return isDeepStrictEqual([a?.name, a?.match, a?.route], [b?.name, b?.match, b?.route]);
}

/** True when a rule, as it is found, is the one that was decided on with the new weights. */
export function hasWeights(found: RawRule | undefined, rule: RawRule, plan: Pick<ShiftPlan, 'edits'>): boolean {
  return found !== undefined && isSameRule(found, withEdits(rule, plan.edits));
}

/** The rule with the new weights. */
function withEdits(rule: RawRule, edits: ShiftPlan['edits']): RawRule {
  const weights = new Map(edits.map(({ destination, weight }) => [destination, weight]));
  const route = rule.route.map((entry, position) =>
    weights.has(position) ? { ...entry, weight: weights.get(position) } : entry,
  );
  return { ...rule, route };
}

function testsOf({ name, match, route }: RawRule, index: number): PatchOperation[] {
  const test = (field: string, value: unknown): PatchOperation[] =>
    value === undefined ? [] : [{ op: 'test', path: `/spec/http/${index}/${field}`, value }];
  return [...test('name', name), ...test('match', match), ...test('route', route)];
}

function setWeight(rule: RawRule, index: number, edit: ShiftPlan['edits'][number]): PatchOperation {
  const op = rule.route[edit.destination]?.['weight'] === undefined ? 'add' : 'replace';
  return { op, path: weightPath(index, edit.destination), value: edit.weight };
}

function weightPath(rule: number, destination: number): string {
  return `/spec/http/${rule}/route/${destination}/weight`;
}
