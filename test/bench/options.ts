import { parseArgs } from 'node:util';

export type Options = {
  /** Interleaved rounds; every round measures every peer once. */
  readonly rounds: number;
  /** Length of one measurement. */
  readonly seconds: number;
  /** Peers to run; empty is all. */
  readonly only: readonly string[];
  readonly scenarios: readonly string[];
  /** How long every peer is loaded before the rounds: programs that compile as they run are measured warm. */
  readonly warmupSeconds: number;
  readonly workers: number;
  /** Hosts of the routes comparison; 0 runs the comparison with the peers instead. */
  readonly routes: number;
  /** Measure what new connections meet under load instead. */
  readonly newcomers: boolean;
  /** Measure what clusters of several sizes cost instead. */
  readonly cluster: boolean;
  readonly json: boolean;
};

export const scenarioNames = ['plain', 'rate', 'tls', 'full', 'resumed', 'log'] as const;
export type ScenarioName = (typeof scenarioNames)[number];

const help = `npm run bench -- [options]

Compares mesh-gateway with nginx, HAProxy, @fastify/http-proxy and a direct connection on this machine. Proxies run on
core 0, load (wrk, h2load, openssl s_time) and the nginx backend on core 1. CPU is that of the whole process tree.

  --rounds N       interleaved rounds (default 7)
  --seconds S      length of one measurement (default 2)
  --warmup S       load before the rounds, for each peer and scenario (default 15: V8 needs some ten thousand
                   handshakes to compile their path)
  --only A,B       of: direct, nginx, haproxy, fastify, mesh-gateway
  --scenarios A,B  of: ${scenarioNames.join(', ')} (default all)
                   plain: saturated, 64 connections; rate: 2,500 requests/s; tls: as plain with TLS 1.3;
                   full, resumed: handshakes; log: as plain with the access log on
  --workers N      workers of mesh-gateway (default 1, as the peers have)
  --routes N       instead: N hosts with one route each against one host, mesh-gateway alone
  --newcomers      instead: 400 new connections beside 256 busy ones, and a burst over two workers, mesh-gateway alone
  --cluster        instead: a made-up cluster of 10,000 VirtualServices and 50,000 endpoints: start, memory, the price of
                   a change at 100 and at 10,000 services, 1,000 changes/s beside requests (some three minutes)
  --quick          3 rounds of 1 second after 2: for a look, not for a verdict
  --json           raw figures on stdout, the table on stderr`;

/** Ends the process with a sentence when the arguments are wrong. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      warmup: { type: 'string' },
      only: { type: 'string', default: '' },
      scenarios: { type: 'string', default: scenarioNames.join(',') },
      workers: { type: 'string', default: '1' },
      routes: { type: 'string', default: '0' },
      quick: { type: 'boolean', default: false },
      newcomers: { type: 'boolean', default: false },
      cluster: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(help);
    process.exit(0);
  }
  const scenarios = list(values.scenarios);
  const unknown = scenarios.find((name) => !(scenarioNames as readonly string[]).includes(name));
  if (unknown !== undefined) throw new Error(`no such scenario: ${unknown} (there are ${scenarioNames.join(', ')})`);
  return {
    rounds: positive('rounds', values.rounds ?? (values.quick ? '3' : '7')),
    seconds: positive('seconds', values.seconds ?? (values.quick ? '1' : '2')),
    warmupSeconds: positive('warmup', values.warmup ?? (values.quick ? '2' : '15')),
    only: list(values.only),
    scenarios,
    workers: positive('workers', values.workers),
    routes: values.routes === '0' ? 0 : positive('routes', values.routes),
    newcomers: values.newcomers,
    cluster: values.cluster,
    json: values.json,
  };
}

function list(text: string): string[] {
  return text.split(',').filter((name) => name !== '');
}

function positive(name: string, text: string): number {
  if (!/^[1-9][0-9]{0,5}$/.test(text)) throw new Error(`--${name} is not a number above 0: ${text}`);
  return Number(text);
}
