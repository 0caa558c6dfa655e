import assert from 'node:assert/strict';
import { it } from 'node:test';
import { runCampaign } from './campaign.ts';

const seed =
  process.env['MESH_GATEWAY_FUZZ_SEED'] === undefined ? 20_260_101 : Number(process.env['MESH_GATEWAY_FUZZ_SEED']);

it(`no input breaks a parser, and no split or second parser reads it differently (seed ${seed})`, async (t) => {
  const report = await runCampaign({ seed, inputs: 12_000, oracleOneIn: 4 });
  t.diagnostic(JSON.stringify(report));
  assert.equal(report.inputs, 12_000);
  assert.ok(report.agreed > 500, `only ${report.agreed} messages were taken by both parsers`);
  for (const [kind, { inputs, accepted }] of Object.entries(report.kinds)) {
    assert.ok(
      accepted > inputs / 20,
      `${kind}: the generator makes hardly anything that is taken (${accepted} of ${inputs})`,
    );
  }
});
