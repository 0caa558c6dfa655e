import { test } from 'node:test';
import { runCampaign } from './cluster-changes/campaign.ts';

test('whatever changes in whatever order, what is served is what a fresh start gives, nobody is broken, and nothing waits in vain', (context) => {
  const seed = Date.now() | 0;
  context.diagnostic(`seed ${seed}`);
  runCampaign({ seed, runs: 60 });
});
