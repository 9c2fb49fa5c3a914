import assert from "node:assert/strict";
import { test } from "node:test";
import { status as codes, Metadata } from "@grpc/grpc-js";
import { type ErrorCode, SpillwayError } from "../../../src/errors.ts";
import { CLOSE_REASONS, type CloseReason, type EndFrame } from "../../../src/protocol/index.ts";
import { loadContracts } from "../../../src/transport/grpc/contracts.ts";
import { endToStatus, errorToStatus, readStatus } from "../../../src/transport/grpc/status.ts";
import { BYTES_METHOD, bareServer } from "../../support/grpc-bare-server.ts";
import { grpcClient, openStream } from "../../support/grpc-calls.ts";

const end = (reason: CloseReason, more: Partial<EndFrame> = {}): EndFrame => ({
  kind: "end",
  reason,
  position: { epoch: "an-epoch", offset: 41 },
  detail: "in one sentence",
  lost: 3,
  retryAfterMs: CLOSE_REASONS[reason].advice === "resume" ? 1_500 : undefined,
  ...more,
});

for (const [reason, { status, advice }] of Object.entries(CLOSE_REASONS)) {
  test(`the end "${reason}" is ${status}, and a client reads all of it back`, () => {
    const sent = endToStatus(end(reason as CloseReason));
    assert.equal(sent.code, codes[status]);
    assert.deepEqual(readStatus(sent), {
      reason,
      advice,
      detail: "in one sentence",
      position: { epoch: "an-epoch", offset: 41 },
      lost: 3,
      retryAfterMs: advice === "resume" ? 1_500 : undefined,
      field: undefined,
      code: undefined,
    });
  });
}

const ERRORS: Readonly<Partial<Record<ErrorCode, keyof typeof codes>>> = {
  TOPIC_INVALID: "INVALID_ARGUMENT",
  PATTERN_INVALID: "INVALID_ARGUMENT",
  MESSAGE_INVALID: "INVALID_ARGUMENT",
  MESSAGE_TOO_LARGE: "INVALID_ARGUMENT",
  REQUEST_INVALID: "INVALID_ARGUMENT",
  POSITION_INVALID: "INVALID_ARGUMENT",
  EPOCH_MISMATCH: "FAILED_PRECONDITION",
  UNAUTHENTICATED: "UNAUTHENTICATED",
  NOT_ALLOWED: "PERMISSION_DENIED",
  ID_TAKEN: "ALREADY_EXISTS",
  ID_UNKNOWN: "NOT_FOUND",
  LIMIT_REACHED: "RESOURCE_EXHAUSTED",
  TIMEOUT: "RESOURCE_EXHAUSTED",
  CLOSED: "UNAVAILABLE",
};

for (const [code, name] of Object.entries(ERRORS)) {
  test(`the error ${code} refuses with ${name}, its sentence and its field`, () => {
    const refusal = errorToStatus(new SpillwayError(code as ErrorCode, "why", { field: "patterns" }), 250);
    assert.equal(refusal.code, codes[name]);
    assert.equal(refusal.details, "why");
    assert.equal(readStatus(refusal).field, "patterns");
    assert.equal(readStatus(refusal).code, code);
    const retries = name === "RESOURCE_EXHAUSTED" || name === "UNAVAILABLE";
    assert.equal(readStatus(refusal).retryAfterMs, retries ? 250 : undefined);
  });
}

test("a code of the server's own failures, or of a newer server, does not reach the client's error", () => {
  assert.equal(readStatus(errorToStatus(new SpillwayError("ADDRESS_INVALID", "why"))).code, undefined);
  const { rpc } = loadContracts();
  const info = { reason: "BAD_REQUEST", domain: "spillway", metadata: { code: "NOT_OF_OUR_TIME" } };
  const value = rpc.errorInfo.serialize(info);
  const details = [{ type_url: "type.googleapis.com/google.rpc.ErrorInfo", value }];
  const metadata = new Metadata();
  metadata.set("grpc-status-details-bin", rpc.status.serialize({ code: 3, message: "", details }));
  const read = readStatus({ code: codes.INVALID_ARGUMENT, details: "", metadata });
  assert.deepEqual([read.reason, read.code], ["bad-request", undefined]);
});

test("a fault of the server's own code tells the client nothing of itself", () => {
  const refusal = errorToStatus(new Error("password is hunter2"), 250);
  assert.equal(refusal.code, codes.INTERNAL);
  assert.doesNotMatch(refusal.details, /hunter2/);
  assert.doesNotMatch(String(refusal.metadata.get("grpc-status-details-bin")[0]), /hunter2/);
  assert.equal(readStatus(refusal).reason, "failed");
});

test("the rich details follow google.rpc", () => {
  const { rpc } = loadContracts();
  const sent = endToStatus(end("stalled", { retryAfterMs: 2_250 }));
  const details = rpc.status.deserialize(sent.metadata.get("grpc-status-details-bin")[0] as Buffer);
  assert.equal(details.code, codes.RESOURCE_EXHAUSTED);
  assert.equal(details.message, "in one sentence");
  const [info, retry] = details.details ?? [];
  assert.equal(info?.type_url, "type.googleapis.com/google.rpc.ErrorInfo");
  assert.deepEqual(
    { ...rpc.errorInfo.deserialize(info?.value as Buffer) },
    { reason: "STALLED", domain: "spillway", metadata: { epoch: "an-epoch", offset: "41", lost: "3" } },
  );
  assert.equal(retry?.type_url, "type.googleapis.com/google.rpc.RetryInfo");
  assert.deepEqual(rpc.retryInfo.deserialize(retry?.value as Buffer).retryDelay, {
    seconds: "2",
    nanos: 250e6,
  });
});

test("an orderly end carries no error details", () => {
  assert.deepEqual(endToStatus(end("completed")).metadata.get("grpc-status-details-bin"), []);
});

test("a client makes sense of a status that nobody of ours made", () => {
  const foreign = readStatus({ code: codes.UNAVAILABLE, details: "no route", metadata: new Metadata() });
  assert.deepEqual(foreign, {
    reason: "UNAVAILABLE",
    advice: "resume",
    detail: "no route",
    position: undefined,
    lost: undefined,
    retryAfterMs: undefined,
    field: undefined,
    code: undefined,
  });
  assert.equal(readStatus({ code: codes.UNIMPLEMENTED, details: "" }).advice, "fix");
  assert.equal(readStatus({ code: 99, details: "" }).advice, "resume");
});

test("a client makes sense of trailers that are broken or from a newer server", () => {
  const metadata = new Metadata();
  metadata.set("spillway-reason", "moved-to-mars");
  metadata.set("spillway-offset", "many");
  metadata.set("spillway-epoch", "e");
  metadata.set("spillway-retry-after-ms", "-5");
  metadata.set("grpc-status-details-bin", Buffer.from("no protobuf at all"));
  const read = readStatus({ code: codes.UNAVAILABLE, details: "", metadata });
  assert.equal(read.reason, "moved-to-mars");
  assert.equal(read.advice, "resume");
  assert.equal(read.position, undefined);
  assert.equal(read.retryAfterMs, undefined);
});

test("any text survives as details: other scripts, lone surrogates, line breaks, too long a one", async (t) => {
  const server = await bareServer(t);
  const client = grpcClient(t, server.address);
  const details = async (detail: string) => {
    const stream = openStream(client, BYTES_METHOD, Buffer.alloc(0));
    (await server.nextCall()).emit("error", endToStatus(end("failed", { detail })));
    return (await stream.status).details;
  };
  assert.equal(await details("Überlauf: 100 %\nund mehr 🌊"), "Überlauf: 100 %\nund mehr 🌊");
  assert.equal(await details("half \ud83c a wave"), "half \ufffd a wave");
  const long = await details(`${"x".repeat(5_000)}`);
  assert.equal(long.length, 1_024);
  assert.match(long, /x\.\.\.$/);
});
