import type { Verdict } from './verdict.ts';

/** The type of our condition: no other writer's, so that each has its own. */
const CONDITION_TYPE = 'mesh-gateway/Accepted';

/** Our condition as an object carries it; some of Istio's definitions drop the generation. */
export type Condition = Verdict & { readonly observedGeneration: number | undefined };

type Fields = Readonly<Record<string, unknown>>;

/** Our condition on an object; undefined when it has none. */
export function conditionOn(object: unknown): Condition | undefined {
  const found = conditionsOn(object).find((condition) => condition['type'] === CONDITION_TYPE);
  if (found === undefined) return undefined;
  const { status, reason, message, observedGeneration } = found;
  return {
    status: status === 'True' ? 'True' : 'False',
    reason: typeof reason === 'string' ? reason : '',
    message: typeof message === 'string' ? message : '',
    observedGeneration: observedGeneration === undefined ? undefined : Number(observedGeneration),
  };
}

/** True when the condition says just this, and of a generation that is not older, as far as it tells. */
export function says(condition: Condition | undefined, verdict: Verdict | undefined, generation: number): boolean {
  if (verdict === undefined || condition === undefined) return verdict === condition;
  return (
    condition.status === verdict.status &&
    condition.reason === verdict.reason &&
    condition.message === verdict.message &&
    (condition.observedGeneration ?? generation) >= generation
  );
}

/**
 * A merge patch of the status subresource that sets or removes our condition. A merge patch replaces whole lists, so
 * those of others go along, and the resourceVersion makes it fail when anything was written since.
 */
export function conditionPatch(object: unknown, verdict: Verdict | undefined, now: string): object {
  const { metadata } = object as {
    readonly metadata: { readonly resourceVersion: string; readonly generation: number };
  };
  const others = conditionsOn(object).filter((condition) => condition['type'] !== CONDITION_TYPE);
  const before = conditionsOn(object).find((condition) => condition['type'] === CONDITION_TYPE);
  const changed = before?.['status'] !== verdict?.status;
  const own = verdict && {
    type: CONDITION_TYPE,
    ...verdict,
    // As Istio's newer conditions have it; its older `status.observedGeneration` belongs to istiod.
    observedGeneration: metadata.generation,
    lastTransitionTime: changed ? now : (before?.['lastTransitionTime'] ?? now),
  };
  return {
    metadata: { resourceVersion: metadata.resourceVersion },
    status: { conditions: own === undefined ? others : [...others, own] },
  };
}

function conditionsOn(object: unknown): readonly Fields[] {
  const { status } = (object ?? {}) as { readonly status?: { readonly conditions?: unknown } | null };
  const list = status?.conditions;
  return Array.isArray(list) ? list.filter((item): item is Fields => typeof item === 'object' && item !== null) : [];
}
