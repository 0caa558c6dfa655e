import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RestartBackoff } from '../../../gateway/supervisor/restart-backoff.ts';

test('the first deaths are answered at once, the third within ten seconds slows down and is a problem', () => {
  const backoff = new RestartBackoff();
  assert.deepEqual(backoff.died(0), { delayMs: 0, looping: false });
  assert.deepEqual(backoff.died(100), { delayMs: 0, looping: false });
  assert.deepEqual(backoff.died(200), { delayMs: 1_000, looping: true });
  assert.deepEqual(backoff.died(1_300), { delayMs: 2_000, looping: true });
  assert.equal(backoff.isLooping(5_000), true);
});

test('the delay never exceeds thirty seconds', () => {
  const backoff = new RestartBackoff();
  let now = 0;
  let delayMs = 0;
  for (let death = 0; death < 20; death += 1) {
    ({ delayMs } = backoff.died(now));
    now += delayMs + 10;
  }
  assert.equal(delayMs, 30_000);
});

test('deaths that lie further apart are no loop', () => {
  const backoff = new RestartBackoff();
  for (const at of [0, 11_000, 22_000, 33_000]) assert.equal(backoff.died(at).looping, false);
  assert.equal(backoff.isLooping(33_000), false);
});
