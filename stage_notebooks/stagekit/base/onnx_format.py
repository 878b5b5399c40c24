"""Writes and reads the few messages of the ONNX format that a graph is made of, without the package `onnx`.

ONNX files are protocol buffers. Field numbers and enumerations are those of onnx.proto, IR version 8
(https://github.com/onnx/onnx/blob/main/onnx/onnx.proto); the wire format is
https://protobuf.dev/programming-guides/encoding. What is written is a serialised message.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

FLOAT, UINT8, INT32 = 1, 2, 6  # TensorProto.DataType
_DATA_TYPES = {"float32": FLOAT, "uint8": UINT8, "int8": 3, "int64": 7}
_IR_VERSION = 8
_EXTERNAL = 1  # TensorProto.DataLocation
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types
_Value = int | float | str | bytes
Attribute = int | float | str


def node(
    operator: str, inputs: Sequence[str], outputs: Sequence[str], domain: str = "", **attributes: Attribute
) -> bytes:
    """Return a NodeProto; attributes are of type INT, FLOAT or STRING."""
    packed = [_attribute(name, value) for name, value in attributes.items()]
    return message({1: inputs, 2: outputs, 4: operator, 5: packed, 7: domain})


def value_info(name: str, data_type: int, dimensions: Sequence[int | str]) -> bytes:
    """Return a ValueInfoProto of a tensor; a dimension given by a word is dynamic."""
    sizes = [message({2 if isinstance(size, str) else 1: size}) for size in dimensions]
    tensor_type = message({1: data_type, 2: message({1: sizes})})
    return message({1: name, 2: message({1: tensor_type})})


def external_tensor(
    name: str, shape: Sequence[int], file: str, offset: int, length: int, dtype: object = "float32"
) -> bytes:
    """Return a TensorProto of values that lie in `file`, `length` bytes from `offset` on."""
    place = {"location": file, "offset": str(offset), "length": str(length)}
    entries = [message({1: key, 2: value}) for key, value in place.items()]
    return message({1: shape, 2: _DATA_TYPES[str(dtype)], 8: name, 13: entries, 14: _EXTERNAL})


def tensor(name: str, values: NDArray[Any]) -> bytes:
    """Return a TensorProto of an array of float32, uint8, int8 or int64."""
    raw = values.astype(values.dtype.newbyteorder("<")).tobytes()
    return message({1: values.shape, 2: _DATA_TYPES[str(values.dtype)], 8: name, 9: raw})


def model(
    nodes: Sequence[bytes],
    initializers: Sequence[bytes],
    inputs: Sequence[bytes],
    outputs: Sequence[bytes],
    operator_sets: Mapping[str, int],
) -> bytes:
    """Return a ModelProto of one graph; `operator_sets` holds the version of each operator domain."""
    graph = message({1: nodes, 2: "graph", 5: initializers, 11: inputs, 12: outputs})
    versions = [message({1: domain, 2: version}) for domain, version in operator_sets.items()]
    return message({1: _IR_VERSION, 7: graph, 8: versions})


def fields(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield number, content and the whole bytes of each field of a message.

    The content of a field that holds a number is left empty.
    """
    at = 0
    while at < len(data):
        begin = at
        key, at = _read_varint(data, at)
        content = b""
        if key & 7 == _BYTES:
            length, at = _read_varint(data, at)
            content = data[at : at + length]
            at += length
        elif key & 7 == _VARINT:
            _, at = _read_varint(data, at)
        else:
            at += {_FIXED64: 8, _FIXED32: 4}[key & 7]
        yield key >> 3, content, data[begin:at]


def _attribute(name: str, value: Attribute) -> bytes:
    number, kind = {float: (2, 1), int: (3, 2), str: (4, 3)}[type(value)]
    return message({1: name, number: value, 20: kind})


def message(fields: Mapping[int, _Value | Sequence[_Value]]) -> bytes:
    """Return a message; by field number a value (integer, float, text, message) or several."""
    packed = b""
    for number, given in fields.items():
        values = [given] if isinstance(given, int | float | str | bytes) else given
        packed += b"".join(_field(number, value) for value in values)
    return packed


def _field(number: int, value: _Value) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    if isinstance(value, float):
        return _varint(number << 3 | 5) + struct.pack("<f", value)
    raw = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(raw)) + raw


def _varint(value: int) -> bytes:
    packed = bytearray()
    while value > 127:
        packed.append(value & 127 | 128)
        value >>= 7
    return bytes([*packed, value])


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
