import type { LookupAddress, LookupOptions } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';

type Answer = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

/**
 * A user's `lookup` made safe for Node, which takes less than people give it: one that throws, answers twice, answers
 * before it returns, gives one address where all were asked for or the reverse, or an empty list.
 */
export function safeLookup(lookup: LookupFunction): LookupFunction {
  return (hostname: string, options: LookupOptions, callback: Answer) => {
    let answered = false;
    const answer: Answer = (error, address, family) => {
      if (answered) return;
      answered = true;
      // Later, as `dns.lookup` does: nobody listens to the socket yet while it is being made.
      process.nextTick(() => {
        if (error) callback(error, []);
        else reply(hostname, options.all === true, address, family, callback);
      });
    };
    try {
      lookup(hostname, options, answer);
    } catch (error) {
      answer(error as NodeJS.ErrnoException, []);
    }
  };
}

function reply(
  hostname: string,
  all: boolean,
  address: string | LookupAddress[],
  family: number | undefined,
  callback: Answer,
): void {
  const given: readonly unknown[] = Array.isArray(address) ? address : [{ address, family: family ?? 0 }];
  // `dns.resolve4` gives a list of strings, and is given for a `lookup` all the same.
  const list = given
    .map(each => (typeof each === 'string' ? { address: each, family: 0 } : (each as LookupAddress)))
    .filter(each => typeof each?.address === 'string' && isIP(each.address) !== 0);
  const first = list[0];
  if (first === undefined) {
    const error: NodeJS.ErrnoException = new Error(`the lookup of ${hostname} returned no address`);
    error.code = 'ENOTFOUND';
    callback(error, []);
  } else if (all) {
    callback(null, list.map(withFamily));
  } else {
    callback(null, first.address, withFamily(first).family);
  }
}

function withFamily({ address, family }: LookupAddress): LookupAddress {
  return { address, family: family || (address.includes(':') ? 6 : 4) };
}
