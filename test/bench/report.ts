import type { Comparison, Samples } from './compare.ts';
import { fixedRate } from './load.ts';
import type { Sample } from './measure.ts';
import type { ScenarioName } from './options.ts';
import type { PeerName } from './peers.ts';
import { median, minimum } from './statistics.ts';

const titles: Record<ScenarioName, string> = {
  plain: 'HTTP/1.1, saturated, 64 kept-alive connections, access log off',
  rate: `HTTP/1.1 at ${fixedRate} requests/s, 64 kept-alive connections, access log off`,
  tls: 'HTTP/1.1 + TLS 1.3, saturated, 64 kept-alive connections',
  full: 'full TLS 1.3 handshakes, no request (openssl s_time -new)',
  resumed: 'resumed TLS 1.3 handshakes with one request each (openssl s_time -reuse)',
  log: 'HTTP/1.1, saturated, 64 kept-alive connections, access log on',
};

type Target = { readonly scenario: ScenarioName; readonly against: PeerName; readonly atMost: number };
const targets: readonly Target[] = [
  { scenario: 'plain', against: 'nginx', atMost: 1.3 },
  { scenario: 'plain', against: 'fastify', atMost: 0.35 },
  { scenario: 'tls', against: 'nginx', atMost: 1.3 },
  { scenario: 'full', against: 'nginx', atMost: 1.3 },
];

/** The tables for people: minimum and median of the rounds, ratios by the minimum. */
export function reportComparison({ peers, missing, tls, samples }: Comparison): string {
  const lines = Object.entries(peers).map(([name, version]) => `${name.padEnd(13)} ${version}`);
  for (const name of missing) lines.push(`${name.padEnd(13)} NOT INSTALLED, left out`);
  for (const [name, facts] of Object.entries(tls)) lines.push(`TLS of ${name.padEnd(13)} ${facts}`);
  for (const [scenario, ofScenario] of Object.entries(samples)) {
    lines.push('', titles[scenario as ScenarioName], header());
    const nginx = least(ofScenario.nginx);
    const fastify = least(ofScenario.fastify);
    for (const [name, rounds] of Object.entries(ofScenario)) lines.push(row(name, rounds, nginx, fastify));
  }
  return [...lines, '', ...verdicts(samples)].join('\n');
}

/** One line for each target that was measured. */
function verdicts(samples: Samples): string[] {
  return targets.flatMap(({ scenario, against, atMost }) => {
    const ratio = least(samples[scenario]?.['mesh-gateway']) / least(samples[scenario]?.[against]);
    if (Number.isNaN(ratio)) return [];
    const verdict = ratio <= atMost ? 'met   ' : 'MISSED';
    return [`${verdict} ${scenario}: ${ratio.toFixed(2)} x ${against} in CPU (target: at most ${atMost})`];
  });
}

const columns = [
  'CPU us min',
  'median',
  'user',
  'system',
  'x nginx',
  'x fastify',
  'per second',
  'p50 us',
  'p99 us',
  'RSS MB',
  'PSS MB',
];

function header(): string {
  return ['peer'.padEnd(13), ...columns.map((name) => name.padStart(Math.max(8, name.length)))].join('  ');
}

function row(name: string, rounds: readonly Sample[], nginx: number, fastify: number): string {
  const cpu = least(rounds);
  const best = rounds.find((sample) => sample.cpuUs === cpu) ?? rounds[0];
  const of = (figure: (sample: Sample) => number | undefined): number =>
    median(rounds.map((sample) => figure(sample) ?? Number.NaN));
  const figures = [
    fixed(cpu, 1),
    fixed(
      of((sample) => sample.cpuUs),
      1,
    ),
    fixed(best?.userUs, 1),
    fixed(best?.systemUs, 1),
    fixed(cpu / nginx, 2),
    fixed(cpu / fastify, 2),
    fixed(
      of((sample) => sample.perSecond),
      0,
    ),
    fixed(
      of((sample) => sample.p50Us),
      0,
    ),
    fixed(
      of((sample) => sample.p99Us),
      0,
    ),
    fixed(
      of((sample) => sample.memory?.rssMb),
      0,
    ),
    fixed(
      of((sample) => sample.memory?.pssMb),
      0,
    ),
  ];
  const cells = figures.map((text, index) => text.padStart(Math.max(8, columns[index]?.length ?? 0)));
  const errors = [...new Set(rounds.map((sample) => sample.errors).filter((text) => text !== ''))].join('; ');
  return [name.padEnd(13), ...cells].join('  ') + (errors === '' ? '' : `  ERRORS: ${errors}`);
}

function least(rounds: readonly Sample[] | undefined): number {
  return minimum((rounds ?? []).map((sample) => sample.cpuUs ?? Number.NaN));
}

function fixed(value: number | undefined, digits: number): string {
  return value === undefined || Number.isNaN(value) ? '-' : value.toFixed(digits);
}
