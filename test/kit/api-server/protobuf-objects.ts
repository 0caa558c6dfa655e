/**
 * The few kinds that `kubectl` sends in protobuf (`create namespace`, `create token`, `auth can-i`...), read into what
 * they would be in JSON. Field numbers are those of Kubernetes' generated.proto files.
 */
import { badRequest, unsupportedMediaType } from './api-status.ts';
import type { JsonObject } from './kube-object.ts';

/** What a field holds; `each` marks a repeated one, `map` a map of strings to it. */
type Shape = { readonly name: string; readonly of: Scalar | Message; readonly many?: 'each' | 'map' };
type Scalar = 'string' | 'bytes' | 'number' | 'boolean';
type Message = { readonly [number: number]: Shape };

const text = (name: string): Shape => ({ name, of: 'string' });
const texts = (name: string): Shape => ({ name, of: 'string', many: 'each' });
const map = (name: string, of: Scalar = 'string'): Shape => ({ name, of, many: 'map' });
const number = (name: string): Shape => ({ name, of: 'number' });
const inner = (name: string, of: Message): Shape => ({ name, of });
const inners = (name: string, of: Message): Shape => ({ name, of, many: 'each' });

const META: Message = {
  1: text('name'),
  2: text('generateName'),
  3: text('namespace'),
  5: text('uid'),
  6: text('resourceVersion'),
  11: map('labels'),
  12: map('annotations'),
  14: texts('finalizers'),
};
const metadata = inner('metadata', META);
const RULE: Message = {
  1: texts('verbs'),
  2: texts('apiGroups'),
  3: texts('resources'),
  4: texts('resourceNames'),
  5: texts('nonResourceURLs'),
};
const SUBJECT: Message = { 1: text('kind'), 2: text('apiGroup'), 3: text('name'), 4: text('namespace') };
const ROLE_REF: Message = { 1: text('apiGroup'), 2: text('kind'), 3: text('name') };
const ROLE: Message = { 1: metadata, 2: inners('rules', RULE) };
const BINDING: Message = { 1: metadata, 2: inners('subjects', SUBJECT), 3: inner('roleRef', ROLE_REF) };
const RESOURCE: Message = {
  1: text('namespace'),
  2: text('verb'),
  3: text('group'),
  4: text('version'),
  5: text('resource'),
  6: text('subresource'),
  7: text('name'),
};
const ACCESS: Message = {
  1: inner('resourceAttributes', RESOURCE),
  2: inner('nonResourceAttributes', { 1: text('path'), 2: text('verb') }),
};

const KINDS: Readonly<Record<string, Message>> = {
  Namespace: { 1: metadata, 2: inner('spec', { 1: texts('finalizers') }) },
  ServiceAccount: { 1: metadata, 4: { name: 'automountServiceAccountToken', of: 'boolean' } },
  Secret: { 1: metadata, 2: map('data', 'bytes'), 3: text('type'), 4: map('stringData') },
  ConfigMap: { 1: metadata, 2: map('data'), 3: map('binaryData', 'bytes') },
  Role: ROLE,
  ClusterRole: ROLE,
  RoleBinding: BINDING,
  ClusterRoleBinding: BINDING,
  TokenRequest: { 1: metadata, 2: inner('spec', { 1: texts('audiences'), 4: number('expirationSeconds') }) },
  SelfSubjectReview: { 1: metadata },
  SelfSubjectAccessReview: { 1: metadata, 2: inner('spec', ACCESS) },
  DeleteOptions: {
    1: number('gracePeriodSeconds'),
    2: inner('preconditions', { 1: text('uid'), 2: text('resourceVersion') }),
    4: text('propagationPolicy'),
    5: texts('dryRun'),
  },
};

const MAGIC = 'k8s\0';
const ENVELOPE: Message = {
  1: inner('typeMeta', { 1: text('apiVersion'), 2: text('kind') }),
  2: { name: 'raw', of: 'bytes' },
};

/** Reads an `application/vnd.kubernetes.protobuf` body. */
export function readProtobufObject(body: Buffer): JsonObject {
  if (body.subarray(0, 4).toString('latin1') !== MAGIC) throw badRequest('the body is not in Kubernetes protobuf');
  const { typeMeta = {}, raw = '' } = readMessage(body.subarray(4), ENVELOPE) as {
    typeMeta?: { apiVersion?: string; kind?: string };
    raw?: string;
  };
  const message = KINDS[typeMeta.kind ?? ''];
  if (message === undefined) throw unsupportedMediaType(['application/json', 'application/yaml']);
  return { ...typeMeta, ...readMessage(Buffer.from(raw, 'base64'), message) };
}

function readMessage(bytes: Buffer, message: Message): JsonObject {
  const object: JsonObject = {};
  const reader = { bytes, at: 0 };
  while (reader.at < bytes.length) {
    const tag = readVarint(reader);
    const value = (tag & 7) === 2 ? readBytes(reader) : readVarint(reader);
    const shape = message[tag >>> 3];
    if (shape !== undefined) take(object, shape, value);
  }
  return object;
}

/** An empty string or zero is how Go leaves out a field. */
function take(object: JsonObject, shape: Shape, value: Buffer | number): void {
  const { name, of, many } = shape;
  if (many === 'map') {
    const entry = readMessage(value as Buffer, { 1: text('key'), 2: { name: 'value', of } }) as { key?: string };
    object[name] = {
      ...(object[name] as JsonObject | undefined),
      [entry.key ?? '']: (entry as JsonObject)['value'] ?? '',
    };
    return;
  }
  const read = readValue(of, value);
  if (many === 'each') object[name] = [...((object[name] as unknown[] | undefined) ?? []), read];
  else if (read !== '' && read !== 0) object[name] = read;
}

function readValue(of: Scalar | Message, value: Buffer | number): unknown {
  if (typeof value === 'number') return of === 'boolean' ? value !== 0 : value;
  if (of === 'string') return value.toString();
  return of === 'bytes' ? value.toString('base64') : readMessage(value, of as Message);
}

type Reader = { readonly bytes: Buffer; at: number };

function readBytes(reader: Reader): Buffer {
  const length = readVarint(reader);
  const start = reader.at;
  reader.at += length;
  return reader.bytes.subarray(start, reader.at);
}

function readVarint(reader: Reader): number {
  let value = 0;
  for (let factor = 1; reader.at < reader.bytes.length; factor *= 128) {
    const byte = reader.bytes[reader.at++] ?? 0;
    value += (byte & 127) * factor;
    if (byte < 128) return value;
  }
  throw badRequest('the protobuf body ends too early');
}
