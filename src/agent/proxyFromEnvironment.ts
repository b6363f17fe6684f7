import { own } from '../errors/index.js';
import { noProxy } from './noProxy.js';
import { ProxyServer, type ProxySelector } from './ProxyServer.js';

/**
 * The proxies that the usual variables name, for the option `proxy`: `http_proxy`, `https_proxy`, `all_proxy` for what
 * has none of its own, and `no_proxy`, each also in capital letters, of which the lower-case one wins; an empty one says
 * that there is none. They are read once, at the call. `HTTP_PROXY` is ignored in a CGI program (`REQUEST_METHOD` is
 * set), where a client could set it by a header.
 *
 * `no_proxy` is a list of hosts, which stand for their subdomains as well, with a dot in front or not; of addresses, and
 * ranges of them (`10.0.0.0/8`, `fd00::/8`), each with a port if only that is meant; `*` for all. Addresses are compared
 * as such, in whatever way they are written, and any loopback address or name stands for all of them.
 *
 * Errors: `InvalidOptionError`, with the name of the variable, thrown.
 *
 * @example
 * new Agent({ proxy: proxyFromEnvironment() })
 */
export function proxyFromEnvironment(env: Readonly<Record<string, string | undefined>> = process.env): ProxySelector {
  // A copy, as on Windows the environment takes one case for the other.
  const variables = { ...env };
  const read = (...names: string[]): string | undefined => {
    const name = names.find(each => own(variables, each) !== undefined);
    if (name === undefined) return undefined;
    const text = variables[name]!.trim();
    if (text !== '') new ProxyServer(text, name); // which checks it
    return text;
  };
  const inCGI = own(variables, 'REQUEST_METHOD') !== undefined;
  const all = read('all_proxy', 'ALL_PROXY');
  const plain = (inCGI ? read('http_proxy') : read('http_proxy', 'HTTP_PROXY')) ?? all;
  const secure = read('https_proxy', 'HTTPS_PROXY') ?? all;
  const isExcepted = noProxy(own(variables, 'no_proxy') ?? own(variables, 'NO_PROXY') ?? '');
  return url => {
    const proxy = url.protocol === 'https:' ? secure : plain;
    return proxy === undefined || proxy === '' || isExcepted(url) ? null : proxy;
  };
}
