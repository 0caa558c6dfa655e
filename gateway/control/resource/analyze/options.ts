import type { Labels } from '../resource.ts';

/** How all objects are looked at together. */
export type AnalyzeOptions = {
  /** Where the gateway lives: Secrets and DestinationRules are looked up here too. */
  readonly gatewayNamespace: string;
  /** Whose objects hold for all namespaces; default `istio-system`. */
  readonly rootNamespace?: string;
  /** Labels of this appliance; absent: Gateways for any selector count. */
  readonly gatewayLabels?: Labels;
  /**
   * `whole`: the objects are all there is (the running gateway); build reports what needs endpoints and settings, and a
   * VirtualService with an unknown subset is an error. `partial`: a folder on its own; what is absent may be elsewhere,
   * so it is a warning.
   */
  readonly scope: 'whole' | 'partial';
  /** Ports that the appliance listens on, with what for: "a port for traffic". */
  readonly nodePorts?: readonly { readonly port: number; readonly purpose: string }[];
  /** The Node that the gateway's machine is, if it is one; absent offline. `isSet`: the settings say where it stands. */
  readonly place?: { readonly node: string; readonly isSet: boolean };
  /** `Kind/namespace/name` of objects, or kinds, whose lack of enforcement people accept (`security.acceptUnenforced`). */
  readonly acceptUnenforced?: readonly string[];
  /** Milliseconds since the epoch; given, certificates are checked for expiry. */
  readonly now?: number;
};
