import { type EventFacts, eventNamespace, eventObject } from '../status/event.ts';
import type { ShiftTarget, WeightChange } from './weight-writer.ts';

/**
 * The trace of a shift in the cluster: an Event of the VirtualService, with the reason that was given. Undefined when
 * the object has no uid to hang it on.
 */
export function shiftEvent(
  { service, good }: ShiftTarget,
  { plan, reason }: WeightChange,
  { node, now }: Pick<EventFacts, 'node' | 'now'>,
): { readonly path: string; readonly body: object } | undefined {
  const { metadata } = good.version.raw as { readonly metadata?: { readonly uid?: unknown } };
  if (typeof metadata?.uid !== 'string') return undefined;
  const { apiVersion, kind, namespace, name } = service;
  const target = { apiVersion, kind, namespace, name, uid: metadata.uid };
  const weights = plan.route.destinations.map(({ key, weight }, position) => {
    const edit = plan.edits.find(({ destination }) => destination === position);
    return edit === undefined ? `${key} ${weight}` : `${key} ${weight} -> ${edit.weight}`;
  });
  const message = `Rule "${plan.route.route}": ${weights.join(', ')}, written by ${node}.${reason === undefined ? '' : ` Reason: ${reason}`}`;
  const facts: EventFacts = {
    target,
    type: 'Normal',
    reason: 'TrafficShifted',
    message,
    occasion: String(now),
    repeats: false,
    node,
    now,
  };
  return { path: `/api/v1/namespaces/${eventNamespace(target)}/events`, body: eventObject(facts) };
}
