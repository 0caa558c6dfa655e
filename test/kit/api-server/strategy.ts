import { randomBytes, randomUUID } from 'node:crypto';
import { badRequest, conflict, invalid, MODIFIED, plainError, versionless } from './api-status.ts';
import { defaultsOf } from './kind-defaults.ts';
import { isJsonObject, isSameJson, type JsonObject, type KubeObject } from './kube-object.ts';
import { apiVersionOf, type ResourceType } from './resource-type.ts';

const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
/** RBAC names are path segments only: `system:node` is one. */
const SEGMENT = /^(?!\.{1,2}$)[^/%]+$/;
const GENERATED = 'bcdfghjklmnpqrstvwxz2456789';

/** An object as a request's body has it, checked to be one of this kind. */
export function parseBody(type: ResourceType, version: string, body: unknown): KubeObject {
  if (!isJsonObject(body)) throw badRequest('the body of the request is not an object');
  const expected = apiVersionOf(type, version);
  const given = { apiVersion: expected, kind: type.kind, ...body };
  if (type.custom && body['kind'] === undefined)
    throw badRequest(`the object provided is unrecognized (must be of type ${type.kind}): Object 'Kind' is missing`);
  if (given.kind !== type.kind && type.custom) throw ofAnotherKind(type, given.kind, body);
  if (given.kind !== type.kind)
    throw badRequest(`${given.kind} in version "${version}" cannot be handled as a ${type.kind}`);
  if (given.apiVersion !== expected)
    throw badRequest(
      `the API version in the data (${given.apiVersion}) does not match the expected API version (${expected})`,
    );
  const metadata = isJsonObject(body['metadata']) ? body['metadata'] : {};
  return { ...given, metadata: { ...metadata } } as KubeObject;
}

function ofAnotherKind(type: ResourceType, kind: string, { metadata }: JsonObject): Error {
  const name = isJsonObject(metadata) && typeof metadata['name'] === 'string' ? metadata['name'] : '';
  const message = `Invalid value: ${JSON.stringify(kind)}: must be ${type.kind}`;
  return invalid({ ...type, kind }, name, [{ reason: 'FieldValueInvalid', message, field: 'kind' }]);
}

/** Completes a new object: name, identity, defaults; checks what every kind must keep. */
export function prepareCreate(
  type: ResourceType,
  version: string,
  namespace: string | undefined,
  object: KubeObject,
): KubeObject {
  const metadata = object.metadata;
  if (metadata.resourceVersion !== undefined && metadata.resourceVersion !== '')
    throw plainError('resourceVersion should not be set on objects to be created');
  nameIt(type, object);
  settleNamespace(type, namespace, object);
  delete metadata.resourceVersion;
  delete metadata.deletionTimestamp;
  metadata.uid = randomUUID();
  metadata.creationTimestamp = timestamp();
  if (hasStatus(type, version)) delete object['status'];
  if (type.countsGenerations) metadata.generation = 1;
  else delete metadata.generation;
  defaultsOf(type, object);
  return ordered(object);
}

/** Completes an object that replaces `old`, or refuses it; the result is what would be stored. */
export function prepareUpdate(
  type: ResourceType,
  version: string,
  old: KubeObject,
  given: KubeObject,
  subresource: string | undefined,
): KubeObject {
  checkIdentity(type, old, given);
  if (!type.allowsUnconditionalUpdate && !given.metadata.resourceVersion) throw versionless(type, old.metadata.name);
  const object = subresource === 'status' ? withStatusOf(old, given) : withoutStatusOf(type, version, old, given);
  const { metadata } = object;
  metadata.name = old.metadata.name;
  if (old.metadata.namespace !== undefined) metadata.namespace = old.metadata.namespace;
  keep(metadata, old.metadata, [
    'uid',
    'creationTimestamp',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
    'generation',
  ]);
  defaultsOf(type, object, old);
  if (type.countsGenerations && !isSameJson(desired(object, type, version), desired(old, type, version)))
    metadata.generation = (old.metadata.generation ?? 0) + 1;
  return ordered(object);
}

/** Whether a write changes anything worth a new resourceVersion. */
export function isUnchanged(old: KubeObject, object: KubeObject): boolean {
  return isSameJson(comparable(old), comparable(object));
}

/** Whether this version's status is written through `/status` alone. */
export function hasStatus(type: ResourceType, version: string): boolean {
  return type.rules.get(version)?.hasStatus ?? type.hasStatus;
}

/** RFC 3339 in whole seconds, as metadata has it. */
export function timestamp(date = new Date()): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

function nameIt(type: ResourceType, object: KubeObject): void {
  const { metadata } = object;
  if (!metadata.name && metadata.generateName) metadata.name = `${metadata.generateName.slice(0, 58)}${randomName()}`;
  if (!metadata.name)
    throw invalid(type, '', [
      {
        reason: 'FieldValueRequired',
        message: 'Required value: name or generateName is required',
        field: 'metadata.name',
      },
    ]);
  const pattern = type.group === 'rbac.authorization.k8s.io' ? SEGMENT : NAME;
  if (pattern.test(metadata.name) && metadata.name.length <= 253) return;
  throw invalid(type, metadata.name, [
    {
      reason: 'FieldValueInvalid',
      message: `Invalid value: "${metadata.name}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`,
      field: 'metadata.name',
    },
  ]);
}

function randomName(): string {
  return [...randomBytes(5)].map((byte) => GENERATED[byte % GENERATED.length]).join('');
}

function settleNamespace(type: ResourceType, namespace: string | undefined, { metadata }: KubeObject): void {
  if (!type.namespaced) {
    delete metadata.namespace;
    return;
  }
  if (namespace === undefined) throw badRequest('an empty namespace may not be set during creation');
  if (metadata.namespace !== undefined && metadata.namespace !== '' && metadata.namespace !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  metadata.namespace = namespace;
}

function checkIdentity(type: ResourceType, old: KubeObject, given: KubeObject): void {
  const { name, uid, resourceVersion } = given.metadata;
  if (name !== undefined && name !== old.metadata.name)
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${old.metadata.name})`);
  if (given.metadata.namespace !== undefined && given.metadata.namespace !== (old.metadata.namespace ?? ''))
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  if (uid !== undefined && uid !== '' && uid !== old.metadata.uid)
    throw conflict(
      type,
      old.metadata.name,
      `StorageError: invalid object, Code: 4, Key: ${old.metadata.name}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid}`,
    );
  if (resourceVersion !== undefined && resourceVersion !== '' && resourceVersion !== old.metadata.resourceVersion)
    throw conflict(type, old.metadata.name, MODIFIED);
}

function withStatusOf(old: KubeObject, given: KubeObject): KubeObject {
  const { status: _status, ...rest }: JsonObject = old;
  const metadata = { ...old.metadata };
  if (given.metadata.managedFields !== undefined) metadata.managedFields = given.metadata.managedFields;
  return { ...rest, metadata, ...(given['status'] === undefined ? {} : { status: given['status'] }) };
}

function withoutStatusOf(type: ResourceType, version: string, old: KubeObject, given: KubeObject): KubeObject {
  const object: KubeObject = { ...given, metadata: { ...given.metadata } };
  if (!hasStatus(type, version)) return object;
  delete object['status'];
  return old['status'] === undefined ? object : { ...object, status: old['status'] };
}

function keep(metadata: JsonObject, old: JsonObject, fields: readonly string[]): void {
  for (const field of fields) {
    if (old[field] === undefined) delete metadata[field];
    else metadata[field] = old[field];
  }
}

/** What of an object its generation counts: all but metadata, and but status where that is a subresource. */
function desired(object: KubeObject, type: ResourceType, version: string): JsonObject {
  const { metadata: _metadata, status, apiVersion: _version, kind: _kind, ...rest } = object;
  return hasStatus(type, version) || status === undefined ? rest : { ...rest, status };
}

function comparable(object: KubeObject): JsonObject {
  const { apiVersion: _version, kind: _kind, metadata, ...rest } = object;
  const { resourceVersion: _revision, managedFields, ...others } = metadata;
  return {
    ...rest,
    metadata: { ...others, managedFields: managedFields?.map(({ time: _time, ...entry }) => entry) ?? [] },
  };
}

/** apiVersion, kind and metadata lead, as in everything the server prints. */
function ordered(object: KubeObject): KubeObject {
  const { apiVersion, kind, metadata, ...rest } = object;
  return {
    ...(apiVersion === undefined ? {} : { apiVersion }),
    ...(kind === undefined ? {} : { kind }),
    metadata,
    ...rest,
  };
}
