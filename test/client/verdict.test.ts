import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { SpillwayError } from "../../src/errors.ts";
import { CLOSE_REASONS, type CloseReason } from "../../src/protocol/index.ts";
import { decide, toSpillwayError } from "../../src/transport/grpc/client/verdict.ts";
import { endToStatus, errorToStatus } from "../../src/transport/grpc/status.ts";

const resuming = { address: "host:1", resuming: true, mustReach: false };

function bare(code: number, details = "words"): ServiceError {
  return Object.assign(new Error(details), { code, details, metadata: new Metadata() });
}

function told(reason: CloseReason, retryAfterMs?: number): ServiceError {
  const received = endToStatus({
    kind: "end",
    reason,
    position: { epoch: "e", offset: 1 },
    detail: "words",
    lost: 0,
    retryAfterMs,
  });
  return Object.assign(new Error("words"), received) as ServiceError;
}

test("an OK end finishes", () => {
  assert.deepEqual(decide(undefined, resuming), { kind: "finish" });
});

describe("a server that says why", () => {
  for (const reason of Object.keys(CLOSE_REASONS) as CloseReason[]) {
    const rule = CLOSE_REASONS[reason];
    if (rule.status === "OK") continue;
    test(`${reason}: ${rule.advice}`, () => {
      const verdict = decide(told(reason, 1_500), resuming);
      assert.ok(verdict.kind !== "finish");
      const comesBack = rule.advice === "resume" || rule.advice === "start-fresh";
      assert.equal(verdict.kind, comesBack ? "again" : "fail");
      if (verdict.kind === "again") {
        assert.equal(verdict.fresh, rule.advice === "start-fresh");
        assert.equal(verdict.floorMs, 1_500);
      }
      assert.equal(verdict.error.reason, reason);
      assert.equal(verdict.error.message, "words");
    });
  }

  test("a position that was not sent cannot be worthless, so the refusal is final", () => {
    const fresh = { ...resuming, resuming: false };
    assert.equal(decide(told("epoch-mismatch"), fresh).kind, "fail");
    assert.equal(decide(told("trimmed"), fresh).kind, "fail");
  });
});

describe("a status without our details", () => {
  const expected: Record<string, string> = {
    CANCELLED: "resume",
    UNKNOWN: "resume",
    INVALID_ARGUMENT: "fail",
    DEADLINE_EXCEEDED: "resume",
    NOT_FOUND: "fail",
    ALREADY_EXISTS: "fail",
    PERMISSION_DENIED: "fail",
    RESOURCE_EXHAUSTED: "resume",
    FAILED_PRECONDITION: "fresh",
    ABORTED: "fail",
    OUT_OF_RANGE: "fresh",
    UNIMPLEMENTED: "fail",
    INTERNAL: "resume",
    UNAVAILABLE: "resume",
    DATA_LOSS: "resume",
    UNAUTHENTICATED: "fail",
  };
  for (const [name, action] of Object.entries(expected)) {
    test(`${name}: ${action}`, () => {
      const verdict = decide(bare(status[name as keyof typeof status]), resuming);
      assert.ok(verdict.kind !== "finish");
      const got = verdict.kind === "fail" ? "fail" : verdict.fresh ? "fresh" : "resume";
      assert.equal(got, action);
      assert.equal(verdict.error.reason, name);
    });
  }

  test("every status code but OK is in the table above", () => {
    const names = Object.keys(status).filter((name) => Number.isNaN(Number(name)) && name !== "OK");
    assert.deepEqual(names.sort(), Object.keys(expected).sort());
  });
});

test("a server that must be reached and is not is a final UNREACHABLE", () => {
  const verdict = decide(bare(status.UNAVAILABLE), { ...resuming, mustReach: true });
  assert.ok(verdict.kind === "fail");
  assert.equal(verdict.error.code, "UNREACHABLE");
  assert.match(verdict.error.message, /host:1/);
  assert.equal(decide(told("draining"), { ...resuming, mustReach: true }).kind, "again", "it was reached");
});

test("a message above the client's own limit ends the subscription: every resume would meet it again", () => {
  const verdict = decide(
    bare(status.RESOURCE_EXHAUSTED, "Received message larger than max (5 vs 4)"),
    resuming,
  );
  assert.ok(verdict.kind === "fail");
  assert.equal(verdict.error.code, "MESSAGE_TOO_LARGE");
});

test("refusals keep their code across the wire", () => {
  const codes = {
    TOPIC_INVALID: "topic",
    PATTERN_INVALID: "patterns",
    MESSAGE_INVALID: "headers",
    MESSAGE_TOO_LARGE: "payload",
    POSITION_INVALID: "position.offset",
    REQUEST_INVALID: "overflow",
    UNAUTHENTICATED: undefined,
    NOT_ALLOWED: undefined,
    ID_TAKEN: undefined,
    LIMIT_REACHED: undefined,
    EPOCH_MISMATCH: undefined,
    TIMEOUT: undefined,
  } as const;
  for (const [code, field] of Object.entries(codes)) {
    const sent = new SpillwayError(code as "TOPIC_INVALID", "words", field === undefined ? {} : { field });
    const received = Object.assign(new Error(), errorToStatus(sent)) as ServiceError;
    assert.equal(toSpillwayError(received, "host:1").code, code);
  }
});
