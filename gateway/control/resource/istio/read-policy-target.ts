import { labels, listOf } from '../reader/collections.ts';
import { type Reader, refine, required } from '../reader/reader.ts';
import { record } from '../reader/record.ts';
import { plainText, text } from '../reader/scalars.ts';
import type { Labels } from '../resource.ts';
import type { PolicyTarget, TargetRef } from './policies.ts';

const targetRef: Reader<TargetRef> = refine(
  record({
    group: text,
    kind: required(plainText, 'write the kind, as kind: Gateway'),
    name: required(plainText, 'write the name of the object'),
    namespace: plainText,
  }),
  ({ group = '', kind, name }) => (kind === undefined || name === undefined ? undefined : { group, kind, name }),
);

/** What has a fault in it names nobody for certain: then nobody is left out. */
export function faultless<T>(reader: Reader<T>): Reader<T> {
  return (at) => {
    const before = at.context.problems.length;
    const read = reader(at);
    return at.context.problems.length > before ? undefined : read;
  };
}

/** The fields by which Istio's newer objects say whom they are for. */
export const targetFields = {
  selector: faultless(record({ matchLabels: labels })),
  targetRef: faultless(targetRef),
  targetRefs: faultless(listOf(targetRef, { max: 16 })),
};

type TargetFields = {
  readonly selector?: { readonly matchLabels?: Labels };
  readonly targetRef?: TargetRef;
  readonly targetRefs?: readonly TargetRef[];
};

/** Puts what {@link targetFields} read together. What could not be read is left out: the target is then the wider one. */
export function toTarget({ selector, targetRef: single, targetRefs = [] }: TargetFields): PolicyTarget {
  const refs = single === undefined ? targetRefs : [single, ...targetRefs];
  const chosen = nonEmpty(selector?.matchLabels);
  return { targetRefs: refs, ...(chosen !== undefined && { selector: chosen }) };
}

/** An empty selector, like none, selects everything. */
export function nonEmpty(selector: Labels | undefined): Labels | undefined {
  return selector !== undefined && Object.keys(selector).length > 0 ? selector : undefined;
}
