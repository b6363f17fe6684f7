import { BlockList, isIP } from 'node:net';

/** One of the hosts that are not to be reached by a proxy. */
type Rule = (host: string) => boolean;

/**
 * Whether a URL is excepted by a `no_proxy` list, see `proxyFromEnvironment`. What makes no sense in it excepts nothing.
 */
export function noProxy(list: string): (url: URL) => boolean {
  const rules = list
    .split(/[\s,]+/)
    .filter(entry => entry !== '')
    .map(ruleOf);
  return ({ hostname, port, protocol }) => {
    const host = normalised(hostname);
    const number = port || (protocol === 'https:' ? '443' : '80');
    return rules.some(rule => (rule.port === undefined || rule.port === number) && rule.matches(host));
  };
}

function ruleOf(entry: string): { readonly port: string | undefined; readonly matches: Rule } {
  // An IPv6 address without brackets has no port.
  const [, name, port] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(entry) ?? [undefined, entry, undefined];
  return { port: port === undefined ? undefined : String(Number(port)), matches: matching(name) };
}

function matching(name: string): Rule {
  if (name === '*') return () => true;
  const range = /^\[?([^\][]+)\]?\/(\d+)$/.exec(name);
  if (range !== null) return inRange(range[1], Number(range[2]));
  const host = normalised(name.replace(/^\*?\./, ''));
  if (host === '') return () => false;
  if (isLoopback(host)) return isLoopback;
  return isIP(host) === 0 ? asked => asked === host || asked.endsWith(`.${host}`) : asked => asked === host;
}

function inRange(network: string, bits: number): Rule {
  const range = new BlockList();
  try {
    range.addSubnet(network, bits, family(network));
  } catch {
    return () => false;
  }
  return host => isIP(host) !== 0 && range.check(host, family(host));
}

/**
 * The one form of a host: as a URL has it (lower case, an IPv4 address in four decimals, an IPv6 address as short as
 * can be), without brackets and last dot, and an IPv4 address that is written as one of IPv6 as what it is.
 */
function normalised(host: string): string {
  let name = host;
  try {
    name = new URL(`http://${isIP(host) === 6 ? `[${host}]` : host}`).hostname;
  } catch {
    // It is no host, and will be none that is asked for.
  }
  name = name.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(name);
  if (mapped === null) return name;
  const [high, low] = [parseInt(mapped[1], 16), parseInt(mapped[2], 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

function isLoopback(host: string): boolean {
  return host === '::1' || /^127(\.\d+){3}$/.test(host) || /(^|\.)localhost$/.test(host);
}

function family(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
