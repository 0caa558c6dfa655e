import { parseArgs } from 'node:util';
import { runCampaign } from './cluster-watch/campaign.ts';

const { values } = parseArgs({
  options: { operations: { type: 'string', default: '10000' }, seed: { type: 'string' } },
});

const seed = values.seed === undefined ? Date.now() >>> 0 : Number(values.seed);
console.log(`seed ${seed}; repeat with --seed ${seed}`);
try {
  console.log(JSON.stringify(await runCampaign({ seed, operations: Number(values.operations) }), undefined, 2));
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
