import { type Reader, refine } from '../reader/reader.ts';
import { text } from '../reader/scalars.ts';
import { suggestion } from '../suggestion.ts';
import type { TrafficPreference } from './service.ts';

/** Kubernetes and Istio spell them alike; PreferClose is the older name of PreferSameZone. */
export const TRAFFIC_PREFERENCES: ReadonlyMap<string, TrafficPreference> = new Map([
  ['PreferClose', 'same-zone'],
  ['PreferSameZone', 'same-zone'],
  ['PreferSameNode', 'same-node'],
]);

/** `spec.trafficDistribution`: a word of a newer Kubernetes is a wish that cannot be met, and keeps nothing from being served. */
export const trafficPreference: Reader<TrafficPreference> = refine(text, (value, at) => {
  const found = TRAFFIC_PREFERENCES.get(value);
  if (found !== undefined || value === '') return found;
  const known = [...TRAFFIC_PREFERENCES.keys()];
  return at.report({
    severity: 'warning',
    code: 'MG0205',
    message: `"${value}" is not known here, so every endpoint counts the same: use ${known.join(', ')}.${suggestion(value, known)}`,
  });
});
