// `verdicts.json` is what Istio's definitions of its kinds and its admission webhook (as of August 2026) make of each of our cases. Whoever adds
// a case writes the verdict beside it: a case without one fails.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { readObject } from '#gateway/control/resource/read-object.ts';
import { plainDocument } from '#gateway/control/resource/yaml-documents.ts';
import type { Problem } from '#gateway/snapshot/problem.ts';
import { type Case, cases } from './cases.ts';

type Verdict = 'refuse' | 'warn' | 'accept';

const verdicts = JSON.parse(readFileSync(new URL('verdicts.json', import.meta.url), 'utf8')) as Record<string, Verdict>;

/** Taken here without a word, though Istio refuses or warns. */
const TAKEN: readonly (readonly [RegExp, string])[] = [
  [/:null\}*$/, 'an explicit null is an absent field here'],
  [/^VirtualService metadata\.annotations istio\.io\/dry-run/, 'told by the look at all objects (IST0107)'],
  [/"cipherSuites":\["(?:TLS_AES_128_GCM_SHA256|ecdhe-rsa-aes128-gcm-sha256)"\]/, 'a suite that this OpenSSL serves'],
  [/^ServiceEntry DNS .*"addresses":\["10\.0\.0\.1"\]/, 'virtual addresses are for clients inside a mesh'],
];

/** Refused or flawed here by an IST code, though Istio takes it. */
const REFUSED: readonly (readonly [RegExp, string])[] = [
  [/"(?:GW|A|NS\/a\.example)"|tls\[\]\.match\[\] \{"sourceNamespace":"a_b"/, 'Kubernetes has no such names'],
  [/"cipherSuites":\[""\]/, 'no name of a suite'],
  [/"a\.example","A\.example"/, 'hosts do not differ by case'],
  [/labels":.*b\*64|[lL]abels":\{"a":"b\*64|^Gateway {2}\{"selector"/, 'no Pod can carry such labels'],
  [/^ServiceEntry {2}.*"workloadSelector":\{"labels":\{"(?:a b"|\/a"|a":"b c")/, 'no Pod can carry such labels'],
  [/@request\.auth\.claims/, 'no RequestAuthentication takes effect here (IST0149)'],
  [/"port":0\}|"port":\{"number":(?:0|65536)\}|"port":\{\}/, 'not a port'],
  [/^VirtualService http\[\]\.redirect \{"uri":"a\\nb"\}/, 'a line break ends a header'],
  [/"(?:status|httpStatus)":600\}/, "Istio's own message says 200 to 599"],
  [/"fixedDelay":"1s","percent":(?:101|-1)\}/, 'no share of the requests'],
  [/"bind":"unix:\/\/\/a","port":\{"number":0/, 'no port to map'],
  [/"minProtocolVersion":"TLSV1_3","maxProtocolVersion":"TLSV1_2"/, 'no version lies between them'],
  [/"(?:budgetInterval|ttl)":"-1s"/, 'no time is negative'],
  [/"warmupDurationSecs":"(?:1\.5ms|0\.0015s)"|"idleTimeout":"999us"/, 'whole milliseconds, as everywhere else'],
  [
    /"gateways":\["gw\.other"\]|"gateways":\["gw","other\/gw","a\.b"\]/,
    'Istio looks at the first name only, or forgets its warning',
  ],
  [
    /^VirtualService http\[\]\.fault \{"abort":\{(?:"percentage":\{"value":1\})?\}\}/,
    'Istio writes this warning and forgets it',
  ],
];

function problemsOf({ value }: Case): readonly Problem[] {
  return readObject(plainDocument(value, 'case.yaml'), { defaultNamespace: 'default', strictness: 'folder' }).problems;
}

/** What a verdict asks of the Problems that are found here, and is not so. */
function difference(one: Case, verdict: Verdict): string | undefined {
  const problems = problemsOf(one);
  const told = problems.some(({ severity, code }) => severity !== 'info' && code !== 'MG0202');
  const blamed = problems.find(({ code }) => /^IST01(?:06|22|33|49|65)$/.test(code));
  const allowed = (list: typeof TAKEN) => list.some(([pattern]) => pattern.test(one.id));
  if (verdict !== 'accept')
    return told || allowed(TAKEN) ? undefined : `${one.id}: Istio ${verdict}s, nothing is told here`;
  if (blamed === undefined || allowed(REFUSED)) return undefined;
  return `${one.id}: Istio accepts, here ${blamed.code} ${blamed.field}: ${blamed.message}`;
}

describe("values and fields together, as Istio's validation takes them", () => {
  test('each case has a verdict and each verdict a case', () => {
    assert.deepEqual(cases.map(({ id }) => id).sort(), Object.keys(verdicts).sort());
  });

  test('what Istio refuses or warns of is told here; what it accepts is not blamed by its codes', () => {
    const differences = cases.flatMap((one) => difference(one, verdicts[one.id] ?? 'accept') ?? []);
    assert.deepEqual(differences, []);
  });

  test('every reason for a difference is still needed', () => {
    const idle = [...TAKEN, ...REFUSED].filter(([pattern]) => !cases.some(({ id }) => pattern.test(id)));
    assert.deepEqual(idle, []);
  });

  test('no case is refused from a cluster for a field that is not honoured yet', () => {
    const wrong = cases.filter(({ id, value }) => {
      const { resource } = readObject(plainDocument(value, 'case'), {
        defaultNamespace: 'default',
        strictness: 'cluster',
      });
      const inert =
        /http\[\]\.(?:retries|fault|corsPolicy|rewrite|headers)|trafficPolicy\.(?:tls|outlierDetection) /.test(id);
      return inert && resource === undefined;
    });
    assert.deepEqual(
      wrong.map(({ id }) => id),
      [],
    );
  });
});
