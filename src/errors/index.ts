export * from './HTTPClientError.js';
export * from './acquire.js';
export * from './connect.js';
export * from './redirect.js';
export * from './request.js';
export * from './response.js';
export * from './options.js';
export * from './textOf.js';
