import path from 'node:path';
import { negotiated } from './load.ts';
import { measure, type Sample } from './measure.ts';
import type { Options, ScenarioName } from './options.ts';
import { type Peer, type PeerName, peerNames, peerVersion, startPeer } from './peers.ts';
import type { Workshop } from './workshop.ts';

/** samples[scenario][peer], one for each round. */
export type Samples = Partial<Record<ScenarioName, Partial<Record<PeerName, Sample[]>>>>;

export type Comparison = {
  readonly peers: Readonly<Partial<Record<PeerName, string>>>;
  readonly missing: readonly string[];
  /** Version, cipher, key exchange and signature of each peer. */
  readonly tls: Readonly<Partial<Record<PeerName, string>>>;
  readonly samples: Samples;
};

/** All peers side by side; they take turns within each round, so that a noisy minute hits all of them. */
export async function compare(options: Options, workshop: Workshop, say: (line: string) => void): Promise<Comparison> {
  const wanted = peerNames.filter((name) => options.only.length === 0 || options.only.includes(name));
  const missing = wanted.filter((name) => peerVersion(name) === undefined);
  const present = wanted.filter((name) => !missing.includes(name));
  for (const name of missing) say(`${name} is not installed and left out`);

  const samples: Samples = {};
  const tls: Partial<Record<PeerName, string>> = {};
  const withoutLog = options.scenarios.filter((name) => name !== 'log') as ScenarioName[];
  if (withoutLog.length > 0) await series('off', withoutLog);
  if (options.scenarios.includes('log')) await series('on', ['log']);
  const peers = Object.fromEntries(present.map((name) => [name, peerVersion(name) ?? '']));
  return { peers, missing, tls, samples };

  async function series(accessLog: 'on' | 'off', scenarios: readonly ScenarioName[]): Promise<void> {
    const running: Peer[] = [];
    try {
      for (const name of present) {
        const folder = path.join(workshop.folder, `${name}-log-${accessLog}`);
        running.push(await startPeer(name, { workshop, folder, accessLog, workers: options.workers }));
      }
      for (const peer of running) {
        if (peer.httpsPort !== undefined) tls[peer.name] = await negotiated(peer.httpsPort);
        // the first seconds compile and fill pools; they count for nobody
        for (const scenario of scenarios) await measure(peer, scenario, options.warmupSeconds, workshop.folder);
      }
      for (let round = 1; round <= options.rounds; round++) {
        say(`round ${round} of ${options.rounds}, access log ${accessLog}`);
        for (const scenario of scenarios) for (const peer of running) await one(peer, scenario);
      }
    } finally {
      for (const peer of running) await peer.stop();
    }
  }

  async function one(peer: Peer, scenario: ScenarioName): Promise<void> {
    const sample = await measure(peer, scenario, options.seconds, workshop.folder);
    if (sample === undefined) return;
    const ofScenario = (samples[scenario] ??= {});
    (ofScenario[peer.name] ??= []).push(sample);
  }
}
