import { type Reader, refine } from '../reader/reader.ts';
import { text } from '../reader/scalars.ts';
import { suggestion } from '../suggestion.ts';
import type { TrafficPreference } from './service.ts';

/** Kubernetes and Istio spell them alike; PreferClose is the older name of PreferSameZone. */
const PREFERENCES: ReadonlyMap<string, TrafficPreference> = new Map([
  ['PreferClose', 'same-zone'],
  ['PreferSameZone', 'same-zone'],
  ['PreferSameNode', 'same-node'],
]);

/** Istio's annotation `networking.istio.io/traffic-distribution`, written in any case; anything else says nothing. */
export function annotatedPreference(value: string): TrafficPreference | undefined {
  const wanted = value.toLowerCase();
  for (const [word, preference] of PREFERENCES) if (word.toLowerCase() === wanted) return preference;
  return undefined;
}

/** `spec.trafficDistribution`: a word of a newer Kubernetes is a wish that cannot be met, and keeps nothing from being served. */
export const trafficPreference: Reader<TrafficPreference> = refine(text, (value, at) => {
  const found = PREFERENCES.get(value);
  if (found !== undefined || value === '') return found;
  const known = [...PREFERENCES.keys()];
  return at.report({
    severity: 'warning',
    code: 'MG0205',
    message: `"${value}" is not known here, so every endpoint counts the same: use ${known.join(', ')}.${suggestion(value, known)}`,
  });
});
