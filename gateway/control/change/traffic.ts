// Promises: the splitting rules of a VirtualService as people name them, and a checked plan for new weights.
// Never: touches a file, invents a weight: the vector is whole, or refused with what is possible.
// Called by: the shifter; roles/control.ts for the admin API.
import type { HttpRule, RuleDestination } from '../resource/istio/virtual-service.ts';
import type { VirtualServiceResource } from '../resource/resource.ts';

/** A rule that forwards, as the API shows it. */
export type TrafficRoute = {
  /** What a request names it by: its name, or its index where that is not enough. */
  readonly route: string;
  readonly index: number;
  readonly name?: string;
  readonly destinations: readonly TrafficDestination[];
};

type TrafficDestination = {
  /** What its weight is keyed by. */
  readonly key: string;
  readonly host: string;
  readonly subset?: string;
  readonly port?: number;
  readonly weight: number;
};

export type Weights = Readonly<Record<string, number>>;

/** What is to be written: for one rule of `spec.http`, by index in its `route`. */
export type ShiftPlan = {
  readonly route: TrafficRoute;
  readonly before: Weights;
  /** Only what differs. */
  readonly edits: readonly { readonly destination: number; readonly weight: number }[];
};

export type InvalidShift = {
  readonly message: string;
  readonly validKeys?: readonly string[];
  readonly routes?: readonly TrafficRoute[];
};

/** All rules that forward, in order. */
export function trafficRoutes(service: VirtualServiceResource): TrafficRoute[] {
  const rules = service.spec.http;
  const names = Map.groupBy(rules, (rule) => rule.name);
  return rules.flatMap((rule) => {
    const { name, index, action } = rule;
    if (action.kind !== 'forward') return [];
    const isTelling = name !== undefined && names.get(name)?.length === 1 && !/^\d+$/.test(name);
    const destinations = trafficDestinations(action.destinations);
    return [{ route: isTelling ? name : String(index), index, ...(name !== undefined && { name }), destinations }];
  });
}

/** Checks everything about a request that needs the object. */
export function planShift(
  service: VirtualServiceResource,
  request: { readonly route?: string; readonly weights: Weights },
): ShiftPlan | InvalidShift {
  const routes = trafficRoutes(service);
  const route = chooseRoute(routes, request.route);
  if ('message' in route) return route;
  const invalid = checkWeights(route, request.weights);
  if (invalid !== undefined) return invalid;
  const rule = service.spec.http.find((candidate) => candidate.index === route.index);
  const edits = route.destinations.flatMap(({ key, weight }, position) => {
    const wanted = request.weights[key] ?? 0;
    const destination = indexOf(rule, position);
    return wanted === weight ? [] : [{ destination, weight: wanted }];
  });
  return { route, before: weightsOf(route), edits };
}

/** The VirtualService as it would be with the new weights. */
export function withPlan(service: VirtualServiceResource, { route, edits }: ShiftPlan): VirtualServiceResource {
  const weights = new Map(edits.map(({ destination, weight }) => [destination, weight]));
  const http = service.spec.http.map((rule): HttpRule => {
    if (rule.index !== route.index || rule.action.kind !== 'forward') return rule;
    const destinations = rule.action.destinations.map((one) => ({
      ...one,
      weight: weights.get(one.index) ?? one.weight,
    }));
    return { ...rule, action: { ...rule.action, destinations } };
  });
  return { ...service, spec: { ...service.spec, http } };
}

function weightsOf(route: TrafficRoute): Weights {
  return Object.fromEntries(route.destinations.map(({ key, weight }) => [key, weight]));
}

function indexOf(rule: HttpRule | undefined, position: number): number {
  return (rule?.action.kind === 'forward' ? rule.action.destinations[position]?.index : undefined) ?? position;
}

function chooseRoute(routes: readonly TrafficRoute[], wanted: string | undefined): TrafficRoute | InvalidShift {
  const list = routes.map(({ route }) => `"${route}"`).join(', ');
  if (wanted !== undefined) {
    const found =
      routes.find(({ route }) => route === wanted) ??
      routes.find(({ index }) => String(index) === wanted) ??
      only(routes.filter(({ name }) => name === wanted));
    return (
      found ?? {
        message: `There is no one rule "${wanted}" that forwards traffic; there is: ${list || 'none'}.`,
        routes,
      }
    );
  }
  const splits = routes.filter(({ destinations }) => destinations.length > 1);
  const found = only(splits.length > 0 ? splits : routes);
  if (found !== undefined) return found;
  if (routes.length === 0)
    return { message: 'No rule of this VirtualService forwards traffic, so there is nothing to shift.', routes };
  return { message: `Several rules could be meant: name one as "route": ${list}.`, routes };
}

function checkWeights(route: TrafficRoute, weights: Weights): InvalidShift | undefined {
  const validKeys = route.destinations.map(({ key }) => key);
  const list = validKeys.join(', ');
  const wrong = (message: string): InvalidShift => ({ message, validKeys });
  const given = Object.keys(weights);
  const unknown = given.filter((key) => !validKeys.includes(key));
  if (unknown.length > 0)
    return wrong(`Rule "${route.route}" has no destination ${unknown.join(', ')}; it has: ${list}.`);
  const missing = validKeys.filter((key) => !given.includes(key));
  if (missing.length > 0)
    return wrong(`The weights are the whole vector: ${missing.join(', ')} is missing. Give one for each of: ${list}.`);
  const bad = given.filter((key) => !Number.isSafeInteger(weights[key]) || (weights[key] ?? -1) < 0);
  if (bad.length > 0) return wrong(`A weight is a whole number, 0 or more: correct that of ${bad.join(', ')}.`);
  if (given.every((key) => weights[key] === 0))
    return wrong('The weights sum to 0, so nothing could be served: at least one must be above 0.');
  return undefined;
}

function trafficDestinations(destinations: readonly RuleDestination[]): TrafficDestination[] {
  const keys = distinctKeys(destinations.map(formsOf));
  return destinations.map((destination, index) => {
    const { writtenHost: host, subset, port } = destination;
    // A lone destination takes everything, whatever weight is written.
    const weight = destinations.length === 1 && destination.weight === 0 ? 100 : destination.weight;
    const names = { key: keys[index] ?? '', host };
    return { ...names, ...(subset !== undefined && { subset }), ...(port !== undefined && { port }), weight };
  });
}

/** Of each list of forms the shortest that no other destination has as its own; the same destination twice is numbered. */
function distinctKeys(forms: readonly (readonly string[])[]): string[] {
  const level = forms.map(() => 0);
  for (;;) {
    const keys = forms.map((list, index) => list[level[index] ?? 0] ?? '');
    const isTaken = (index: number): boolean => keys.some((key, other) => other !== index && key === keys[index]);
    const longer = forms.flatMap((list, index) =>
      isTaken(index) && list.length > (level[index] ?? 0) + 1 ? [index] : [],
    );
    if (longer.length === 0) return keys.map((key, index) => (isTaken(index) ? `${key}#${index}` : key));
    for (const index of longer) level[index] = (level[index] ?? 0) + 1;
  }
}

/** From short to exact: subset, host/subset, host/subset:port; or host, host:port. */
function formsOf({ writtenHost, subset, port }: RuleDestination): string[] {
  const base = subset === undefined ? writtenHost : `${writtenHost}/${subset}`;
  return [...(subset === undefined ? [] : [subset]), base, ...(port === undefined ? [] : [`${base}:${port}`])];
}

function only<T>(items: readonly T[]): T | undefined {
  return items.length === 1 ? items[0] : undefined;
}
