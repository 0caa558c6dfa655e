/** What route matching may know of a request. One reusable object per connection implements it. */
export interface RequestView {
  readonly method: string;
  /** Normalised, without the query. */
  readonly path: string;
  /** What stands after `?`, undecoded; empty if there is none. */
  readonly query: string;
  /** Lower case, without port. */
  readonly host: string;
  readonly scheme: 'http' | 'https';
  /** Gateway port of the listener (80, 443). */
  readonly port: number;
  /** Repeated fields joined by `,`; undefined if the header is absent. */
  header(lowerName: string): string | undefined;
}
