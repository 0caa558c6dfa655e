import type { Problem } from '../../../snapshot/problem.ts';
import { isAccepted, mayConcern, type UnreadPolicy } from '../policies/unread.ts';
import type { ResourceIndex } from './resource-index.ts';

/** Says of everything that may guard hosts and cannot be read that it closes all of them, unless people accept that. */
export function checkUnread(index: ResourceIndex): Problem[] {
  const { gatewayNamespace: namespace, gatewayLabels: labels, acceptUnenforced = [] } = index.options;
  // Who validates for any gateway cannot know which one is meant.
  if (labels === undefined) return [];
  const { rootNamespace } = index;
  const accepted = new Set(acceptUnenforced);
  return index
    .unreadPolicies()
    .filter((unread) => mayConcern(unread, { namespace, rootNamespace }))
    .map((unread) => (isAccepted(unread.policy, accepted) ? served(unread) : closed(unread)));
}

function closed(unread: UnreadPolicy): Problem {
  const { policy, why } = unread;
  const message = `${why} So that nobody passes who should not, all hosts of this gateway answer 403 until it is mended. To accept that nothing of it is enforced, write security: {acceptUnenforced: [${policy}]} in gateway.yaml and restart.`;
  return { severity: 'error', code: 'MG0408', message, ...placeOf(unread) };
}

function served(unread: UnreadPolicy): Problem {
  const message = `${unread.why} That it is not enforced is accepted: security.acceptUnenforced in gateway.yaml names it or its kind. Requests are served without its checks.`;
  return { severity: 'warning', code: 'MG0402', message, ...placeOf(unread) };
}

function placeOf({ policy, position }: UnreadPolicy): Pick<Problem, 'object' | 'position'> {
  const [kind = '', namespace = '', name] = policy.split('/');
  return { ...(name !== undefined && { object: { kind, namespace, name } }), ...(position && { position }) };
}
