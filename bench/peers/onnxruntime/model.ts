/**
 * The bytes of an ONNX model of one node, in Protocol Buffers' encoding: a field is a tag of its number and kind, then
 * an integer, or a length and so many bytes. Field numbers are those of onnx.proto.
 */

type Bytes = readonly number[];

function varint(value: number): Bytes {
  const bytes = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) + 128);
  }
}

const integer = (field: number, value: number): Bytes => [...varint(8 * field), ...varint(value)];
const bytes = (field: number, value: Bytes): Bytes => [
  ...varint(8 * field + 2),
  ...varint(value.length),
  ...value,
];
const text = (field: number, value: string): Bytes => bytes(field, [...new TextEncoder().encode(value)]);

/** A value by name: elements of 32-bit floats, of this shape. */
export interface ValueInfo {
  readonly name: string;
  readonly shape: readonly number[];
}

/** ValueInfoProto { name, type { tensor_type { elem_type: FLOAT, shape { dim { dim_value } } } } } */
function valueInfo({ name, shape }: ValueInfo): Bytes {
  const dimensions = shape.flatMap((size) => bytes(1, integer(1, size)));
  const tensorType = [...integer(1, 1), ...bytes(2, dimensions)];
  return [...text(1, name), ...bytes(2, bytes(1, tensorType))];
}

/** AttributeProto { name, ints, type: INTS }, or { name, i, type: INT } */
const attribute = (name: string, value: number | readonly number[]): Bytes =>
  typeof value === "number"
    ? [...text(1, name), ...integer(3, value), ...integer(20, 2)]
    : [...text(1, name), ...value.flatMap((each) => integer(8, each)), ...integer(20, 7)];

/** TensorProto { dims, data_type: FLOAT, name, raw_data } */
function tensor({ name, shape }: ValueInfo, data: Float32Array): Bytes {
  const raw = [...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)];
  return [...shape.flatMap((size) => integer(1, size)), ...integer(2, 1), ...text(8, name), ...bytes(9, raw)];
}

/** One node and what it works on. */
export interface Node {
  readonly op: string;
  readonly attributes: Readonly<Record<string, number | readonly number[]>>;
  readonly inputs: readonly ValueInfo[];
  /** Inputs that are part of the model, by name. */
  readonly weights: Readonly<Record<string, Float32Array>>;
  readonly output: ValueInfo;
}

/** ModelProto { ir_version, graph { node, name, initializer, input, output }, opset_import { version } } */
export function onnxModel({ op, attributes, inputs, weights, output }: Node): Uint8Array {
  const node = [
    ...inputs.flatMap(({ name }) => text(1, name)),
    ...text(2, output.name),
    ...text(4, op),
    ...Object.entries(attributes).flatMap(([name, value]) => bytes(5, attribute(name, value))),
  ];
  const graph = [
    ...bytes(1, node),
    ...text(2, "bench"),
    ...inputs.flatMap((input) => {
      const data = weights[input.name];
      return data ? bytes(5, tensor(input, data)) : bytes(11, valueInfo(input));
    }),
    ...bytes(12, valueInfo(output)),
  ];
  return Uint8Array.from([...integer(1, 8), ...bytes(7, graph), ...bytes(8, integer(2, 17))]);
}
