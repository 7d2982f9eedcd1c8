import { SpheregradError, ValueError } from "../../engine/errors.ts";

/**
 * The safetensors format (huggingface/safetensors): a uint64 N, N bytes of JSON, the tensors' bytes; all
 * little-endian. The JSON maps each name to { dtype, shape, data_offsets: [begin, end) within the tensors'
 * bytes }, and `__metadata__`, if there, to strings. The tensors cover their bytes without gap or overlap.
 */

/** A file that is not a sound safetensors file, or holds an element type that this reader does not know. */
export class SafetensorsError extends SpheregradError {}

/** Elements of a stored tensor; the array's class is its dtype: F64, F32, I32 or I64. */
export type StoredData = Float64Array | Float32Array | Int32Array | BigInt64Array;

/** A tensor as stored: row-major, `data.length` is the product of `shape`. */
export interface StoredTensor {
  readonly shape: readonly number[];
  readonly data: StoredData;
}

/** Content of a file. */
export interface Safetensors {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * In the order in which the reference implementation stores tensors: wider ones first, so that each is
 * aligned.
 */
const BYTES_PER_ELEMENT = { I64: 8, F64: 8, F32: 4, I32: 4 } as const;
type DType = keyof typeof BYTES_PER_ELEMENT;

/** The reference implementation's limit: a larger header is refused unread. */
const MAX_HEADER_BYTES = 100_000_000;

function dtypeOf(data: StoredData): DType {
  if (data instanceof Float64Array) return "F64";
  if (data instanceof Float32Array) return "F32";
  return data instanceof Int32Array ? "I32" : "I64";
}

function viewAs(dtype: DType, buffer: ArrayBufferLike): StoredData {
  switch (dtype) {
    case "F64":
      return new Float64Array(buffer);
    case "F32":
      return new Float32Array(buffer);
    case "I32":
      return new Int32Array(buffer);
    case "I64":
      return new BigInt64Array(buffer);
  }
}

function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

/**
 * The bytes of a file with these tensors, ordered by dtype and then by name as the reference implementation
 * orders them, so that the same content always gives the same bytes.
 * Throws ValueError for a shape that does not fit its data or the reserved name `__metadata__`.
 */
export function encodeSafetensors({ tensors, metadata }: Safetensors): Uint8Array<ArrayBuffer> {
  const place = (tensor: StoredTensor) => Object.keys(BYTES_PER_ELEMENT).indexOf(dtypeOf(tensor.data));
  const ordered = [...tensors].sort(
    ([nameA, a], [nameB, b]) => place(a) - place(b) || (nameA < nameB ? -1 : 1),
  );
  const header: [string, unknown][] = Object.keys(metadata).length > 0 ? [["__metadata__", metadata]] : [];
  let end = 0;
  for (const [name, { shape, data }] of ordered) {
    if (name === "__metadata__")
      throw new ValueError(`safetensors: expected a tensor name, got the reserved ${name}`);
    if (!isShape(shape) || elementCount(shape) !== data.length) {
      throw new ValueError(
        `safetensors: expected ${data.length} elements in "${name}", got shape [${shape.join(", ")}]`,
      );
    }
    const begin = end;
    end += data.byteLength;
    header.push([name, { dtype: dtypeOf(data), shape, data_offsets: [begin, end] }]);
  }

  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const start = 8 + Math.ceil(json.length / 8) * 8; // padded with spaces, so that the tensors are aligned
  const bytes = new Uint8Array(start + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true);
  bytes.fill(0x20, 8, start);
  bytes.set(json, 8);
  let offset = start;
  for (const [, { data }] of ordered) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return bytes;
}

/**
 * Reads a file's bytes; the tensors are copies, in the header's order. Everything is checked before anything
 * is copied.
 *
 * @param source - what to call the file in a message.
 * @throws SafetensorsError for a file cut short or too long, a header that is not the format's JSON, an unknown
 *   dtype, a shape that does not fit its bytes, or offsets with a gap, an overlap or out of range.
 */
export function decodeSafetensors(bytes: Uint8Array, source = "safetensors"): Safetensors {
  const { start, header } = readHeader(bytes, source);
  const { __metadata__: texts, ...rest } = header;
  const metadata = readMetadata(texts, source);
  const entries = Object.entries(rest).map(([name, entry]) => readEntry(name, entry, source));

  let position = 0;
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== position) {
      throw new SafetensorsError(
        `${source}: expected "${name}" to begin at byte ${position}, got ${begin}; damaged file`,
      );
    }
    position = end;
  }
  if (position !== bytes.length - start) {
    throw new SafetensorsError(
      `${source}: expected ${position} bytes of tensors, got ${bytes.length - start}; the file is cut short or damaged`,
    );
  }

  const tensors = new Map<string, StoredTensor>();
  for (const { name, dtype, shape, begin, end } of entries) {
    const first = bytes.byteOffset + start;
    tensors.set(name, { shape, data: viewAs(dtype, bytes.buffer.slice(first + begin, first + end)) });
  }
  return { tensors, metadata };
}

function readHeader(bytes: Uint8Array, source: string): { start: number; header: Record<string, unknown> } {
  if (bytes.length < 8) {
    throw new SafetensorsError(
      `${source}: expected a header length of 8 bytes, got ${bytes.length} bytes; the file is cut short`,
    );
  }
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES) {
    throw new SafetensorsError(
      `${source}: expected a header of at most ${MAX_HEADER_BYTES} bytes, got ${length}; not a safetensors file?`,
    );
  }
  const start = 8 + length;
  if (start > bytes.length) {
    throw new SafetensorsError(
      `${source}: expected a header of ${length} bytes, got ${bytes.length - 8}; the file is cut short`,
    );
  }
  const header = parseJson(bytes.subarray(8, start));
  if (bytes[8] !== 0x7b || !isRecord(header)) {
    throw new SafetensorsError(
      `${source}: expected a JSON object in UTF-8 as header, got something else; not a safetensors file?`,
    );
  }
  return { start, header };
}

function parseJson(utf8: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(utf8));
  } catch {
    return undefined;
  }
}

function readMetadata(metadata: unknown, source: string): Record<string, string> {
  if (metadata === undefined) return {};
  if (!isTextRecord(metadata)) {
    throw new SafetensorsError(
      `${source}: expected __metadata__ to map names to strings, got other values; damaged file`,
    );
  }
  return metadata;
}

interface Entry {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function readEntry(name: string, entry: unknown, source: string): Entry {
  const fail = (field: string, expected: string, got: unknown): never => {
    throw new SafetensorsError(
      `${source}: expected ${field} of "${name}" to be ${expected}, got ${JSON.stringify(got)}`,
    );
  };
  if (!isRecord(entry)) return fail("the entry", "an object", entry);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (!isDType(dtype)) return fail("dtype", `one of ${Object.keys(BYTES_PER_ELEMENT).join(", ")}`, dtype);
  if (!isShape(shape)) return fail("shape", "a list of sizes", shape);
  if (!isShape(offsets)) return fail("data_offsets", "[begin, end]", offsets);
  const [begin, end, ...rest] = offsets;
  if (begin === undefined || end === undefined || rest.length > 0)
    return fail("data_offsets", "[begin, end]", offsets);
  const size = elementCount(shape) * BYTES_PER_ELEMENT[dtype];
  if (end - begin !== size)
    return fail("data_offsets", `${size} bytes for ${dtype}[${shape.join(", ")}]`, offsets);
  return { name, dtype, shape, begin, end };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isTextRecord(value: unknown): value is Record<string, string> {
  return isRecord(value) && Object.values(value).every((text) => typeof text === "string");
}

function isDType(value: unknown): value is DType {
  return typeof value === "string" && Object.hasOwn(BYTES_PER_ELEMENT, value);
}

function isShape(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((dim) => Number.isSafeInteger(dim) && dim >= 0);
}
