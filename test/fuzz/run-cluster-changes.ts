import { parseArgs } from 'node:util';
import { runCampaign } from './cluster-changes/campaign.ts';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '20000' }, seed: { type: 'string' } },
});

const seed = values.seed === undefined ? Date.now() | 0 : Number(values.seed);
console.log(`seed ${seed}; repeat with --seed ${seed}`);
runCampaign({ seed, runs: Number(values.runs) });
