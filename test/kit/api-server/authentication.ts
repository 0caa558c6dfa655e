import type { IncomingMessage } from 'node:http';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import { ApiStatus } from './api-status.ts';
import type { ClusterState } from './cluster-state.ts';
import { ANONYMOUS, MASTERS, type Tokens, type User, unauthorized, withAuthenticated } from './identity.ts';

/** Who sends a request: by client certificate, bearer token, or nobody in particular. Throws 401 for bad credentials. */
export function authenticate(state: ClusterState, tokens: Tokens, request: IncomingMessage): User {
  const user = certifiedUser(request.socket as TLSSocket) ?? tokenUser(state, tokens, request) ?? ANONYMOUS;
  return impersonated(user, request);
}

function certifiedUser(socket: TLSSocket): User | undefined {
  // Without a certificate this is an empty object, whatever its type says.
  const { subject } = socket.getPeerCertificate() as Partial<PeerCertificate>;
  if (subject === undefined) return undefined;
  if (!socket.authorized) throw unauthorized();
  const organisations = [subject.O ?? []].flat();
  return withAuthenticated(String(subject.CN), organisations);
}

function tokenUser(state: ClusterState, tokens: Tokens, request: IncomingMessage): User | undefined {
  const token = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined) return undefined;
  const user = tokens.userOf(token);
  if (user === undefined || !stillExists(state, user)) throw unauthorized();
  return user;
}

/** A deleted service account's tokens end with it. */
function stillExists(state: ClusterState, user: User): boolean {
  const [, kind, namespace, name] = user.name.split(':');
  if (!user.name.startsWith('system:') || kind !== 'serviceaccount') return true;
  const type = state.catalogue.find('', 'v1', 'serviceaccounts');
  return state.store.table(type).get(`${namespace}/${name}`) !== undefined;
}

/** `kubectl --as`; only masters may. */
function impersonated(user: User, request: IncomingMessage): User {
  const name = request.headers['impersonate-user'];
  if (typeof name !== 'string') return user;
  if (!user.groups.includes(MASTERS))
    throw new ApiStatus(
      403,
      'Forbidden',
      `users "${name}" is forbidden: User "${user.name}" cannot impersonate resource "users" in API group "" at the cluster scope`,
    );
  const groups = [request.headers['impersonate-group'] ?? []].flat();
  const [, , namespace] = name.split(':');
  const own = name.startsWith('system:serviceaccount:')
    ? ['system:serviceaccounts', `system:serviceaccounts:${namespace}`]
    : [];
  return withAuthenticated(name, [...groups, ...own]);
}
