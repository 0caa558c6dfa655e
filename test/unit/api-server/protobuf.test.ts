import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { field, message } from '#test/kit/api-server/protobuf.ts';
import { readProtobufObject } from '#test/kit/api-server/protobuf-objects.ts';

describe('objects that kubectl sends in protobuf', () => {
  const envelope = (apiVersion: string, kind: string, raw: Buffer) =>
    Buffer.concat([Buffer.from('k8s\0'), field(1, message(field(1, apiVersion), field(2, kind))), field(2, raw)]);
  const pair = (key: string, value: string | Buffer) => message(field(1, key), field(2, value));

  it('become what they would be in JSON', () => {
    const meta = message(field(1, 'a'), field(3, ''), field(11, pair('app', 'x')), field(11, pair('tier', 'y')));
    const raw = message(field(1, meta), field(2, pair('key', Buffer.from('secret'))), field(3, 'Opaque'));
    assert.deepEqual(readProtobufObject(envelope('v1', 'Secret', raw)), {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'a', labels: { app: 'x', tier: 'y' } },
      data: { key: Buffer.from('secret').toString('base64') },
      type: 'Opaque',
    });
  });

  it('keep repeated fields and numbers', () => {
    const seconds = Buffer.from([4 << 3, 0x90, 0x1c]); // expirationSeconds: 3600
    const raw = message(field(2, message(field(1, 'one'), field(1, 'two'), seconds)));
    const { spec } = readProtobufObject(envelope('authentication.k8s.io/v1', 'TokenRequest', raw));
    assert.deepEqual(spec, { audiences: ['one', 'two'], expirationSeconds: 3600 });
  });

  it('are refused when they are of another kind, or no protobuf of Kubernetes', () => {
    assert.throws(() => readProtobufObject(envelope('v1', 'Node', message())), /accepted media types include/);
    assert.throws(() => readProtobufObject(Buffer.from('{}')), /not in Kubernetes protobuf/);
  });
});
