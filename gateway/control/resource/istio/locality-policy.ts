/** `loadBalancer.localityLbSetting`: which endpoints are near enough. Only one of `distribute` and the failovers is set. */
export type LocalityPolicy = {
  readonly enabled: boolean;
  /** The first whose `from` is our locality says how much each locality gets; localities that it does not name get nothing. */
  readonly distribute: readonly { readonly from: string; readonly to: Readonly<Record<string, number>> }[];
  /** The region that stands in for another; further ones come last. */
  readonly failover: readonly { readonly from: string; readonly to: string }[];
  /** Labels, the most important first, as `name` (as this gateway has it) or `name=value`; empty: by region, zone and subzone. */
  readonly failoverPriority: readonly string[];
};
