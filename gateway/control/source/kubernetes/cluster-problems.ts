import type { Problem } from '../../../snapshot/problem.ts';
import type { ApiError } from '../../kubernetes/api-error.ts';
import type { ProblemCode } from '../../resource/codes.ts';
import type { HoldReason } from './missing-objects.ts';

/** What a place is called: `VirtualServices in default`. */
export type Place = { readonly kind: string; readonly namespace?: string | undefined; readonly objects: number };

/** No server can be asked. */
export function unreachable(location: string, error: ApiError, objects: number): Problem {
  const [code, advice]: [ProblemCode, string] =
    error.reason === 'NoAccess'
      ? ['MG1015', 'Correct it; it is read again every second.']
      : ['MG1011', 'It is tried again every few seconds, with no end.'];
  return problem('error', code, `${error.message.replace(/\.$/, '')}. ${meanwhile(objects)} ${advice} (${location})`);
}

/** One kind cannot be read, though the server answers. */
export function unreadable(place: Place, error: ApiError): Problem {
  const { status, message } = error;
  const what = `${nameOf(place)} cannot be read: ${message.replace(/\.$/, '')}`;
  if (status === 401)
    return problem(
      'error',
      'MG1012',
      `${what}. ${meanwhile(place.objects)} The token or client certificate of the kubeconfig is not accepted (any more): renew it.`,
    );
  if (status === 403)
    return problem(
      'error',
      'MG1012',
      `${what}. ${meanwhile(place.objects)} Give the account the right to list and watch them (config/cluster has the role).`,
    );
  return problem(
    'error',
    'MG1011',
    `${what} (${status}). ${meanwhile(place.objects)} It is tried again every few seconds.`,
  );
}

/** A list lacks objects, and is not believed. */
export function held(place: Place, reason: HoldReason): Problem {
  const why =
    reason === 'empty'
      ? `The cluster suddenly lists no ${place.kind} at all`
      : `Another cluster answers than the one that ${nameOf(place)} came from (its kube-system has another uid)`;
  const way =
    reason === 'empty'
      ? `When any ${place.kind} is there again (one that serves nothing will do), the list is obeyed; deletions one by one are obeyed at once.`
      : 'To accept this cluster, stop the service, remove the folder `accepted` of the state directory, and start it.';
  return problem('error', 'MG1013', `${why}; this is held, not obeyed. ${meanwhile(place.objects)} ${way}`);
}

/** The cluster does not serve kinds that routing needs. */
export function absent(kinds: readonly string[], objects: number): Problem {
  const some = objects === 0 ? '' : ` ${meanwhile(objects)}`;
  return problem(
    'warning',
    'MG1014',
    `The cluster does not serve ${kinds.join(', ')}: no such objects can exist in it.${some} Install Istio's CRDs, or those of config/cluster; they are noticed within half a minute.`,
  );
}

function nameOf({ kind, namespace }: Place): string {
  return namespace === undefined ? `the ${kind} objects` : `the ${kind} objects in namespace ${namespace}`;
}

function meanwhile(objects: number): string {
  if (objects === 0) return 'Until then none are known.';
  return objects === 1
    ? 'Until then the one object that was known keeps serving.'
    : `Until then the ${objects} objects that were known keep serving.`;
}

function problem(severity: Problem['severity'], code: ProblemCode, message: string): Problem {
  return { severity, code, message: message.charAt(0).toUpperCase() + message.slice(1) };
}
