/** The npm package has no types. It runs systemd's program of the same name and resolves when that has ended well. */
declare module 'systemd-notify' {
  function notify(options: { ready?: boolean; status?: string; pid?: number; booted?: boolean }): Promise<unknown>;
  export = notify;
}
