export { chunkHead, lastChunk } from './chunk.js';
export { listElements } from './fieldText.js';
export { HTTPHeaders, type HTTPHeadersInit } from './HTTPHeaders.js';
export { defaultResponseLimits, responseLimits, type ResponseLimits } from './ResponseLimits.js';
export type { KeepAlive, ResponseFraming, ResponseHead } from './ResponseHead.js';
export { utf8 } from './octets.js';
export { ResponseParser, type ResponseToken } from './ResponseParser.js';
export {
  checkMethod,
  declaredLength,
  serializeRequestHead,
  wantsClose,
  wantsUpgrade,
  type RequestFraming,
  type RequestHead,
} from './serializeRequestHead.js';
