import type { VirtualServiceResource } from '../resource/resource.ts';
import type { ObjectVersion } from '../source/source.ts';
import { type TrafficRoute, trafficRoutes, type Weights } from './traffic.ts';
import { CannotWrite, type ShiftTarget, type WeightChange } from './weight-writer.ts';
import { isSameRule, ruleIn } from './weights-patch.ts';

/** What is another now than it was when the change was decided; undefined when its rule is still the same. */
export function conflictWith(
  target: ShiftTarget,
  change: WeightChange,
  now: ObjectVersion | undefined,
): CannotWrite | undefined {
  const { index } = change.plan.route;
  const isSame = isSameRule(ruleIn(target.good.version.raw, index), ruleIn(now?.raw, index));
  if (isSame && (!change.onlyAsSeen || now?.fingerprint === target.good.version.fingerprint)) return undefined;
  const { service } = target;
  const kind = change.onlyAsSeen ? 'changed' : 'conflict';
  const found = now?.resource?.kind === 'VirtualService' ? routeNow(now.resource, change) : undefined;
  const what = found === undefined ? 'its rules are others now' : describeChange(change, found);
  return new CannotWrite(
    kind,
    `VirtualService ${service.namespace}/${service.name} was changed by somebody else meanwhile: ${what}. Nothing was written; look again, then decide.`,
    found && weightsOf(found),
  );
}

/** The rule that people meant, where it is now. */
function routeNow(service: VirtualServiceResource, { plan }: WeightChange): TrafficRoute | undefined {
  const routes = trafficRoutes(service);
  return (
    routes.find(({ route }) => route === plan.route.route) ?? routes.find(({ index }) => index === plan.route.index)
  );
}

/** By key: what was there when the change was decided, and what is there now. */
function describeChange({ plan }: WeightChange, now: TrafficRoute): string {
  const weights = weightsOf(now);
  const keys = new Set([...Object.keys(plan.before), ...Object.keys(weights)]);
  const parts = [...keys].flatMap((key) => {
    const [before, after] = [plan.before[key], weights[key]];
    if (before === after) return [];
    if (after === undefined) return [`destination ${key} (${before}) is gone`];
    if (before === undefined) return [`destination ${key} (${after}) is new`];
    return [`${key} is ${after} now and was ${before}`];
  });
  const rule = `in rule "${now.route}"`;
  return parts.length === 0
    ? `${rule} or elsewhere other things than the weights differ`
    : `${rule} ${parts.join(', ')}`;
}

function weightsOf(route: TrafficRoute): Weights {
  return Object.fromEntries(route.destinations.map(({ key, weight }) => [key, weight]));
}
