import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ApiError } from '#gateway/control/kubernetes/api-error.ts';
import { Reflector, type ReflectorSink } from '#gateway/control/source/kubernetes/reflector.ts';
import { eventually } from '#test/kit/eventually.ts';
import { ManualTimers } from '#test/kit/manual-timers.ts';

type Query = Readonly<Record<string, unknown>>;
type Answer = unknown;

/** A server by hand: each request waits until the test answers it. */
class Script {
  readonly asked: {
    readonly what: 'list' | 'watch';
    readonly query: Query;
    readonly idleMs?: number;
    readonly timeoutMs?: number | undefined;
  }[] = [];
  /** Up to which version the cluster has come, as its namespaces tell; and how fresh the reflector wants to know that. */
  reached: string | ApiError | Promise<undefined> | undefined;
  readonly checks: (number | undefined)[] = [];
  readonly told: string[] = [];
  readonly timers = new ManualTimers();
  readonly #answers: ((answer: Answer) => void)[] = [];
  readonly reflector: Reflector;
  readonly #watch: { push(line: unknown): void; end(): void }[] = [];

  constructor(context: TestContext, sink: Partial<ReflectorSink> = {}) {
    this.reflector = new Reflector({
      path: '/api/v1/pods',
      sink: {
        listBegins: () => this.told.push('begin'),
        listed: (objects) => this.told.push(`page ${objects.length}`),
        listEnds: () => this.told.push('end'),
        changed: (object) => this.told.push(`changed ${nameOf(object)}`),
        deleted: (object) => this.told.push(`deleted ${nameOf(object)}`),
        inSync: () => undefined,
        failed: (error) => this.told.push(`failed ${error.status}`),
        ...sink,
      },
      client: {
        epoch: 1,
        request: async <T>({ query = {}, timeoutMs }: { query?: Query; timeoutMs?: number }) => {
          this.asked.push({ what: 'list', query, timeoutMs });
          return (await this.#answer()) as T;
        },
        stream: async ({ query = {}, idleMs }) => {
          this.asked.push({ what: 'watch', query, idleMs });
          await this.#answer();
          return this.#stream();
        },
      },
      check: (since) => {
        this.checks.push(since);
        // Before the list it is known.
        if (since === undefined) return Promise.resolve(undefined);
        return this.reached instanceof ApiError ? Promise.reject(this.reached) : Promise.resolve(this.reached);
      },
      timers: this.timers,
      random: () => 0,
      onDefect: (error) => this.told.push(`defect ${String(error)}`),
    });
    void this.reflector.run();
    context.after(() => {
      this.reflector.stop();
      for (const answer of this.#answers) answer(new ApiError({ status: 0, reason: 'Aborted', message: 'over' }));
      for (const watch of this.#watch) watch.end();
    });
  }

  /** Answers the oldest open request. */
  async answer(answer: Answer): Promise<void> {
    await eventually(() => this.#answers.length > 0, { what: `a request after ${JSON.stringify(this.asked.at(-1))}` });
    this.#answers.shift()?.(answer);
    await turns();
  }

  async send(...events: readonly unknown[]): Promise<void> {
    for (const event of events) this.#watch.at(-1)?.push(event);
    await turns();
  }

  async endWatch(): Promise<void> {
    this.#watch.at(-1)?.end();
    await turns();
  }

  async advance(ms: number): Promise<void> {
    this.timers.advance(ms);
    await turns();
  }

  #answer(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#answers.push((answer) => (answer instanceof Error ? reject(answer) : resolve(answer)));
    });
  }

  #stream(): AsyncIterable<Buffer> & { close(): void } {
    let wake = (): void => undefined;
    const lines: Buffer[] = [];
    let ended = false;
    this.#watch.push({
      push: (line) => {
        lines.push(Buffer.from(`${JSON.stringify(line)}\n`));
        wake();
      },
      end: () => {
        ended = true;
        wake();
      },
    });
    return {
      close: () => {
        ended = true;
        wake();
      },
      async *[Symbol.asyncIterator]() {
        for (;;) {
          const line = lines.shift();
          if (line !== undefined) yield line;
          else if (ended) return;
          else
            await new Promise<void>((next) => {
              wake = next;
            });
        }
      },
    };
  }
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

function nameOf(object: unknown): string {
  return (object as { metadata: { name: string } }).metadata.name;
}

function aList(version: string, names: readonly string[], next?: string): unknown {
  const items = names.map((name) => ({ metadata: { name } }));
  return { metadata: { resourceVersion: version, ...(next !== undefined && { continue: next }) }, items };
}

function event(type: string, name: string, version: string): unknown {
  return { type, object: { metadata: { name, resourceVersion: version } } };
}

const refusal = (status: number, more: object = {}): ApiError =>
  new ApiError({ status, reason: `Http${status}`, message: 'no', ...more });

const expired = { type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' } };

async function watching(context: TestContext): Promise<Script> {
  const script = new Script(context);
  await script.answer(aList('10', ['a']));
  await script.answer('open');
  return script;
}

test('a list in pages is followed by a watch from its version, and a watch by the next from the last event', async (context) => {
  const script = new Script(context);
  await script.answer(aList('10', ['a', 'b'], 'more'));
  await script.answer(aList('10', ['c']));
  await script.answer('open');
  assert.deepEqual(script.told, ['begin', 'page 2', 'page 1', 'end']);
  assert.deepEqual(
    script.asked.map(({ what, query }) => [what, query['continue'] ?? query['resourceVersion']]),
    [
      ['list', undefined],
      ['list', 'more'],
      ['watch', '10'],
    ],
  );
  await script.send(event('MODIFIED', 'a', '11'), event('DELETED', 'b', '12'), event('BOOKMARK', '', '15'));
  await script.advance(6_000);
  await script.endWatch();
  await script.answer('open');
  assert.deepEqual(script.told.slice(4), ['changed a', 'deleted b']);
  assert.equal(script.asked.at(-1)?.query['resourceVersion'], '15');
});

test('a version goes forward only: a bookmark from behind does not take the watch back', async (context) => {
  const script = await watching(context);
  await script.send(event('MODIFIED', 'a', '900'), event('BOOKMARK', '', '1000'), event('BOOKMARK', '', '999'));
  await script.advance(6_000);
  await script.endWatch();
  await script.answer('open');
  assert.equal(script.asked.at(-1)?.query['resourceVersion'], '1000');
});

test('what says it is a list, but has no version or no items, is a failure and no empty list', async (context) => {
  for (const answer of [
    {},
    { metadata: {}, items: [] },
    { metadata: { resourceVersion: '3' } },
    { items: [] },
    'ok',
    null,
  ]) {
    const script = new Script(context);
    await script.answer(answer);
    assert.deepEqual(script.told, ['begin', 'failed 0'], JSON.stringify(answer));
  }
});

test('a watch from where the cluster has not come to (an older etcd was restored) is given up for a list', async (context) => {
  const script = await watching(context);
  assert.deepEqual(script.checks, [undefined, 0, 0], 'before the list, of its page, and when the watch had begun');
  await script.send(event('ADDED', 'b', '1200'));
  await script.advance(6_000);
  script.reached = '1200';
  await script.endWatch();
  await script.answer('open');
  await script.send(event('ADDED', 'c', '1201'));
  assert.deepEqual(script.checks.slice(3), [6_000]);
  script.reached = '999';
  await script.send({ type: 'ERROR', object: { kind: 'Status', code: 500 } });
  await script.advance(400);
  await script.answer('open');
  assert.deepEqual(script.told.slice(3), ['changed b', 'changed c', 'failed 500', 'begin']);
  assert.deepEqual(script.asked.at(-1), {
    what: 'list',
    query: { limit: 1_000, continue: undefined },
    timeoutMs: 30_000,
  });
});

test('while the cluster cannot be told from another one, nothing that it lists or says is believed', async (context) => {
  const script = await watching(context);
  await script.advance(6_000);
  script.reached = refusal(503);
  await script.endWatch();
  await script.answer('open');
  await script.send(event('ADDED', 'intruder', '11'));
  assert.deepEqual(script.told.slice(3), ['failed 503']);
  script.reached = '10';
  await script.advance(400);
  await script.answer('open');
  await script.send(event('ADDED', 'b', '11'));
  assert.deepEqual(script.told.slice(4), ['changed b']);
});

test('an empty list of a Go server (null) is a list', async (context) => {
  const script = new Script(context);
  await script.answer({ metadata: { resourceVersion: '3' }, items: null });
  assert.deepEqual(script.told, ['begin', 'page 0', 'end']);
});

test('where bookmarks come, silence is noticed early; where they do not, the watch itself is shorter', async (context) => {
  const script = await watching(context);
  const [first] = script.asked.slice(-1);
  assert.deepEqual([first?.query['timeoutSeconds'], first?.idleMs], [90, 120_000]);
  await script.send(event('BOOKMARK', '', '11'));
  await script.advance(6_000);
  await script.endWatch();
  await script.answer('open');
  const [second] = script.asked.slice(-1);
  assert.deepEqual([second?.query['timeoutSeconds'], second?.idleMs], [300, 150_000]);
});

test('410 when a watch opens, and as an event of a watch, leads to one list after a pause', async (context) => {
  const script = new Script(context);
  await script.answer(aList('10', []));
  await script.answer(refusal(410));
  assert.equal(script.asked.length, 2, 'not at once');
  await script.advance(400);
  await script.answer(aList('20', []));
  await script.answer('open');
  await script.send(expired);
  await script.advance(800);
  assert.deepEqual(
    script.asked.map(({ what }) => what),
    ['list', 'watch', 'list', 'watch', 'list'],
  );
});

test('410 in the middle of paging gives the whole list more time than a page', async (context) => {
  const script = new Script(context);
  await script.answer(aList('10', ['a'], 'more'));
  await script.answer(refusal(410));
  const [page = 0, , whole = 0] = script.asked.map(({ timeoutMs }) => timeoutMs ?? 0);
  assert.ok(whole >= 4 * page, `${whole} ms`);
});

test('410 in the middle of paging leads to one list without pages, and no further one at once', async (context) => {
  const script = new Script(context);
  await script.answer(aList('10', ['a'], 'more'));
  await script.answer(refusal(410));
  assert.deepEqual(script.asked.at(-1)?.query, { limit: undefined, continue: undefined });
  await script.answer(refusal(410));
  assert.equal(script.asked.length, 3);
  await script.advance(400);
  assert.equal(script.asked.length, 4);
});

test('a server that answers every watch with 410 is asked ever more slowly', async (context) => {
  const script = new Script(context);
  let waited = 0;
  for (let round = 0; round < 8; round += 1) {
    await script.answer(aList('10', []));
    await script.answer(refusal(410));
    const asked = script.asked.length;
    while (script.asked.length === asked) {
      await script.advance(100);
      waited += 100;
    }
  }
  assert.ok(waited > 20_000, `8 rounds in ${waited} ms`);
});

test('a failed watch goes on from where it was; Retry-After is honoured', async (context) => {
  const script = await watching(context);
  await script.send(event('ADDED', 'b', '11'), { type: 'ERROR', object: { kind: 'Status', code: 500 } });
  await script.advance(400);
  await script.answer(refusal(429, { retryAfterMs: 7_000 }));
  assert.deepEqual(script.told.slice(3), ['changed b', 'failed 500', 'failed 429']);
  const asked = script.asked.length;
  await script.advance(6_900);
  assert.equal(script.asked.length, asked);
  await script.advance(200);
  assert.deepEqual([script.asked.length, script.asked.at(-1)?.query['resourceVersion']], [asked + 1, '11']);
});

test('a version that lies in the future (a restored etcd) leads to a list', async (context) => {
  const script = new Script(context);
  await script.answer(aList('1000', []));
  await script.answer(refusal(504, { details: { causes: [{ reason: 'ResourceVersionTooLarge' }] } }));
  await script.advance(400);
  assert.equal(script.asked.at(-1)?.what, 'list');
});

test('a server that ends each watch at once is not asked in a loop', async (context) => {
  const script = await watching(context);
  await script.endWatch();
  assert.equal(script.asked.length, 2);
  await script.advance(400);
  assert.equal(script.asked.length, 3);
});

test('a relist interrupts whatever runs: a watch, a pause', async (context) => {
  const script = await watching(context);
  script.reflector.relist();
  await turns();
  await script.endWatch();
  await script.answer(refusal(500));
  assert.equal(script.asked.at(-1)?.what, 'list');
  script.reflector.relist();
  await turns();
  assert.deepEqual(
    script.asked.map(({ what }) => what),
    ['list', 'watch', 'list', 'list'],
  );
});

test('a page or a watch that comes through after the end, or after a relist, is not told', async (context) => {
  const script = new Script(context);
  const { promise, resolve } = Promise.withResolvers<undefined>();
  script.reached = promise;
  await script.answer(aList('10', ['a']));
  script.reflector.stop();
  resolve(undefined);
  await turns();
  assert.deepEqual(script.told, ['begin']);
});

test('an exception of the sink is told, and all is listed anew', async (context) => {
  const script = new Script(context, {
    changed: () => {
      throw new TypeError('our mistake');
    },
  });
  await script.answer(aList('10', []));
  await script.answer('open');
  await script.send(event('ADDED', 'a', '11'));
  await script.advance(400);
  assert.deepEqual(script.told.slice(3), ['defect TypeError: our mistake', 'failed 0', 'begin']);
  assert.equal(script.asked.at(-1)?.what, 'list');
});
