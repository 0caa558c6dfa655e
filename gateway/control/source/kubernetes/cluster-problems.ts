import type { Problem } from '../../../snapshot/problem.ts';
import type { ApiError } from '../../kubernetes/api-error.ts';
import type { ProblemCode } from '../../resource/codes.ts';

/** Objects of one kind, in one namespace or in all. */
export type Place = { readonly kind: string; readonly namespace?: string | undefined; readonly objects: number };

/** Nothing can be asked of the cluster. */
export function unreachable(location: string, error: ApiError, objects: number): Problem {
  const [code, advice] = remedyOf(error);
  const where = error.message.includes(location) ? '' : ` at ${location}`;
  return problem('error', code, [
    `the cluster${where} cannot be asked: ${sentence(error.message)}`,
    meanwhile(objects),
    advice,
  ]);
}

/** Kinds that cannot be read for the same reason, though the server answers. */
export function unreadable(places: readonly Place[], error: ApiError): Problem {
  const [code, remedy] = remedyOf(error);
  const beside = places.find(({ kind, namespace }) => kind === 'Secret' && namespace !== undefined)?.namespace;
  const advice =
    error.status === 403 && beside !== undefined && places.length === 1
      ? `Let it read the Secrets there (kubectl apply -n ${beside} -f config/cluster/per-namespace), or put the certificate into the gateway's own namespace.`
      : remedy;
  const objects = places.reduce((sum, place) => sum + place.objects, 0);
  const what = `${[...new Set(places.map(nameOf))].join(', ')} cannot be read: ${sentence(error.message)}`;
  return problem('error', code, [what, meanwhile(objects), advice]);
}

/** A kind that may not be read, and without which everything else goes well. */
export function dispensable(place: Place, error: ApiError, without: string): Problem {
  const [code, remedy] = remedyOf(error);
  return problem('warning', code, [
    `${nameOf(place)} cannot be read: ${sentence(error.message)}`,
    without,
    ...(place.objects === 0 ? [] : [meanwhile(place.objects)]),
    remedy,
  ]);
}

/** The access data cannot be used any more as it stands; older data still is. */
export function outdatedAccess(fault: string): Problem {
  const advice = 'The access data that was read before is still in use; it is read again every second.';
  return problem('warning', 'MG1015', [sentence(fault), advice]);
}

/** A list lacks objects, and is not believed. */
export function held(place: Place): Problem {
  const why = `The cluster suddenly lists no ${place.kind} at all; this is held, not obeyed.`;
  const way = `When any ${place.kind} is there again (one that serves nothing will do), the list is obeyed; deletions one by one are obeyed at once.`;
  return problem('error', 'MG1013', [why, meanwhile(place.objects), way]);
}

/** Nothing is read from a cluster that is not the known one. */
export function otherCluster(location: string, objects: number): Problem {
  const why = `Another cluster answers at ${location} than the one that all objects came from (its kube-system has another uid); nothing is read from it.`;
  const way =
    'Lead the address or the kubeconfig back to the right one; or, to accept this cluster, stop the service, remove the folder `accepted` of the state directory, and start it.';
  return problem('error', 'MG1013', [why, meanwhile(objects), way]);
}

/** The cluster does not serve kinds that routing needs, or that it served before. */
export function absent(kinds: readonly string[], objects: number): Problem {
  return problem(objects === 0 ? 'warning' : 'error', 'MG1014', [
    `The cluster does not serve ${kinds.join(', ')}${objects === 0 ? ': no such objects can exist in it.' : ' any more.'}`,
    ...(objects === 0 ? [] : [meanwhile(objects)]),
    "Install Istio's CRDs, or those of config/cluster; they are noticed within half a minute.",
  ]);
}

/** The cluster serves a kind otherwise than before, and otherwise than it is read here. */
export function strangeVersion(
  { kind, group, versions }: { readonly kind: string; readonly group: string; readonly versions: readonly string[] },
  objects: number,
): Problem {
  const what = `The cluster serves ${kind} of ${group} in no version any more that is read here (${versions.join(', ')}).`;
  const way = 'What changes of them is not known. Let the cluster serve one of these versions, or update the gateway.';
  return problem('error', 'MG1014', [what, meanwhile(objects), way]);
}

/** Kinds by which Istio before 1.6 said who may do what: nobody looks whether there are objects of them. */
export function outdatedSecurity(groups: readonly string[]): Problem {
  const what = `This cluster has kinds of an older Istio (${groups.join(', ')}), which are not read here.`;
  const lost =
    'Where a Policy or MeshPolicy asks for tokens, or a ClusterRbacConfig covers the ingress gateway, that is not enforced, and its hosts are served.';
  const way =
    'Write it as RequestAuthentication and AuthorizationPolicy (Istio 1.5 and later), or let the backends check.';
  return problem('warning', 'MG0403', [what, lost, way]);
}

/** Which code, and what people can do. */
function remedyOf({ status, reason }: ApiError): [ProblemCode, string] {
  if (reason === 'NoAccess') return ['MG1015', 'Correct it; it is read again every second.'];
  if (status === 401)
    return ['MG1012', 'The token or client certificate of the kubeconfig is not accepted (any more): renew it.'];
  if (status === 403)
    return ['MG1012', 'Give the account the right to list and watch them (config/cluster has the role).'];
  return ['MG1011', 'It is tried again every few seconds, with no end.'];
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

function sentence(text: string): string {
  return `${text.replace(/\.$/, '')}.`;
}

function problem(severity: Problem['severity'], code: ProblemCode, sentences: readonly string[]): Problem {
  const message = sentences.join(' ');
  return { severity, code, message: message.charAt(0).toUpperCase() + message.slice(1) };
}
