// What is compared, and what is to be reached. A goal is met when the unfavourable bound of the interval meets it.
import { cost, rate } from './lib/rotation.mjs';

const ours = 'rxjs-http-pool';
const awaited = 'rxjs-http-pool, firstValueFrom';
const p50 = sample => sample.p50;

const atLeast = (group, title, of, to, goal, options) => ({
  group,
  title,
  of,
  to,
  figure: rate,
  unit: 'req/s',
  goal,
  more: true,
  ...options,
});
const atMost = (group, title, of, to, goal, options) => ({
  ...atLeast(group, title, of, to, goal, options),
  figure: cost,
  unit: 'CPU',
  more: false,
  ...options,
});
/** Bytes per CPU-second: the CPU that the other needs for a byte, as a multiple of ours. */
const perCPU = (group, title, of, to, goal, options) =>
  atLeast(group, title, of, to, goal, { figure: sample => 1 / cost(sample), unit: 'per CPU-s', ...options });
const must = { must: true };
const latency = { figure: p50, unit: 'p50' };

export const comparisons = [
  { ...atLeast('c50', 'the same client twice', 'rxjs-http-pool again', ours), control: true },
  { ...atMost('c50', 'the same client twice', 'rxjs-http-pool again', ours), control: true },
  atLeast('c50', 'GET, 50 at a time, beside undici.request', ours, 'undici.request', 2.2, must),
  atLeast('c50', 'GET, 50 at a time, beside undici.dispatch', ours, 'undici.dispatch', 1.6, must),
  atMost('c50', 'GET, 50 at a time, beside undici.request', ours, 'undici.request', 0.42, must),
  atMost('c50', 'GET, 50 at a time, beside undici.dispatch', ours, 'undici.dispatch', 0.58, must),
  atMost('c50', 'GET, 50 at a time, beside a raw socket', ours, 'net.Socket, data', 1.3),
  atMost('c50', 'GET, awaited, beside a raw socket', awaited, 'net.Socket, data', 1.5),
  atLeast('c50', 'GET, awaited, beside undici.request', awaited, 'undici.request'),
  atLeast('c1', 'GET, one after the other', ours, 'undici.request', 1.7, must),
  atMost('c1', 'GET, one after the other, p50', ours, 'undici.request', 0.6, { ...must, ...latency }),
  atLeast('c1', 'a raw socket, one after the other', 'net.Socket, onread', 'undici.request'),
  atMost('c1', 'a raw socket, one after the other, p50', 'net.Socket, onread', 'undici.request', undefined, latency),
  atLeast('c1 awake', 'GET, one after the other, cores kept awake', ours, 'undici.request'),
  atMost('c1 awake', 'GET, one after the other, cores kept awake, p50', ours, 'undici.request', undefined, latency),
  atMost('c1 awake', 'a raw socket, cores kept awake, p50', 'net.Socket, onread', 'undici.request', undefined, latency),
  atLeast('c200', 'GET, 200 at a time', ours, 'undici.request', 2, must),
  atLeast('tls', 'GET over TLS, 50 at a time', ours, 'undici.request', 1.5),
  atLeast('c50', 'GET beside the Agent of node:http', ours, 'node:http Agent', 2.2, must),
  atLeast('c50', 'GET beside got', ours, 'got', 4, must),
  atLeast('c50', 'GET beside @nestjs/axios', ours, '@nestjs/axios', 12, must),
  atLeast('c50', "GET beside Twisted's Agent", ours, 'Twisted Agent', 10),
  atMost(
    'stack',
    'GET through redirects, cookies, decompression and retries',
    `${ours}, full stack`,
    `${ours}, bare`,
    1.15,
  ),
  ...['1 MiB', '16 MiB', '64 MiB', '16 MiB chunked'].flatMap(size => [
    perCPU(`download ${size}`, `download ${size}, discard`, 'rxjs-http-pool discard', 'undici.stream', 4),
    perCPU(`download ${size}`, `download ${size}, pull`, 'rxjs-http-pool pull', 'undici.stream', 3),
    perCPU(`download ${size}`, `download ${size}, bytes`, 'rxjs-http-pool bytes', 'undici.stream', 1.8),
    perCPU(`download ${size}`, `download ${size}, body`, 'rxjs-http-pool body', 'undici.stream', 1.7),
  ]),
  ...['1 MiB', '64 MiB'].map(size =>
    perCPU(`upload ${size}`, `upload ${size}`, 'rxjs-http-pool upload', 'undici.request upload', 1.25),
  ),
  atLeast(
    'lease',
    'lease and release, awaited, beside generic-pool',
    'rxjs-http-pool lease',
    'generic-pool lease',
    3.5,
    {
      unit: 'leases/s',
    },
  ),
  atLeast('lease', 'lease and release, awaited, beside tarn', 'rxjs-http-pool lease', 'tarn lease', 8, {
    unit: 'leases/s',
  }),
  atLeast('lease', 'the same with validation', 'rxjs-http-pool lease, validated', 'generic-pool lease', undefined, {
    unit: 'leases/s',
  }),
  atMost('idle', 'memory of an idle connection', 'rxjs-http-pool idle', 'undici idle', 0.4, {
    ...must,
    figure: sample => sample.rss,
    unit: 'RSS',
  }),
  atMost('start', 'first response of a fresh process', ours, 'undici', 0.8, {
    figure: sample => sample.elapsed,
    unit: 'time',
  }),
  ...[
    ['keys', 1, 10_000],
    ['waiters', 10, 10_000],
    ['connections', 10, 5_000],
  ].map(([kind, few, many]) =>
    atMost('growth', `cost of a lease, ${few} → ${many} ${kind}`, `${many} ${kind}`, `${few} ${kind}`, 1.25, must),
  ),
  atMost('growth', 'no pool, a map of stacks, 1 → 10000 keys', '10000 bare keys', '1 bare keys'),
  atMost('growth', 'no pool, a list of subscribers, 10 → 10000', '10000 bare waiters', '10 bare waiters'),
  atLeast('hosts', 'GET from 1 000 hosts in turn', 'rxjs-http-pool many hosts', 'undici Agent many hosts', 2),
];

/** Whether the goal is met by the bound that is the less favourable. */
export function met({ goal, more }, { low, high }) {
  if (goal === undefined) return undefined;
  return more ? low >= goal : high <= goal;
}
