import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAddress, parseAddress } from "../src/address.ts";
import { SpillwayError } from "../src/errors.ts";

for (const [text, host, port] of [
  ["127.0.0.1:7070", "127.0.0.1", 7070],
  ["localhost:0", "localhost", 0],
  ["[::1]:65535", "::1", 65535],
  ["[::]:1", "::", 1],
] as const) {
  test(`${text} is an address, and is written as it is read`, () => {
    assert.deepEqual(parseAddress(text), { host, port });
    assert.equal(formatAddress({ host, port }), text);
  });
}

for (const [text, why] of [
  ["", /HOST:PORT/],
  ["localhost", /HOST:PORT/],
  [":7070", /HOST:PORT/],
  ["localhost:", /HOST:PORT/],
  ["localhost:http", /HOST:PORT/],
  ["localhost:-1", /HOST:PORT/],
  ["localhost:65536", /at most 65535/],
  ["localhost:999999", /HOST:PORT/],
  ["::1:7070", /brackets/],
  ["[127.0.0.1]:7070", /no IPv6 address/],
  ["[]:7070", /no IPv6 address/],
  ["http://localhost:7070", /HOST:PORT/],
  ["local host:7070", /HOST:PORT/],
  ["\u0000\n:1", /"\\u0000\\n:1"/],
] as const) {
  test(`${JSON.stringify(text)} is no address, and the error says why`, () => {
    assert.throws(
      () => parseAddress(text),
      (error) =>
        error instanceof SpillwayError && error.code === "ADDRESS_INVALID" && why.test(error.message),
    );
  });
}
