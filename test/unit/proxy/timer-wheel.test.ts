import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Deadline, TimerWheel } from '#gateway/support/timer-wheel.ts';

function wheelAt(start: number) {
  const time = { now: start };
  const wheel = new TimerWheel({ tickMs: 10, clock: () => time.now });
  const fired: string[] = [];
  const entry = (name: string) => new Deadline(() => fired.push(name));
  const step = (to: number) => {
    while (time.now < to) {
      time.now += 10;
      wheel.advance();
    }
  };
  return { time, wheel, fired, entry, step };
}

test('a deadline fires after its time and at most two ticks late', (t) => {
  const { wheel, fired, entry, step } = wheelAt(3);
  t.after(() => wheel.stop());
  wheel.set(entry('a'), 100);
  step(103);
  assert.deepEqual(fired, []);
  step(123);
  assert.deepEqual(fired, ['a']);
});

test('a deadline further away than one turn of the wheel waits for its own turn', (t) => {
  const { wheel, fired, entry, step } = wheelAt(0);
  t.after(() => wheel.stop());
  wheel.set(entry('far'), 60_000);
  step(59_990);
  assert.deepEqual(fired, []);
  step(60_020);
  assert.deepEqual(fired, ['far']);
});

test('a deadline that is put off fires once, at the later time; one brought forward fires at the earlier time', (t) => {
  const { wheel, fired, entry, step } = wheelAt(0);
  t.after(() => wheel.stop());
  const later = entry('later');
  const earlier = entry('earlier');
  wheel.set(later, 50);
  wheel.set(earlier, 500);
  step(40);
  wheel.set(later, 300);
  wheel.set(earlier, 20);
  step(100);
  assert.deepEqual(fired, ['earlier']);
  step(400);
  assert.deepEqual(fired, ['earlier', 'later']);
  step(1000);
  assert.deepEqual(fired, ['earlier', 'later']);
});

test('a cleared or removed deadline does not fire, also when an earlier one of the same tick removes it', (t) => {
  const { wheel, fired, entry, step } = wheelAt(0);
  t.after(() => wheel.stop());
  const victims = [entry('v0'), entry('v1'), entry('v2')];
  const killer = new Deadline(() => {
    fired.push('killer');
    for (const victim of victims) wheel.remove(victim);
  });
  const cleared = entry('cleared');
  for (const victim of victims) wheel.set(victim, 50);
  wheel.set(killer, 50); // linked last, fires first
  wheel.set(cleared, 50);
  wheel.clear(cleared);
  const bystander = entry('bystander');
  wheel.set(bystander, 50);
  step(100);
  assert.deepEqual(fired.toSorted(), ['bystander', 'killer']);
});

test('after a stall longer than a turn everything that is due fires, and nothing else', (t) => {
  const { time, wheel, fired, entry } = wheelAt(0);
  t.after(() => wheel.stop());
  wheel.set(entry('due'), 7_000);
  wheel.set(entry('not yet'), 30_000);
  time.now = 20_000;
  wheel.advance();
  assert.deepEqual(fired, ['due']);
  time.now = 30_020;
  wheel.advance();
  assert.deepEqual(fired, ['due', 'not yet']);
});

test('ten thousand random deadlines fire once each, none early', (t) => {
  const { time, wheel, step } = wheelAt(0);
  t.after(() => wheel.stop());
  let count = 0;
  for (let i = 0; i < 10_000; i += 1) {
    const ms = (i * 7919) % 20_000;
    wheel.set(
      new Deadline(() => {
        assert.ok(time.now >= ms && time.now <= ms + 30, `due ${ms}, fired ${time.now}`);
        count += 1;
      }),
      ms,
    );
  }
  step(20_100);
  assert.equal(count, 10_000);
});

test('deadlines set after the wheel was idle for long are not early and not late', (t) => {
  const { time, wheel, fired, entry, step } = wheelAt(0);
  t.after(() => wheel.stop());
  const first = entry('first');
  wheel.set(first, 10);
  step(50);
  time.now = 100_005;
  wheel.set(entry('second'), 100);
  step(100_095);
  assert.deepEqual(fired, ['first']);
  step(100_135);
  assert.deepEqual(fired, ['first', 'second']);
});
