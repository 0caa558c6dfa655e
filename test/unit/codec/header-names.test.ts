import assert from 'node:assert/strict';
import { it } from 'node:test';
import { HeadError, headErrorInfo } from '#gateway/proxy/codec/head-error.ts';
import { HeaderId, HeaderTrait, headerIdOf, headerIdOfName, headerTraits } from '#gateway/proxy/codec/header-names.ts';

it('knows names in any case, and nothing that only looks like one', () => {
  const of = (name: string): number => headerIdOf(Buffer.from(name, 'latin1'), 0, name.length);
  assert.equal(of('Content-Length'), HeaderId.contentLength);
  assert.equal(of('TRANSFER-ENCODING'), HeaderId.transferEncoding);
  assert.equal(of('te'), HeaderId.te);
  for (const name of ['content_length', 'content-lengtH-', 'xontent-length', 't', 'transfer-encodinG2'])
    assert.equal(of(name), HeaderId.other, name);
});

it('knows families by their prefix', () => {
  assert.equal(headerIdOfName('x-envoy-retry-on'), HeaderId.xEnvoy);
  assert.equal(headerIdOfName('x-envoy-upstream-service-time'), HeaderId.xEnvoyUpstreamServiceTime);
  assert.equal(headerIdOfName(`x-envoy-${'a'.repeat(100)}`), HeaderId.xEnvoy);
  assert.equal(headerIdOfName('x-forwarded-prefix'), HeaderId.xForwardedOther);
  assert.equal(headerIdOfName('x-forwarded-for'), HeaderId.xForwardedFor);
  assert.equal(headerIdOfName('x-envoy-'), HeaderId.other);
  assert.equal(headerIdOfName(''), HeaderId.other);
});

it('every id has traits and every hop-by-hop name is protected from nomination', () => {
  for (const id of Object.values(HeaderId)) {
    const traits = headerTraits(id);
    if ((traits & HeaderTrait.hopByHop) !== 0) assert.ok((traits & HeaderTrait.protected) !== 0, String(id));
  }
  assert.equal(headerTraits(HeaderId.other), 0);
});

it('every error code has its own detail and a sentence', () => {
  const infos = Object.values(HeadError).map((code) => headErrorInfo(code));
  assert.equal(new Set(infos.map(({ detail }) => detail)).size, infos.length);
  for (const { detail, reason, status } of infos) {
    assert.match(detail, /^http1\.[a-z0-9_]+$/);
    assert.match(reason, /^[A-Z].*\.$/);
    assert.ok(status >= 400 && status < 600);
  }
  assert.throws(() => headErrorInfo(-1000), RangeError);
});
