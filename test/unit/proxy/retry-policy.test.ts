import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mayRetry } from '#gateway/proxy/retry-policy.ts';
import type { Fault } from '#gateway/proxy/types.ts';

const fault = (retry: Fault['retry']): Fault => ({ what: 'reset', whose: 'upstream', retry, detail: '' });

test('what was never sent may be sent again, whatever the method, but not for ever', () => {
  const post = { method: 'POST', attempts: 1, isHeld: false, metStale: false };
  assert.equal(mayRetry(fault('yes'), post), true);
  assert.equal(mayRetry(fault('yes'), { ...post, attempts: 2 }), true);
  assert.equal(mayRetry(fault('yes'), { ...post, attempts: 3 }), false);
});

test('on a stale connection only idempotent requests that are still at hand are sent again', () => {
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']) {
    assert.equal(mayRetry(fault('if-reused'), { method, attempts: 1, isHeld: true, metStale: false }), true, method);
    assert.equal(mayRetry(fault('if-reused'), { method, attempts: 1, isHeld: false, metStale: false }), false, method);
  }
  for (const method of ['POST', 'PATCH', 'get', 'PURGE']) {
    assert.equal(mayRetry(fault('if-reused'), { method, attempts: 1, isHeld: true, metStale: false }), false, method);
  }
});

test('on a fresh connection the same holds only after a stale one: its server is ending', () => {
  const request = { method: 'GET', attempts: 2, isHeld: true, metStale: true };
  assert.equal(mayRetry(fault('if-ending'), request), true);
  assert.equal(mayRetry(fault('if-ending'), { ...request, metStale: false }), false);
  assert.equal(mayRetry(fault('if-ending'), { ...request, method: 'POST' }), false);
  assert.equal(mayRetry(fault('if-ending'), { ...request, isHeld: false }), false);
  assert.equal(mayRetry(fault('if-ending'), { ...request, attempts: 3 }), false);
});

test('what may have been acted upon is never sent again', () => {
  assert.equal(mayRetry(fault('never'), { method: 'GET', attempts: 1, isHeld: true, metStale: false }), false);
});
