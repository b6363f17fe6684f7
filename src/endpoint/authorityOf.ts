/** `host` or `host:port`, as it stands in a URL and in the `Host` header (RFC 9110 section 7.2). */
export function authorityOf(host: string, port: number, defaultPort: number): string {
  // A zone id means something on this machine only (RFC 6874 section 4).
  const name = host.includes(':') ? `[${host.replace(/%.*/s, '')}]` : host;
  return port === defaultPort ? name : `${name}:${port}`;
}
