/**
 * The file descriptors of a package definition, as tools expect them.
 *
 * What the loader makes of `.proto` files does for its own use, but strict readers (grpcurl, protoc) refuse it: names of
 * types are not absolute, files do not name what they import, the entries of maps are called differently, and fields
 * marked `optional` are not told from those in a oneof. Each of these is put right here; on descriptors that are right
 * already nothing changes.
 *
 * Unlike in the `.proto` files, all of a package is in one file.
 *
 * @module
 */
import { loadSync, type MessageTypeDefinition, type PackageDefinition } from "@grpc/proto-loader";

interface FieldDescriptor {
  readonly name: string;
  readonly label: number;
  typeName?: string;
  readonly oneofIndex?: number;
  proto3Optional?: boolean;
}

interface MessageDescriptor {
  name: string;
  readonly field?: readonly FieldDescriptor[];
  readonly nestedType?: readonly MessageDescriptor[];
  readonly enumType?: readonly { readonly name: string }[];
  readonly oneofDecl?: readonly { readonly name: string }[];
  readonly options?: { readonly mapEntry?: boolean };
}

interface FileDescriptor {
  readonly name: string;
  readonly package?: string;
  dependency?: string[];
  readonly messageType?: readonly MessageDescriptor[];
  readonly enumType?: readonly { readonly name: string }[];
  readonly service?: readonly {
    readonly method?: readonly { readonly inputType: string; readonly outputType: string }[];
  }[];
}

/** Encoded, one for each package. */
export function fileDescriptors(definitions: PackageDefinition): readonly Buffer[] {
  const codec = loadSync("google/protobuf/descriptor.proto")[
    "google.protobuf.FileDescriptorProto"
  ] as MessageTypeDefinition<FileDescriptor, FileDescriptor>;
  const files = encodedIn(definitions).map((bytes) => codec.deserialize(bytes) as FileDescriptor);
  for (const file of files) for (const message of file.messageType ?? []) nameMapEntries(message);
  const homes = new Map(files.flatMap((file) => typesIn(file).map((type) => [type, file])));
  for (const file of files) {
    for (const message of file.messageType ?? []) completeFields(message, scopeOf(file), homes);
    file.dependency = importsOf(file, homes);
  }
  return files.map((file) => codec.serialize(file));
}

/** Every definition of a message has all of them. */
function encodedIn(definitions: PackageDefinition): readonly Buffer[] {
  const files = Object.values(definitions).map((definition) => definition.fileDescriptorProtos);
  return (files.find((found) => Array.isArray(found)) as Buffer[] | undefined) ?? [];
}

function scopeOf(file: FileDescriptor): string {
  return file.package === undefined || file.package === "" ? "" : `.${file.package}`;
}

/** `map<string, string> user_labels` stands for a repeated `UserLabelsEntry`. */
function nameMapEntries(message: MessageDescriptor): void {
  for (const entry of message.nestedType ?? []) {
    nameMapEntries(entry);
    if (entry.options?.mapEntry !== true || entry.name.endsWith("Entry")) continue;
    const field = message.field?.find(({ label, typeName }) => label === REPEATED && typeName === entry.name);
    if (field === undefined) continue;
    const words = field.name.split("_").map((word) => word.charAt(0).toUpperCase() + word.slice(1));
    entry.name = `${words.join("")}Entry`;
    field.typeName = entry.name;
  }
}

/** As numbered in google/protobuf/descriptor.proto. */
const REPEATED = 3;

function typesIn(file: FileDescriptor): readonly string[] {
  const within = (scope: string, messages: readonly MessageDescriptor[] = []): string[] =>
    messages.flatMap(({ name, nestedType, enumType = [] }) => [
      `${scope}.${name}`,
      ...enumType.map((type) => `${scope}.${name}.${type.name}`),
      ...within(`${scope}.${name}`, nestedType),
    ]);
  const scope = scopeOf(file);
  return [...within(scope, file.messageType), ...(file.enumType ?? []).map(({ name }) => `${scope}.${name}`)];
}

function completeFields(
  message: MessageDescriptor,
  scope: string,
  known: ReadonlyMap<string, unknown>,
): void {
  const name = `${scope}.${message.name}`;
  for (const field of message.field ?? []) {
    if (field.typeName !== undefined) field.typeName = absolute(field.typeName, name, known);
    const oneof = field.oneofIndex === undefined ? undefined : message.oneofDecl?.[field.oneofIndex];
    // The parser makes a oneof of this name for a field marked `optional`, as protoc does.
    if (oneof?.name === `_${field.name}`) field.proto3Optional = true;
  }
  for (const nested of message.nestedType ?? []) completeFields(nested, name, known);
}

/** A name as the language finds it: in the innermost scope that has it. */
function absolute(name: string, scope: string, known: ReadonlyMap<string, unknown>): string {
  if (name.startsWith(".")) return name;
  for (let within = scope; ; within = within.slice(0, within.lastIndexOf("."))) {
    const candidate = `${within}.${name}`;
    if (known.has(candidate) || within === "") return candidate;
  }
}

function importsOf(file: FileDescriptor, homes: ReadonlyMap<string, FileDescriptor>): string[] {
  const within = (messages: readonly MessageDescriptor[] = []): (string | undefined)[] =>
    messages.flatMap(({ field = [], nestedType }) => [
      ...field.map(({ typeName }) => typeName),
      ...within(nestedType),
    ]);
  const called = (file.service ?? [])
    .flatMap(({ method = [] }) => method)
    .flatMap(({ inputType, outputType }) => [inputType, outputType]);
  const used = [...within(file.messageType), ...called].map((type) => homes.get(type ?? ""));
  return [...new Set(used)].filter((home) => home !== undefined && home !== file).map((home) => home!.name);
}
