/** Reflection over a real call, read by nobody of this project: plain grpc-js and the contract of the protocol itself. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type MethodDefinition, status } from "@grpc/grpc-js";
import { loadSync, type MessageTypeDefinition } from "@grpc/proto-loader";
import type { ServeOptions } from "../../../../src/transport/grpc/index.ts";
import { openBidi } from "../../../support/grpc-calls.ts";
import { servedHub } from "../../../support/grpc-served-hub.ts";
import { failOnLeaks } from "../../../support/leaks.ts";

failOnLeaks();

interface Request {
  readonly listServices?: string;
  readonly fileContainingSymbol?: string;
  readonly fileByFilename?: string;
}

interface Response {
  readonly listServicesResponse?: { readonly service: readonly { readonly name: string }[] };
  readonly fileDescriptorResponse?: { readonly fileDescriptorProto: readonly Buffer[] };
  readonly errorResponse?: { readonly errorCode: number };
}

const require = createRequire(import.meta.url);
const folder = join(dirname(require.resolve("@grpc/reflection/package.json")), "build", "proto");

function method(version: "v1" | "v1alpha"): MethodDefinition<Request, Response> {
  const definitions: Record<string, unknown> = loadSync(`grpc/reflection/${version}/reflection.proto`, {
    includeDirs: [folder],
    oneofs: true,
  });
  const service = definitions[`grpc.reflection.${version}.ServerReflection`];
  return (service as Record<"ServerReflectionInfo", MethodDefinition<Request, Response>>)
    .ServerReflectionInfo;
}

async function ask(
  t: TestContext,
  options: ServeOptions,
  requests: readonly Request[],
  version: "v1" | "v1alpha" = "v1",
): Promise<readonly Response[]> {
  const { client } = await servedHub(t, options);
  const { call, observed } = openBidi(client, method(version));
  for (const request of requests) call.write(request);
  call.end();
  const { code, details } = await observed.status;
  assert.equal(code, status.OK, details);
  return observed.received;
}

const servicesIn = ({ listServicesResponse }: Response = {}): readonly string[] =>
  (listServicesResponse?.service ?? []).map(({ name }) => name).sort();

/** What a file descriptor has, as far as it is looked at here. */
interface File {
  readonly name: string;
  readonly package: string;
  readonly dependency?: readonly string[];
  readonly messageType?: readonly Message[];
  readonly service?: readonly {
    readonly name: string;
    readonly method: readonly { readonly inputType: string; readonly outputType: string }[];
  }[];
  readonly enumType?: readonly { readonly name: string }[];
}

interface Message {
  readonly name: string;
  readonly field?: readonly {
    readonly name: string;
    readonly typeName?: string;
    readonly oneofIndex?: number;
    readonly proto3Optional?: boolean;
  }[];
  readonly nestedType?: readonly Message[];
  readonly enumType?: readonly { readonly name: string }[];
  readonly oneofDecl?: readonly { readonly name: string }[];
  readonly options?: { readonly mapEntry?: boolean };
}

const { deserialize } = loadSync("google/protobuf/descriptor.proto")[
  "google.protobuf.FileDescriptorProto"
] as MessageTypeDefinition<File, File>;

const filesIn = ({ fileDescriptorResponse }: Response = {}): readonly File[] =>
  (fileDescriptorResponse?.fileDescriptorProto ?? []).map((bytes) => deserialize(bytes) as File);

const OURS = ["grpc.health.v1.Health", "protos.Longlived", "spillway.v1.Admin", "spillway.v1.Fanout"];

for (const version of ["v1", "v1alpha"] as const) {
  test(`${version} lists the services of the server`, async (t) => {
    const [all] = await ask(t, { admin: {}, reflection: true }, [{ listServices: "*" }], version);
    assert.deepEqual(servicesIn(all), OURS);
  });
}

test("a service that the server does not have is not listed", async (t) => {
  const requests = [{ listServices: "*" }, { fileContainingSymbol: "spillway.v1.Admin" }];
  const [some, symbol] = await ask(t, { longlived: false, reflection: true }, requests);
  assert.deepEqual(servicesIn(some), ["grpc.health.v1.Health", "spillway.v1.Fanout"]);
  assert.equal(symbol?.errorResponse?.errorCode, status.NOT_FOUND);
});

test("it is off unless it is asked for", async (t) => {
  const { client } = await servedHub(t, { admin: {} });
  const { call, observed } = openBidi(client, method("v1"));
  call.write({ listServices: "*" });
  assert.equal((await observed.status).code, status.UNIMPLEMENTED);
});

describe("the descriptors", () => {
  test("are what a strict reader takes: all names absolute and found, imports named, and maps and optional fields told", async (t) => {
    const requests = OURS.map((fileContainingSymbol) => ({ fileContainingSymbol }));
    const responses = await ask(t, { admin: {}, reflection: true }, requests);
    for (const [index, response] of responses.entries()) {
      const files = filesIn(response);
      const [first] = files as [File];
      const services = (first.service ?? []).map(({ name }) => `${first.package}.${name}`);
      assert.ok(services.includes(OURS[index]!), `${OURS[index]} is in the first of its files`);
      for (const file of files) {
        assertComplete(file, files);
        for (const message of file.messageType ?? []) assertWellFormed(message);
      }
    }
  });

  test("call fields as the contract does, and have every method", async (t) => {
    const [response] = await ask(t, { admin: {}, reflection: true }, [
      { fileContainingSymbol: "spillway.v1.Fanout.Subscribe" },
    ]);
    const [file] = filesIn(response) as [File];
    const { field = [] } = file.messageType?.find(({ name }) => name === "SubscribeRequest") ?? {};
    assert.ok(field.some(({ name }) => name === "previous_subscription_id"));
    const methods = file.service?.map((service) => `${service.name} ${service.method.length}`).sort();
    assert.deepEqual(methods, ["Admin 4", "Fanout 3"]);
  });

  test("of a file are also found by its name, with those that it imports", async (t) => {
    const [bySymbol] = await ask(t, { reflection: true }, [{ fileContainingSymbol: "spillway.v1.Fanout" }]);
    const [file] = filesIn(bySymbol) as [File];
    const [byName] = await ask(t, { reflection: true }, [{ fileByFilename: file.name }]);
    assert.deepEqual(filesIn(byName), filesIn(bySymbol));
  });
});

/** Every type that it uses is named in full, and is in it or in a file that it imports. */
function assertComplete(file: File, files: readonly File[]): void {
  const at = (name: string) => files.find((other) => other.name === name);
  const known = new Set(
    [file, ...(file.dependency ?? []).map(at)].flatMap((other) =>
      other === undefined ? [] : typesIn(other),
    ),
  );
  for (const name of file.dependency ?? []) assert.ok(at(name), `${name} comes with ${file.name}`);
  for (const type of usedBy(file)) assert.ok(known.has(type), `${file.name} knows ${type}`);
}

function typesIn(file: File): readonly string[] {
  return [
    ...(file.enumType ?? []).map(({ name }) => `.${file.package}.${name}`),
    ...(file.messageType ?? []).flatMap((message) => typesOf(message, `.${file.package}`)),
  ];
}

function typesOf({ name, enumType = [], nestedType = [] }: Message, scope: string): readonly string[] {
  const own = `${scope}.${name}`;
  return [
    own,
    ...enumType.map((type) => `${own}.${type.name}`),
    ...nestedType.flatMap((type) => typesOf(type, own)),
  ];
}

function usedBy(file: File): readonly string[] {
  const within = (messages: readonly Message[] = []): string[] =>
    messages.flatMap(({ field = [], nestedType }) => [
      ...field.flatMap(({ typeName }) => typeName ?? []),
      ...within(nestedType),
    ]);
  const called = (file.service ?? [])
    .flatMap(({ method }) => method)
    .flatMap(({ inputType, outputType }) => [inputType, outputType]);
  return [...within(file.messageType), ...called];
}

function assertWellFormed(message: Message): void {
  for (const entry of message.nestedType ?? []) {
    if (entry.options?.mapEntry !== true) continue;
    const field = message.field?.find(({ typeName }) => typeName?.endsWith(`.${message.name}.${entry.name}`));
    const expected = `${field?.name.replaceAll(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase())}Entry`;
    assert.equal(entry.name, expected, `the entries of a map in ${message.name}`);
  }
  for (const { name, oneofIndex, proto3Optional } of message.field ?? []) {
    const oneof = oneofIndex === undefined ? undefined : message.oneofDecl?.[oneofIndex]?.name;
    assert.equal(proto3Optional === true, oneof === `_${name}`, `${name} of ${message.name}`);
  }
}

test("without the optional package, a server that wants it says which one is missing", async () => {
  const hide = `
    import { register } from "node:module";
    register("data:text/javascript," + encodeURIComponent(\`
      export async function resolve(specifier, context, next) {
        if (specifier !== "@grpc/reflection") return await next(specifier, context);
        throw Object.assign(new Error("Cannot find package '@grpc/reflection' imported from here"), { code: "ERR_MODULE_NOT_FOUND" });
      }\`));`;
  const door = new URL("../../../../src/index.js", import.meta.url);
  const program = `
    const { Hub, serve } = await import(${JSON.stringify(door.href)});
    const served = await serve(new Hub(), { listen: "127.0.0.1:0" });
    await served.close();
    await serve(new Hub(), { listen: "127.0.0.1:0", reflection: true }).catch((error) => console.log(error.code, error.message));`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      "--import",
      `data:text/javascript,${encodeURIComponent(hide)}`,
      "--input-type=module",
      "--eval",
      program,
    ],
    { cwd: fileURLToPath(new URL(".", import.meta.url)) },
  );
  assert.equal(
    stdout,
    "PACKAGE_MISSING reflection needs the package @grpc/reflection: npm install @grpc/reflection\n",
  );
});
