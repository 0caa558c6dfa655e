import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '#gateway/control/kubernetes/api-error.ts';
import { Refusals } from '#gateway/control/status/refusals.ts';

const SHOP = 'VirtualService/default/shop';
const CART = 'VirtualService/default/cart';

function refusal(status: number, message: string): ApiError {
  return new ApiError({ status, reason: 'Forbidden', message });
}

test('a right that is missing stops the kind until all are tried again, and is told until it works', () => {
  const refusals = new Refusals();
  assert.ok(refusals.take(refusal(403, 'virtualservices is forbidden'), 'VirtualService', SHOP));
  assert.ok(refusals.has('VirtualService', CART) && !refusals.has('Gateway', SHOP));
  refusals.retry();
  assert.ok(!refusals.has('VirtualService', CART));
  assert.equal(refusals.problems().length, 1);
  refusals.worked('VirtualService', CART);
  assert.deepEqual(refusals.problems(), []);
});

test('what an admission webhook or the schema refuses is one object', () => {
  for (const error of [refusal(403, 'admission webhook "x" denied the request'), refusal(422, 'invalid')]) {
    const refusals = new Refusals();
    assert.ok(refusals.take(error, 'VirtualService', SHOP));
    assert.ok(refusals.has('VirtualService', SHOP) && !refusals.has('VirtualService', CART));
    assert.match(refusals.problems()[0]?.message ?? '', /VirtualService\/default\/shop/);
  }
});

test("a namespace that goes away is nobody's problem; what may pass is tried again", () => {
  const refusals = new Refusals();
  const going = refusal(403, 'events "x" is forbidden: unable to create new content because it is being terminated');
  assert.ok(refusals.take(going, 'Event', SHOP));
  assert.ok(!refusals.has('Event', CART));
  assert.deepEqual(refusals.problems(), []);
  assert.ok(!refusals.take(refusal(503, 'down'), 'Event', SHOP));
  assert.ok(!refusals.take(refusal(409, 'conflict'), 'Event', SHOP));
});
