// Sends the two hosts of Whisk to a local emulator; every other address stays as it is.
// Use: WHISK_EMULATOR=http://127.0.0.1:1234 node --import ./redirect.mjs drive.mjs
const HOSTS = new Set(["labs.google", "aisandbox-pa.googleapis.com"]);
const emulator = new URL(process.env.WHISK_EMULATOR);
const original = globalThis.fetch;

globalThis.fetch = (input, init) => {
  const url = new URL(input instanceof Request ? input.url : input);
  if (!HOSTS.has(url.hostname)) {
    // The client under test has no business anywhere else: an escape must not pass unseen.
    throw new Error(`unexpected host: ${url.host}`);
  }
  url.protocol = emulator.protocol;
  url.host = emulator.host;
  return original(input instanceof Request ? new Request(url, input) : url, init);
};
