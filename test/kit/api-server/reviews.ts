import { badRequest, invalid, notFound } from './api-status.ts';
import type { ClusterState, Target } from './cluster-state.ts';
import { serviceAccountUser, type Tokens, type User } from './identity.ts';
import { isJsonObject, type JsonObject, type KubeObject } from './kube-object.ts';
import { type Attributes, isAllowed } from './rbac.ts';
import { timestamp } from './strategy.ts';

/** What answering a question needs: these kinds are never stored. */
export type ReviewContext = {
  readonly state: ClusterState;
  readonly tokens: Tokens;
  readonly user: User;
  readonly rbac: 'off' | 'enforced';
  /** The shortest life that a TokenRequest may ask for; 600 in a real cluster. */
  readonly minTokenSeconds: number;
};

type Review = (context: ReviewContext, object: KubeObject) => JsonObject;

const REVIEWS: Readonly<Record<string, Review>> = {
  TokenReview: reviewToken,
  SelfSubjectReview: ({ user }) => ({ userInfo: { username: user.name, groups: user.groups } }),
  SelfSubjectAccessReview: (context, object) => reviewAccess(context, context.user, object),
  SubjectAccessReview: (context, object) => {
    const spec = specOf(object);
    const groups = Array.isArray(spec['groups']) ? spec['groups'].map(String) : [];
    return reviewAccess(context, { name: String(spec['user']), groups }, object);
  },
};

/** Answers a question put as an object, or undefined when the kind is no question. */
export function review(context: ReviewContext, target: Target, object: KubeObject): KubeObject | undefined {
  const answer = REVIEWS[target.type.kind];
  return answer && { ...object, status: answer(context, object) };
}

/** `POST serviceaccounts/NAME/token`: a new token for the account, with an end. */
export function requestToken(
  context: ReviewContext,
  { type, namespace = '', name = '' }: Target,
  body: unknown,
): JsonObject {
  const { state, tokens, minTokenSeconds } = context;
  const account = state.store.table(type).get(`${namespace}/${name}`);
  if (account === undefined) throw notFound(type, name);
  if (!isJsonObject(body)) throw badRequest('a TokenRequest is an object');
  const spec = isJsonObject(body['spec']) ? body['spec'] : {};
  const seconds = typeof spec['expirationSeconds'] === 'number' ? spec['expirationSeconds'] : 3_600;
  if (seconds < minTokenSeconds)
    throw invalid({ ...type, group: 'authentication.k8s.io', kind: 'TokenRequest' }, '', [
      {
        reason: 'FieldValueInvalid',
        message: `Invalid value: ${seconds}: may not specify a duration less than 10 minutes`,
        field: 'spec.expirationSeconds',
      },
    ]);
  if (seconds > 2 ** 32)
    throw invalid({ ...type, group: 'authentication.k8s.io', kind: 'TokenRequest' }, '', [
      {
        reason: 'FieldValueInvalid',
        message: `Invalid value: ${seconds}: may not specify a duration larger than 2^32 seconds`,
        field: 'spec.expirationSeconds',
      },
    ]);
  const expiresInMs = seconds * 1_000;
  const token = tokens.issue({ ...serviceAccountUser(namespace, name), expiresInMs });
  return {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name, namespace, creationTimestamp: timestamp() },
    spec: { audiences: ['https://kubernetes.default.svc'], ...spec, expirationSeconds: seconds, boundObjectRef: null },
    status: { token, expirationTimestamp: timestamp(new Date(Date.now() + expiresInMs)) },
  };
}

function reviewToken({ tokens }: ReviewContext, object: KubeObject): JsonObject {
  const { token } = specOf(object);
  const user = typeof token === 'string' ? tokens.userOf(token) : undefined;
  if (user === undefined) return { authenticated: false, user: {}, error: 'invalid bearer token' };
  return {
    authenticated: true,
    user: { username: user.name, groups: user.groups },
    audiences: ['https://kubernetes.default.svc'],
  };
}

function reviewAccess(context: ReviewContext, user: User, object: KubeObject): JsonObject {
  const allowed = context.rbac === 'off' || isAllowed(context.state, user, attributesOf(specOf(object)));
  return allowed ? { allowed } : { allowed, reason: 'no role permits it' };
}

function attributesOf(spec: JsonObject): Attributes {
  const other = spec['nonResourceAttributes'];
  if (isJsonObject(other)) return { kind: 'path', verb: text(other['verb']), path: text(other['path']) };
  const given = isJsonObject(spec['resourceAttributes']) ? spec['resourceAttributes'] : {};
  return {
    kind: 'resource',
    verb: text(given['verb']),
    group: text(given['group']),
    resource: text(given['resource']),
    subresource: text(given['subresource']),
    namespace: text(given['namespace']),
    name: text(given['name']),
  };
}

function specOf(object: KubeObject): JsonObject {
  return isJsonObject(object['spec']) ? object['spec'] : {};
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
