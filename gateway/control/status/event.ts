import { hash } from 'node:crypto';

/** The object that an Event is about. */
export type EventTarget = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
};

export type EventFacts = {
  readonly target: EventTarget;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  /** What makes it another Event than one of the same reason and message; the same on every node. */
  readonly occasion: string;
  /** Whether it is said again while it lasts; API servers forget Events after an hour. */
  readonly repeats: boolean;
  /** Name of this node. */
  readonly node: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
};

/** API servers refuse longer ones. */
const MAX_MESSAGE = 1_024;

/** Two nodes that tell the same make an Event of the same name: the API server keeps the first. */
export function eventName({ target, reason, message, occasion }: Omit<EventFacts, 'now' | 'node'>): string {
  const identity = hash('sha256', JSON.stringify([target.uid, reason, message, occasion])).slice(0, 16);
  // a part of a name ends with a letter or a digit
  return `${target.name.slice(0, 200).replace(/[-.]+$/, '')}.${identity}`;
}

/** Events of cluster-scoped objects are kept in `default`. */
export function eventNamespace({ namespace }: EventTarget): string {
  return namespace === '' ? 'default' : namespace;
}

/**
 * An Event of core/v1, which every API server serves (events.k8s.io shows the same objects). The fields of both forms
 * are filled, so that any kubectl shows who says it.
 */
export function eventObject(facts: EventFacts): object {
  const { target, type, reason, message, node, now } = facts;
  const { apiVersion, kind, name, uid } = target;
  const at = new Date(now).toISOString().replace(/\.\d+Z$/, 'Z');
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: eventName(facts), namespace: eventNamespace(target) },
    involvedObject: { apiVersion, kind, name, uid, ...(target.namespace !== '' && { namespace: target.namespace }) },
    type,
    reason,
    message: message.length <= MAX_MESSAGE ? message : `${message.slice(0, MAX_MESSAGE - 1)}…`,
    count: 1,
    firstTimestamp: at,
    lastTimestamp: at,
    source: { component: 'mesh-gateway', host: node },
    reportingComponent: 'mesh-gateway',
    reportingInstance: node,
  };
}

/** That it is still so; the count is told where it is known. */
export function repetition(now: number, count: number | undefined): object {
  return { lastTimestamp: new Date(now).toISOString().replace(/\.\d+Z$/, 'Z'), ...(count !== undefined && { count }) };
}
