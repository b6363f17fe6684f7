// Every client by name. Each is a function of its options that gives `start(done)`, which begins one operation and calls
// `done` when the body has come and was checked. Modules are loaded on use: no client carries another's weight.
const from = (file, name) => async options => (await import(`./${file}.mjs`))[name](options);

export const clients = {
  'rxjs-http-pool': from('rxjs_http_pool', 'text'),
  'rxjs-http-pool again': from('rxjs_http_pool', 'text'),
  'rxjs-http-pool, firstValueFrom': from('rxjs_http_pool', 'promise'),
  'rxjs-http-pool, bare': from('rxjs_http_pool', 'bare'),
  'rxjs-http-pool, full stack': from('rxjs_http_pool', 'fullStack'),
  'undici.request': from('undici', 'request'),
  'undici.dispatch': from('undici', 'dispatch'),
  'undici.fetch': from('undici', 'fetch'),
  'node:http Agent': from('node_http', 'get'),
  got: from('got', 'get'),
  axios: from('axios', 'get'),
  '@nestjs/axios': from('axios', 'nest'),
  'net.Socket, data': from('raw', 'data'),
  'net.Socket, onread': from('raw', 'onread'),

  'rxjs-http-pool discard': from('rxjs_http_pool', 'discard'),
  'rxjs-http-pool pull': from('rxjs_http_pool', 'pull'),
  'rxjs-http-pool bytes': from('rxjs_http_pool', 'bytes'),
  'rxjs-http-pool body': from('rxjs_http_pool', 'body'),
  'undici.stream': from('undici', 'stream'),
  'rxjs-http-pool upload': from('rxjs_http_pool', 'upload'),
  'undici.request upload': from('undici', 'upload'),

  'rxjs-http-pool many hosts': from('rxjs_http_pool', 'manyHosts'),
  'undici Agent many hosts': from('undici', 'manyHosts'),

  'rxjs-http-pool lease': from('leases', 'ours'),
  'rxjs-http-pool lease, validated': from('leases', 'validated'),
  'generic-pool lease': from('leases', 'genericPool'),
  'tarn lease': from('leases', 'tarn'),
  growth: from('growth', 'growth'),

  'rxjs-http-pool idle': from('rxjs_http_pool', 'idle'),
  'undici idle': from('undici', 'idle'),
};
