import { parseArgs } from 'node:util';
import { runCampaign } from './campaign.ts';

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    seconds: { type: 'string', default: '900' },
    seed: { type: 'string' },
    first: { type: 'string', default: '0' },
    'oracle-one-in': { type: 'string', default: '20' },
  },
});

const seed = values.seed === undefined ? Date.now() >>> 0 : Number(values.seed);
const options = {
  seed,
  inputs: Number(values.inputs),
  seconds: Number(values.seconds),
  first: Number(values.first),
  oracleOneIn: values.inputs === '1' ? 1 : Number(values['oracle-one-in']),
};
console.log(`seed ${seed}; repeat with --seed ${seed}`);
try {
  console.log(JSON.stringify(await runCampaign(options), undefined, 2));
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
