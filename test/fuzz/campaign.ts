import { type CorpusEntry, loadClientHellos, loadCorpus } from './corpus.ts';
import {
  generateChunkedRequest,
  generateHost,
  generatePath,
  generateRequests,
  generateResponses,
  mutate,
} from './generate.ts';
import { readRequestsWithNode, readResponsesWithNode } from './node-oracle.ts';
import { checkClientHello, checkHost, checkPath, compareReadings, sameInAnySplit } from './properties.ts';
import { Random } from './random.ts';
import { type Reading, readRequests, readResponses } from './readings.ts';

export type CampaignOptions = {
  readonly seed: number;
  readonly inputs: number;
  /** Compare one HTTP stream in so many with Node's own parser, which costs a hundred times ours. */
  readonly oracleOneIn: number;
  /** Number of the first input; with `inputs: 1` it repeats a single one. */
  readonly first?: number;
  readonly seconds?: number;
};

export type CampaignReport = {
  inputs: number;
  /** Inputs that were taken to their end, by kind. */
  readonly kinds: Record<string, { inputs: number; accepted: number }>;
  /** How HTTP streams ended. */
  readonly ends: Record<string, number>;
  readonly compared: number;
  /** Messages that both parsers took, all of them equal. */
  readonly agreed: number;
  /** Streams on which only one of the two took a message, by who and why the other did not. */
  readonly differences: Record<string, number>;
};

/** Why we may take what Node's parser refuses; everything else that only we take is a failure. */
const JUSTIFIED: Readonly<Record<string, string>> = {
  'only-ours HPE_INVALID_METHOD':
    'Methods are an open set (RFC 9110 §16.1); a gateway passes on any upper-case token, llhttp knows a closed list.',
  'only-ours HPE_CLOSED_CONNECTION after Proxy-Connection: close':
    'Proxy-Connection was never standardised and says nothing here (RFC 9112 Appendix C.2.2); llhttp reads it as Connection.',
  'only-ours HANGUP':
    'At CONNECT and PRI, which we refuse, Node drops the connection with all requests before it that it has not answered yet.',
};

const KINDS = [
  'request',
  'request',
  'request',
  'request',
  'response',
  'response',
  'chunked',
  'path',
  'host',
  'hello',
] as const;

type Inputs = { readonly corpus: readonly CorpusEntry[]; readonly hellos: readonly Buffer[] };

/** Feeds inputs to the parsers until the count or the time is up; throws at the first broken property, naming seed and number. */
export async function runCampaign(options: CampaignOptions): Promise<CampaignReport> {
  const inputs: Inputs = { corpus: loadCorpus(), hellos: loadClientHellos() };
  const report = { inputs: 0, kinds: {}, ends: {}, compared: 0, agreed: 0, differences: {} };
  const deadline =
    options.seconds === undefined ? Number.POSITIVE_INFINITY : performance.now() + options.seconds * 1000;
  const first = options.first ?? 0;
  for (let number = first; number < first + options.inputs; number++) {
    const random = new Random(options.seed + Math.imul(number, 0x9e3779b1));
    const kind = random.pick(KINDS);
    const input = makeInput(kind, random, inputs);
    try {
      await check(kind, input, random, options, report);
    } catch (cause) {
      const repeat = `--seed ${options.seed} --first ${number} --inputs 1`;
      throw new Error(`${kind} input, repeat with ${repeat}\n${JSON.stringify(input.toString('latin1'))}`, { cause });
    }
    report.inputs++;
    if (number % 1024 === 0 && performance.now() > deadline) break;
  }
  return report;
}

function makeInput(kind: (typeof KINDS)[number], random: Random, { corpus, hellos }: Inputs): Buffer {
  if (kind === 'hello') return mutateBytes(random, random.pick(hellos));
  let text: string;
  if (kind === 'path') text = generatePath(random);
  else if (kind === 'host') text = generateHost(random);
  else if (kind === 'chunked') text = generateChunkedRequest(random);
  else if (random.oneIn(8)) text = random.pick(corpus.filter((entry) => entry.kind === kind)).bytes.toString('latin1');
  else text = kind === 'request' ? generateRequests(random) : generateResponses(random);
  if (random.oneIn(3)) text = mutate(random, text);
  // A path is asked for only once the request line was found to hold one.
  return Buffer.from(kind === 'path' && !text.startsWith('/') ? `/${text}` : text, 'latin1');
}

async function check(
  kind: (typeof KINDS)[number],
  input: Buffer,
  random: Random,
  options: CampaignOptions,
  report: { -readonly [K in keyof CampaignReport]: CampaignReport[K] },
): Promise<void> {
  const tally = (report.kinds[kind] ??= { inputs: 0, accepted: 0 });
  tally.inputs++;
  let accepted: boolean;
  if (kind === 'path') accepted = checkPath(input.toString('latin1'));
  else if (kind === 'host') accepted = checkHost(input.toString('latin1'));
  else if (kind === 'hello') accepted = checkClientHello(input, random);
  else {
    const isResponse = kind === 'response';
    const ours = sameInAnySplit(isResponse ? readResponses : readRequests, input, random);
    accepted = ours.end === 'end';
    count(report.ends, ours.end);
    if (random.oneIn(options.oracleOneIn)) {
      report.compared++;
      const pieces = random.split(input);
      const theirs = await (isResponse ? readResponsesWithNode(pieces) : readRequestsWithNode(pieces));
      const difference = compareReadings(isResponse ? upToFinalResponse(ours) : ours, theirs);
      report.agreed += theirs.messages.filter((message, i) => message.complete && ours.messages[i]?.complete).length;
      if (difference !== undefined) count(report.differences, difference);
      if (difference?.startsWith('only-ours') && JUSTIFIED[difference] === undefined) {
        throw new Error(`we take what Node refuses: ${difference}\n${JSON.stringify(ours)}\n${JSON.stringify(theirs)}`);
      }
    }
  }
  if (accepted) tally.accepted++;
}

/** Node's client reads one final response and closes; so much is compared. */
function upToFinalResponse(reading: Reading): Reading {
  const final = reading.messages.findIndex(({ start }) => !start.startsWith('1'));
  return final === -1 ? reading : { messages: reading.messages.slice(0, final + 1), end: reading.end };
}

function mutateBytes(random: Random, bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  if (random.oneIn(3)) return copy;
  for (let n = 1 + random.below(4); n > 0; n--) copy[random.below(copy.length)] = random.below(256);
  return random.oneIn(3) ? copy.subarray(0, random.below(copy.length)) : copy;
}

function count(table: Record<string, number>, key: string): void {
  table[key] = (table[key] ?? 0) + 1;
}
