import http from 'node:http';
import { setTimeout } from 'node:timers/promises';

export type LoadResult = {
  readonly answered: number;
  readonly failed: number;
  /** Up to ten reasons: broken connections and unexpected statuses. */
  readonly reasons: readonly string[];
  readonly bodies: Readonly<Record<string, number>>;
};

export type LoadOptions = {
  readonly port: number;
  readonly host?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  /** Loops that keep one connection each. Default 4. */
  readonly keptAlive?: number;
  /** Loops that open a connection for every request. Default 2. */
  readonly fresh?: number;
  readonly expectStatus?: number;
  /** Between the requests of a loop: without it, a loop takes all of a processor that it can get. */
  readonly pauseMs?: number;
};

/** Requests in endless loops, one after the other in each, until `stop`; every answer but the expected one is a failure. */
export function startLoad(options: LoadOptions): { readonly answered: () => number; stop(): Promise<LoadResult> } {
  const reasons: string[] = [];
  const bodies: Record<string, number> = {};
  let answered = 0;
  let failed = 0;
  const run = { stopped: false };

  async function loop(agent: http.Agent | false): Promise<void> {
    while (!run.stopped) {
      try {
        const { status, body } = await once(options, agent);
        if (status === (options.expectStatus ?? 200)) {
          answered += 1;
          bodies[body] = (bodies[body] ?? 0) + 1;
        } else fail(`status ${status}: ${body.trim()}`);
      } catch (error) {
        fail(String(error));
      }
      if (options.pauseMs !== undefined) await setTimeout(options.pauseMs);
    }
    if (agent !== false) agent.destroy();
  }

  function fail(reason: string): void {
    failed += 1;
    if (reasons.length < 10) reasons.push(reason);
  }

  const loops = [
    ...Array.from({ length: options.keptAlive ?? 4 }, () => loop(new http.Agent({ keepAlive: true, maxSockets: 1 }))),
    ...Array.from({ length: options.fresh ?? 2 }, () => loop(false)),
  ];
  return {
    answered: () => answered,
    async stop() {
      run.stopped = true;
      await Promise.all(loops);
      return { answered, failed, reasons, bodies };
    },
  };
}

function once(options: LoadOptions, agent: http.Agent | false): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const request = http.get(
      {
        host: options.host ?? '127.0.0.1',
        port: options.port,
        path: options.path ?? '/',
        headers: options.headers ?? {},
        agent,
        timeout: 20_000,
      },
      (response) => {
        let body = '';
        response.setEncoding('latin1');
        response.on('data', (chunk: string) => {
          body += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
        response.on('error', reject);
      },
    );
    request.on('timeout', () => request.destroy(new Error('no answer within 20 s')));
    request.on('error', reject);
  });
}
