import { test } from 'node:test';
import { runCampaign } from './cluster-watch/campaign.ts';

test('after 600 random changes, disconnects, compactions, refusals and restarts the watcher holds what the cluster holds', async (context) => {
  const seed = Date.now() >>> 0;
  const report = await runCampaign({ seed, operations: 600 });
  context.diagnostic(`seed ${seed}: ${JSON.stringify(report)}`);
});
