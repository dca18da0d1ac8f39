# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""Writes the fuzzers' corpora: files that the readers are to take, named
good_..., and to refuse, named bad_..., each of which is one idea."""

import copy
import json
import pathlib
import struct
import sys
import zlib

ROOT = pathlib.Path(__file__).parent / "corpus"


def write(reader, files):
    folder = ROOT / reader
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())


def put(place, key, value):
    place[key] = value


def u32(n):
    return struct.pack("<I", n)


def u64(n):
    return struct.pack("<Q", n)


# ---- CSV


def csv():
    rows = "a,b\n1,2\n3,4\n"
    write("csv", {
        "good_plain": rows,
        "good_carriage_returns_alone": rows.replace("\n", "\r"),
        "good_all_line_ends": "a,b\r\n1,2\r3,4\n5,6",
        "good_byte_order_mark": "\ufeff" + rows,
        "good_no_last_line_end": rows[:-1],
        "good_blank_lines": "\n\n a , b\n\n\r\n 1 ,\t2\n   \n3,4\n\n",
        "good_quoted": '"a","b"\n"1","2"\n',
        "good_quoted_names": '"a,""x""\n1","b\r\nc"\n1,2\n',
        "good_missing": "a,b\n?,NaN\n,null\nNA,<NA>\n",
        "good_odd_numbers": "a,b\n+1,-.5\n1e-300,inf\n-Infinity,0001.\n",
        "good_one_column": "a\n1\n2\n",
        "good_10000_columns": ",".join(f"c{i}" for i in range(10000)) + "\n" + ",".join("1" * 10000) + "\n",
        "good_names_not_utf8": b"\xff\xfe\xfd".replace(b"\xff\xfe", b"a\xff") + b",\x80\n1,2\n",
        "good_nul_in_name": b"a\0,b\n1,2\n",
        "good_semicolons_in_names": "a;x,b\n1,2\n",
        "bad_empty": "",
        "bad_byte_order_mark_alone": "\ufeff",
        "bad_blank_lines_alone": "\n\r\n\r\n \n",
        "bad_header_alone": "a,b\n",
        "bad_utf16": rows.encode("utf-16"),
        "bad_unclosed_quote": 'a,b\n"1,2\n3,4\n',
        "bad_quote_at_the_end": 'a,b\n1,"',
        "bad_behind_a_quote": 'a,b\n"1"x,2\n',
        "bad_text": "a,b\n1,x\n",
        "bad_nul_byte": b"a,b\n1,2\0\n",
        "bad_short_row": "a,b\n1\n",
        "bad_long_row": "a,b\n1,2,3\n",
        "bad_two_names": "a,a\n1,2\n",
        "bad_numbers_for_names": "0.5,1\n1,2\n",
        "bad_20000_nameless_columns": "," * 19999 + "\n" + "," * 19999 + "\n",
        "bad_too_large_number": "a\n1e400000\nx",
        "bad_hexadecimal": "a\n0x10\n",
        "bad_thousands": 'a\n"1,000"\n',
        "bad_4000_quotes": '"' * 4001,
        "bad_other_delimiter": "a;b\n1;2\n3;4;\n",
        "good_text_after_many_numbers": "a,b\n" + "1,2\n" * 1500,
    })


# ---- ARFF


def arff():
    head = "@relation r\n@attribute a numeric\n@attribute b {x,y}\n@data\n"
    write("arff", {
        "good_dense": head + "1,x\n?,y\n",
        "good_sparse": head + "{0 1.5, 1 y}\n{}\n{1 x}\n",
        "good_comments": "% c\n" + head.replace("\n", " % c\n") + "% c\n1,x % c\n",
        "good_case": head.upper().replace("X", "x").replace("Y", "y") + "1,x\n",
        "good_quoted": "@relation 'r 1'\n@attribute 'a b' real\n@attribute \"c\\\"d\" {'x y',\"z\"}\n@data\n1,'x y'\n",
        "good_carriage_returns_alone": (head + "1,x\n").replace("\n", "\r"),
        "good_byte_order_mark": "\ufeff" + head + "1,x\n",
        "good_no_relation": "@attribute a integer\n@data\n1\n",
        "good_tabs": head.replace(" ", "\t") + "1\t,\tx\n",
        "good_same_class_twice": "@attribute b {x,x}\n@data\nx\n",
        "good_500_attributes": "".join(f"@attribute a{i} real\n" for i in range(500)) + "@data\n{499 1}\n",
        "good_empty_class": "@attribute b {,x}\n@data\nx\n",
        "bad_empty": "",
        "bad_no_data": head[:-6],
        "bad_no_rows": head,
        "bad_no_attribute": "@relation r\n@data\n1\n",
        "bad_utf16": (head + "1,x\n").encode("utf-16"),
        "bad_unknown_keyword": "@relations r\n" + head + "1,x\n",
        "bad_string": head.replace("numeric", "string") + "a,x\n",
        "bad_date": head.replace("numeric", 'date "yyyy-MM-dd"') + "2020-01-01,x\n",
        "bad_relational": head.replace("numeric", "relational") + "1,x\n",
        "bad_unclosed_classes": head.replace("}", "") + "1,x\n",
        "bad_unclosed_quote": head + "1,'x\n",
        "bad_backslash_at_the_end": head + "1,'x\\",
        "bad_unclosed_sparse": head + "{0 1\n",
        "bad_behind_sparse": head + "{0 1} 2\n",
        "bad_sparse_place_beyond": head + "{2 1}\n",
        "bad_sparse_place_negative": head + "{-1 1}\n",
        "bad_sparse_place_2_to_64": head + "{18446744073709551616 1}\n",
        "bad_sparse_place_twice": head + "{0 1,0 2}\n",
        "bad_sparse_no_value": head + "{0}\n",
        "bad_unknown_class": head + "1,z\n",
        "bad_text": head + "one,x\n",
        "bad_short_row": head + "1\n",
        "bad_long_row": head + "1,x,2\n",
        "bad_same_name": "@attribute a real\n@attribute a real\n@data\n1,2\n",
        "bad_nul_byte": head + "1\0,x\n",
        "bad_behind_type": "@attribute a numeric [0,1]\n@data\n1\n",
        "bad_nothing_behind_attribute": "@attribute\n@data\n1\n",
    })


# ---- safetensors


def safetensors():
    def file(header, data=b"", length=None):
        text = header if isinstance(header, bytes) else json.dumps(header).encode()
        return u64(len(text) if length is None else length) + text + data

    def one(dtype="F32", shape=(2, 2), offsets=(0, 16), **more):
        return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets), **more}

    pair = {"a": one(), "b": one("U8", [3], [16, 19])}
    data = bytes(range(19))
    text = json.dumps(pair).encode()
    write("safetensors", {
        "good_two": file(pair, data),
        "good_metadata": file({"__metadata__": {"format": "pt", "": "\u20ac"}, **pair}, data),
        "good_empty_object": file({}),
        "good_padded": file(text + b" " * 5, data),
        "good_scalar_and_empty": file({"a": one("I64", [], [0, 8]), "b": one("F64", [0, 5], [8, 8])}, bytes(8)),
        "good_bools": file({"a": one("BOOL", [4], [0, 4])}, b"\0\1\1\0"),
        "good_other_fields": file({"a": one(device={"x": [[1, {}], None]})}, bytes(16)),
        "good_escapes": file(b'{"\\u0041\\ud83d\\ude00\\n":' + json.dumps(one()).encode() + b"}", bytes(16)),
        "good_float8": file({"a": one("F8_E4M3", [2], [0, 2]), "b": one("F8_E8M0", [1], [2, 3])}, bytes(3)),
        "bad_empty": b"",
        "bad_seven_bytes": b"\x02\0\0\0\0\0\0",
        "bad_length_alone": u64(100),
        "bad_header_of_2_to_63": file(pair, data, 1 << 63),
        "bad_header_of_2_to_64": file(pair, data, (1 << 64) - 1),
        "bad_header_cut": file(pair, data)[:60],
        "bad_data_cut": file(pair, data[:-1]),
        "bad_data_left_over": file(pair, data + b"x"),
        "bad_header_is_a_list": file(b"[]"),
        "bad_blank_before": file(b" " + text, data),
        "bad_byte_order_mark": file(b"\xef\xbb\xbf" + text, data),
        "bad_nul_bytes_behind": file(text + b"\0\0\0", data),
        "bad_two_objects": file(text + text, data),
        "bad_not_utf8": file(text.replace(b'"a"', b'"\xff"'), data),
        "bad_lone_surrogate": file(text.replace(b'"a"', b'"\\ud800"'), data),
        "bad_name_twice": file(text.replace(b'"b"', b'"a"'), data),
        "bad_field_twice": file(text.replace(b'"shape"', b'"shape": [1], "shape"'), data),
        "bad_metadata_number": file({"__metadata__": {"a": 1}, **pair}, data),
        "bad_no_shape": file({"a": {"dtype": "F32", "data_offsets": [0, 4]}}, bytes(4)),
        "bad_dtype": file({"a": one("F4")}, bytes(16)),
        "bad_offsets_beyond": file({"a": one(offsets=[0, 1 << 62])}, bytes(16)),
        "bad_offsets_backwards": file({"a": one(offsets=[16, 0])}, bytes(16)),
        "bad_offsets_three": file({"a": one(offsets=[0, 8, 16])}, bytes(16)),
        "bad_overlap": file({"a": one(), "b": one()}, bytes(16)),
        "bad_hole": file({"a": one(), "b": one(offsets=[20, 36])}, bytes(36)),
        "bad_shape_too_large": file({"a": one(shape=[1 << 32, 1 << 32, 16])}, bytes(16)),
        "bad_shape_wraps_to_16_bytes": file({"a": one(shape=[(1 << 62) + 4])}, bytes(16)),
        "bad_shape_negative": file({"a": one(shape=[-2, -2])}, bytes(16)),
        "bad_shape_fraction": file({"a": one(shape=[2.0, 2])}, bytes(16)),
        "bad_shape_empty_but_huge": file({"a": one("U8", [0] + [1 << 62] * 3, [0, 1])}, bytes(1)),
        "bad_number_of_1000_digits": file(text.replace(b"19", b"1" * 1000), data),
        "bad_bool_of_2": file({"a": one("BOOL", [2], [0, 2])}, b"\1\2"),
        "bad_3000_deep": file(b'{"a":' + b"[" * 3000 + b"]" * 3000 + b"}"),
    })


# ---- Checkpoints of fit


def crc32c(data):
    sum = 0xFFFFFFFF
    for byte in data:
        sum ^= byte
        for _ in range(8):
            sum = sum >> 1 ^ (0x82F63B78 if sum & 1 else 0)
    return sum ^ 0xFFFFFFFF


def checkpoint():
    header = json.dumps({
        "__metadata__": {"format": "pt"},
        "w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
        "polytask.training": {"dtype": "U8", "shape": [4], "data_offsets": [8, 12]},
        "polytask.checksum": {"dtype": "U8", "shape": [4], "data_offsets": [12, 16]}}).encode()
    body = u64(len(header)) + header + bytes(range(12))
    whole = body + u32(crc32c(body))
    flipped = lambda at, bit=1: bytes(b ^ bit if i == at % len(whole) else b for i, b in enumerate(whole))
    write("checkpoint", {
        "good_whole": whole,
        "good_one_byte": b"x" + u32(crc32c(b"x")),
        "good_no_header": bytes(100) + u32(crc32c(bytes(100))),
        "good_checksum_of_a_checksum": whole + u32(crc32c(whole)),
        "good_checkpoint_in_a_checkpoint": whole * 2 + u32(crc32c(whole * 2)),
        "good_9000_bytes": b"ab" * 4500 + u32(crc32c(b"ab" * 4500)),
        "bad_empty": b"",
        "bad_one_byte": b"x",
        "bad_four_bytes": bytes(4),
        "bad_five_bytes": bytes(5),
        "bad_1000_zeros": bytes(1000),
        "bad_1000_bytes_of_ones": b"\xff" * 1000,
        "bad_no_checksum": body,
        "bad_cut_by_one": whole[:-1],
        "bad_cut_by_four": whole[:-4],
        "bad_half": whole[: len(whole) // 2],
        "bad_first_byte_missing": whole[1:],
        "bad_byte_behind": whole + b"\0",
        "bad_byte_before": b"\0" + whole,
        "bad_first_bit": flipped(0),
        "bad_last_bit": flipped(-1, 128),
        "bad_bit_of_the_length": flipped(7, 64),
        "bad_bit_of_the_header": flipped(20),
        "bad_bit_of_the_data": flipped(-10),
        "bad_two_bytes_exchanged": whole[:30] + whole[31:29:-1] + whole[32:],
        "bad_checksum_of_zero": body + u32(0),
        "bad_checksum_inverted": body + u32(crc32c(body) ^ 0xFFFFFFFF),
        "bad_checksum_big_endian": body + struct.pack(">I", crc32c(body)),
        "bad_checksum_of_zlib": body + u32(zlib.crc32(body)),
        "bad_checksum_of_itself_too": body + u32(crc32c(body + u32(crc32c(body)))),
        "bad_older_format": b"PK\3\4" + bytes(60) + b"polytaskfit1" + u32(crc32c(b"PK\3\4" + bytes(60))) + u64(64),
        "bad_text": "not a checkpoint\n",
        "bad_byte_order_mark": b"\xef\xbb\xbf" + whole,
        "bad_twice": whole * 2,
    })


# ---- Python's pickles


def put_text(text):
    text = text if isinstance(text, bytes) else text.encode()
    return b"X" + u32(len(text)) + text


def named(module, name):
    return b"c" + module.encode() + b"\n" + name.encode() + b"\n"


def integer(n):
    size = (n.bit_length() + 8) // 8
    return b"\x8a" + bytes([size]) + n.to_bytes(size, "little", signed=True)


def storage(kind="FloatStorage", key="0", count=16):
    return (b"(" + put_text("storage") + named("torch", kind) + put_text(key) + put_text("cpu") +
            integer(count) + b"tQ")


def tensor(offset=0, sizes=(2, 3), strides=(3, 1), of=None, more=b""):
    numbers = lambda all: b"(" + b"".join(integer(n) for n in all) + b"t"
    return (named("torch._utils", "_rebuild_tensor_v2") + b"(" + (of or storage()) + integer(offset) +
            numbers(sizes) + numbers(strides) + b"\x89" + named("collections", "OrderedDict") + b")R" +
            more + b"tR")


def pickled(body):
    return b"\x80\x02" + body + b"."


def pickles():
    weights = b"}(" + put_text("w") + tensor() + put_text("n") + integer(-5) + b"u"
    doubled = b"]q\0" + b"".join(bytes([ord("h"), i, 0x86, ord("q"), i + 1]) for i in range(100))
    return {
        "good_weights": pickled(weights),
        "good_protocol_4": b"\x80\x04\x95" + u64(9) + b"}\x94\x8c\x01a\x94K\x01s.",
        "good_every_value": pickled(b"](N\x88\x89" + integer(1 << 40) + b"K\xffM\xff\xffJ" + u32(1 << 31) + b"G" +
                                    struct.pack(">d", 0.5) + put_text("\u20ac") + b")K\1\x85e"),
        "good_ordered_dict": pickled(named("collections", "OrderedDict") + b")R" + put_text("a") + b"K\1s" +
                                     b"}" + put_text("_metadata") + b"Nsb"),
        "good_dtype_and_device": pickled(named("torch", "float16") + named("torch", "device") + put_text("cpu") + b"\x85R\x86"),
        "good_parameter": pickled(named("torch._utils", "_rebuild_parameter") + tensor() + b"\x88" +
                                  named("collections", "OrderedDict") + b")R\x87R"),
        "good_overlapping_views": pickled(tensor(0, (4, 4), (1, 1)) + tensor(12, (4,), (0,)) + b"\x86"),
        "good_empty_tensor": pickled(tensor(16, (0, 1 << 40), (1, 1))),
        "good_expanded_to_2_to_40": pickled(tensor(0, (1 << 40,), (0,))),
        "good_negative_and_conjugate": pickled(tensor(0, (2,), (1,), storage("ComplexFloatStorage", count=2), b"}" + put_text("conj") + b"\x88s")),
        "good_counter_and_size": pickled(named("collections", "Counter") + b"}K\1K\2s\x85R" +
                                         named("torch", "Size") + b"K\1K\2\x86\x85R\x86"),
        "good_typed_tensor": pickled(named("torch._utils", "_rebuild_tensor_v3") + b"(" +
                                     storage("UntypedStorage", count=64).replace(b"ctorch\n", b"ctorch.storage\n") +
                                     b"K\1K\3\x85K\2\x85\x89" + named("collections", "OrderedDict") + b")R" +
                                     named("torch", "uint16") + b"tR"),
        "good_100_deep": pickled(b"]" * 100 + b"a" * 99),
        "bad_empty": b"",
        "bad_stop_alone": b".",
        "bad_no_stop": pickled(weights)[:-1],
        "bad_os_system": pickled(named("os", "system") + put_text("true") + b"\x85R"),
        "bad_eval_by_stack": b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.",
        "bad_torch_load": pickled(named("torch", "load") + put_text("/etc/passwd") + b"\x85R"),
        "bad_global_without_end": b"\x80\x02cos\nsystem",
        "bad_function_left": pickled(named("collections", "OrderedDict")),
        "bad_storage_left": pickled(storage()),
        "bad_list_in_itself": pickled(b"]q\0h\0a"),
        "bad_dict_in_itself_by_tuple": pickled(b"}q\0K\1h\0\x85s"),
        "bad_300_deep": pickled(b"]" * 300 + b"a" * 299),
        "good_2_to_100_lists": pickled(doubled),
        "bad_list_as_key": pickled(b"}]K\1s"),
        "bad_key_without_value": pickled(b"}(K\1u"),
        "bad_append_to_number": pickled(b"K\1K\2a"),
        "bad_memo_missing": pickled(b"h\5"),
        "bad_no_mark": pickled(b"K\1t"),
        "bad_text_of_4_gib": pickled(b"X\xff\xff\xff\xffab"),
        "bad_text_of_2_to_63": b"\x80\x04\x8d" + u64(1 << 63) + b"ab.",
        "bad_text_not_utf8": pickled(put_text(b"\xc0\x80")),
        "bad_long_of_200_bytes": pickled(b"\x8a\xc8" + b"\xff" * 200),
        "bad_tensor_beyond": pickled(tensor(11)),
        "bad_tensor_offset_2_to_62": pickled(tensor(1 << 62)),
        "bad_tensor_offset_negative": pickled(tensor(-1)),
        "bad_tensor_stride_negative": pickled(tensor(0, (2,), (-1,))),
        "bad_tensor_strides_wrap": pickled(tensor(0, (1 << 32, 2), (1 << 32, 1))),
        "bad_tensor_bytes_wrap": pickled(tensor(0, (1 << 62,), (0,))),
        "bad_tensor_strides_missing": pickled(tensor(0, (2, 2), (1,))),
        "bad_tensor_70_dims": pickled(tensor(0, (1,) * 70, (1,) * 70)),
        "bad_storage_too_long": pickled(tensor(of=storage(count=17))),
        "bad_storage_negative": pickled(tensor(of=storage(count=-1))),
        "bad_storage_elsewhere": pickled(tensor(of=storage(key="../../../etc/passwd"))),
        "bad_storage_unknown_class": pickled(tensor(of=storage("ListStorage"))),
        "bad_device": pickled(named("torch", "device") + put_text("cpu:-7") + b"\x85R"),
        "bad_protocol_1": b"\x80\x01N.",
        "bad_two_values": pickled(b"NN"),
        "bad_3000_marks": b"\x80\x02" + b"(" * 3000 + b"N" + b"t" * 3000 + b".",
    }


# ---- Zip archives


def zipped(records, *, method=0, flags=0, end=None, comment=b""):
    """Each record (name, data) or (name, data, what the directory says else)."""
    body, directory = b"", b""
    for name, data, *else_said in records:
        said = {"name": name, "size": len(data), "original": len(data), "begin": len(body), **(else_said[0] if else_said else {})}
        name = name.encode()
        other = said["name"].encode()
        body += b"PK\3\4" + struct.pack("<HHHIIIIHH", 20, flags, method, 0, 0, len(data), len(data), len(name), 0) + name + data
        directory += (b"PK\1\2" + struct.pack("<HHHHIIIIHHHHHII", 20, 20, flags, method, 0, 0, said["size"] & 0xffffffff,
                      said["original"] & 0xffffffff, len(other), len(said.get("extra", b"")), 0, 0, 0, 0, said["begin"] & 0xffffffff)
                      + other + said.get("extra", b""))
    where = {"count": len(records), "size": len(directory), "begin": len(body), **(end or {})}
    return body + directory + where.get("between", b"") + b"PK\5\6" + struct.pack(
        "<HHHHIIH", 0, 0, where["count"], where["count"], where["size"], where["begin"], len(comment)) + comment


def python_file():
    weights = pickles()["good_weights"]
    numbers = struct.pack("<16f", *range(16))
    usual = [("a/data.pkl", weights), ("a/byteorder", b"little"), ("a/data/0", numbers), ("a/version", b"3\n")]

    def said(index, **what):
        records = list(usual)
        records[index] = (*records[index][:2], what)
        return zipped(records)

    whole = zipped(usual)
    end = len(whole) - 22
    body = whole[:end]
    begin, = struct.unpack("<I", whole[-6:-2])
    size = end - begin

    def zip64(count=4, size=size, begin=begin, at=None):
        record = b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, count, count, size, begin)
        locator = b"PK\6\7" + struct.pack("<IQI", 0, len(body) if at is None else at, 1)
        return body + record + locator + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 65535, 65535, 2**32 - 1, 2**32 - 1, 0)

    write("python_file", {
        "good_usual": whole,
        "good_zip64": zip64(),
        "good_comment": zipped(usual, comment=b"PK\5\6 is the end"),
        "good_size_in_extra_field": said(2, size=2**32 - 1, original=2**32 - 1, extra=struct.pack("<HHQQ", 1, 16, 64, 64)),
        "good_no_folder": zipped([(name[2:], data) for name, data in usual]),
        "good_other_records": zipped(usual + [("../../etc/passwd", b"x"), ("b/data.pkl", b"x")]),
        "bad_empty": b"",
        "bad_end_alone": b"PK\5\6" + bytes(18),
        "bad_cut": whole[:-1],
        "bad_half": whole[: len(whole) // 2],
        "bad_behind": whole + b"x",
        "bad_tar": (b"\0" * 257 + b"ustar").ljust(512, b"\0"),
        "bad_before_1_6": b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.",
        "bad_pickle_alone": weights,
        "bad_big_endian": zipped([usual[0], ("a/byteorder", b"big"), usual[2]]),
        "bad_no_pickle": zipped(usual[1:]),
        "bad_no_storage": zipped([usual[0]]),
        "bad_short_storage": zipped([usual[0], ("a/data/0", numbers[:-1])]),
        "bad_name_twice": zipped(usual + [usual[0]]),
        "bad_torchscript": zipped(usual + [("a/constants.pkl", b"")]),
        "bad_exported_program": zipped([("a/archive_format", b"pt2")] + usual),
        "bad_compressed_bomb": zipped([("a/data.pkl", weights, {"original": 1 << 31})], method=8),
        "bad_stored_bomb": said(0, original=1 << 31),
        "bad_size_2_to_32": said(2, size=2**32 - 2, original=2**32 - 2),
        "bad_size_2_to_63": said(2, size=2**32 - 1, original=2**32 - 1, extra=struct.pack("<HHQQ", 1, 16, 1 << 63, 1 << 63)),
        "bad_extra_field_cut": said(2, size=2**32 - 1, original=2**32 - 1, extra=struct.pack("<HHI", 1, 16, 64)),
        "bad_encrypted": zipped(usual, flags=1),
        "bad_begin_beyond": said(0, begin=1 << 30),
        "bad_begin_in_extra_field_beyond": said(0, begin=2**32 - 1, extra=struct.pack("<HHQ", 1, 8, (1 << 64) - 8)),
        "bad_same_bytes_twice": said(2, begin=0, name="a/data.pkl"),
        "bad_other_name_in_the_header": said(2, name="a/data/1"),
        "bad_count_too_large": zipped(usual, end={"count": 65535}),
        "bad_count_of_0": zipped(usual, end={"count": 0}),
        "bad_directory_beyond": zipped(usual, end={"begin": 2**32 - 2}),
        "bad_directory_too_large": zipped(usual, end={"size": 2**32 - 2}),
        "bad_zip64_elsewhere": zip64(at=1 << 63),
        "bad_zip64_count_2_to_63": zip64(count=1 << 63),
        "bad_zip64_size_2_to_64": zip64(size=(1 << 64) - 1),
        "bad_zip64_begin_2_to_64": zip64(begin=(1 << 64) - 1),
        "bad_zip64_finds_itself": zip64(at=len(body) + 56),
        "bad_300_empty_records": zipped([(f"a/{i}", b"") for i in range(300)]),
        "bad_name_with_nul": zipped([("a/data.pkl\0", weights), *usual[1:]]),
    })


# ---- Exported programs


def exported_program():
    named_tensor = lambda name: {"as_tensor": {"name": name}}

    def program(nodes, output, *, sizes=(-1, 5), weights=("first.weight", "first.bias")):
        size = lambda n: {"as_int": n} if n >= 0 else {"as_expr": {
            "expr_str": "Symbol('s0', positive=True, integer=True)", "hint": {"as_int": 4}}}
        return {
            "graph_module": {
                "graph": {
                    "inputs": [], "outputs": [], "nodes": nodes,
                    "tensor_values": {"x": {"dtype": 7, "sizes": [size(n) for n in sizes], "requires_grad": False}},
                    "sym_int_values": {}, "sym_bool_values": {}},
                "signature": {
                    "input_specs": [{"parameter": {"arg": {"name": w}, "parameter_name": w}} for w in weights] +
                                   [{"user_input": {"arg": named_tensor("x")}}],
                    "output_specs": [{"user_output": {"arg": named_tensor(output)}}]},
                "module_call_graph": []},
            "opset_version": {"aten": 10},
            "range_constraints": {"s0": {"min_val": 1, "max_val": None}},
            "schema_version": {"major": 8, "minor": 14}}

    def node(target, result, **arguments):
        return {
            "target": target if target.startswith(("torch.", "_operator.", "os.")) else "torch.ops.aten." + target,
            "inputs": [{"name": n, "arg": named_tensor(v) if isinstance(v, str) else v, "kind": 1} for n, v in arguments.items()],
            "outputs": [named_tensor(result) if isinstance(result, str) else result],
            "metadata": {}, "is_hop_single_tensor_return": None}

    linear = node("linear.default", "y", input="x", weight="first.weight", bias="first.bias")
    net = program([linear, node("relu.default", "z", self="y")], "z")

    def changed(change):
        other = copy.deepcopy(net)
        change(other, other["graph_module"]["graph"], other["graph_module"]["signature"])
        return json.dumps(other)

    def with_node(*new, output="z"):
        return json.dumps(program([linear, *new], output))

    text = json.dumps(net)
    ints = lambda *n: {"as_ints": list(n)}
    count = lambda n: {"as_int": n}
    symbol = lambda name: {"as_sym_int": {"as_name": name}}
    write("exported_program", {
        "good_linear": text,
        "good_symbols": with_node(
            node("sym_size.int", symbol("n"), self="x", dim=count(0)),
            node("_operator.mul", symbol("m"), a=symbol("n"), b=count(3)),
            node("mul.Tensor", "z", self="y", other=symbol("m"))),
        "good_list_of_tensors": with_node(
            {**node("split.Tensor", "", self="y", split_size=count(4), dim=count(1)),
             "outputs": [{"as_tensors": [{"name": "a"}, {"name": "b"}]}]},
            node("cat.default", "z", tensors={"as_tensors": [{"name": "b"}, {"name": "a"}]}, dim=count(1))),
        "good_dropout": with_node(node("dropout.default", "z", input="y", p={"as_float": 0.5}, train={"as_bool": True})),
        "good_zeros_of_2_to_50": with_node(node(
            "zeros.default", "z", size=ints(1 << 25, 1 << 25), dtype={"as_scalar_type": 7}, device={"as_device": {"type": "cpu", "index": None}},
            pin_memory={"as_bool": False})),
        "good_index_beyond": with_node(node("select.int", "z", self="y", dim=count(1), index=count(1 << 40))),
        "good_division_by_zero": with_node(
            node("sym_size.int", symbol("n"), self="x", dim=count(0)),
            node("_operator.floordiv", symbol("m"), a=symbol("n"), b=count(0)),
            node("mul.Tensor", "z", self="y", other=symbol("m"))),
        "good_view_of_minus_1": with_node(node("view.default", "z", self="y", size=ints(-1, 0))),
        "good_as_strided_beyond": with_node(node(
            "as_strided.default", "z", self="y", size=ints(1 << 40), stride=ints(1 << 20), storage_offset=count(1 << 40))),
        "good_range_without_end": text.replace('"max_val": null', '"max_val": -1'),
        "good_100_nodes": json.dumps(program(
            [linear] + [node("neg.default", f"n{i}", self=f"n{i - 1}" if i else "y") for i in range(100)], "n99")),
        "bad_empty": "",
        "bad_null": "null",
        "bad_cut": text[:-1],
        "bad_behind": text + "x",
        "bad_list": "[" + text + "]",
        "bad_byte_order_mark_twice": "\ufeff\ufeff" + text,
        "bad_nul_byte": text.encode().replace(b"relu", b"re\0lu"),
        "bad_not_utf8": text.encode().replace(b"relu", b"re\xfflu"),
        "bad_4000_deep": '{"graph_module":' + "[" * 4000 + "]" * 4000 + "}",
        "bad_schema_9": changed(lambda p, g, s: put(p["schema_version"], "major", 9)),
        "bad_schema_missing": changed(lambda p, g, s: p.pop("schema_version")),
        "bad_schema_text": changed(lambda p, g, s: put(p["schema_version"], "major", "8")),
        "good_no_graph_is_an_empty_program": changed(lambda p, g, s: p.pop("graph_module")),
        "bad_nodes_are_an_object": changed(lambda p, g, s: put(g, "nodes", {})),
        "bad_output_unknown": changed(lambda p, g, s: put(s["output_specs"][0]["user_output"], "arg", named_tensor("?"))),
        "bad_value_before_it_is_made": changed(lambda p, g, s: g["nodes"].reverse()),
        "bad_value_twice": changed(lambda p, g, s: g["nodes"].append(g["nodes"][-1])),
        "bad_weight_unknown": text.replace('"first.bias"', '"first.other"'),
        "bad_weight_with_dots": text.replace('"first.bias"', '".."'),
        "bad_weight_100_deep": text.replace('"first.bias"', '"' + "a." * 100 + 'b"'),
        "bad_tensor_within_a_weight": text.replace('"first.bias"', '"first.weight.x"'),
        "bad_input_unsaid": changed(lambda p, g, s: g["tensor_values"].clear()),
        "bad_input_of_objects": changed(lambda p, g, s: put(s["input_specs"][-1]["user_input"], "arg", {
            "as_custom_obj": {"name": "x", "class_fqn": "os.system"}})),
        "bad_argument_kind": changed(lambda p, g, s: put(g["nodes"][1]["inputs"][0], "arg", {"as_other": 1})),
        "bad_argument_twice": changed(lambda p, g, s: g["nodes"][1]["inputs"].append(g["nodes"][1]["inputs"][0])),
        "bad_argument_unknown": changed(lambda p, g, s: put(g["nodes"][1]["inputs"][0], "name", "other")),
        "good_number_for_a_tensor": changed(lambda p, g, s: put(g["nodes"][1]["inputs"][0], "arg", count(1))),
        "bad_text_for_a_tensor": changed(lambda p, g, s: put(g["nodes"][1]["inputs"][0], "arg", {"as_string": "y"})),
        "bad_results_two": changed(lambda p, g, s: g["nodes"][1]["outputs"].append(named_tensor("w"))),
        "bad_int_of_2_to_64": with_node(node("select.int", "z", self="y", dim=count(1), index=count(1 << 64))),
        "bad_from_file": with_node(node("from_file.default", "z", filename={"as_string": "/etc/passwd"})),
        "bad_set": with_node(node("set_.source_Tensor", "z", self="y", source="x")),
        "bad_resize": with_node(node("resize_.default", "z", self="y", size=ints(1 << 30))),
        "bad_of_another_library": with_node(node("torch.ops.mylib.run.default", "z", self="y")),
        "bad_python_function": with_node(node("os.system", "z", command={"as_string": "true"})),
        "bad_cond": with_node(node("torch.ops.higher_order.cond", "z", pred="y")),
        "bad_out_variant": with_node(node("add.out", "z", self="y", other="y", out="x")),
        "bad_target_of_dots": with_node(node("torch.ops.aten....", "z", self="y")),
        "bad_int_as_tensor": changed(lambda p, g, s: put(g["nodes"][1], "outputs", [symbol("z")])),
    })


# ---- Files for inference: what they say of the model


def inference():
    def linear(rows, columns):
        return {"class": "Linear", "args": {"in_features": rows, "out_features": columns, "bias": True}}

    def sequential(*layers):
        return {"class": "Sequential", "layers": [[str(i), layer] for i, layer in enumerate(layers)]}

    def coding(name, *categories, of_numbers=False):
        return {"column": name, "categories": list(categories), "of_numbers": of_numbers, "has_missing": False}

    relu = {"class": "ReLU", "args": {}}
    good = {
        "version": 1, "polytask": "0.1.0",
        "tasks": [{"name": "rent", "unit": "EUR"}, {"name": "kind", "unit": ""}],
        "preparation": {
            "version": 1,
            "numbers": [{"column": "area", "mean": 40.5, "scale": 12.25, "indicator": True}], "clip": 3.0,
            "one_hot": [coding("city", "Graz", "Linz")], "ids": [],
            "targets": [{"column": "rent", "kind": "number", "mean": 1.0, "scale": 2.0},
                        {**coding("kind", "flat", "house"), "kind": "class"}],
            "ignore_unknown_classes": False},
        "networks": {
            "trunk": sequential(linear(4, 8), relu, {"class": "Residual", "layers": [["inner", sequential(
                linear(8, 8), {"class": "Tanh", "args": {}})]]}),
            "heads": {"rent": linear(8, 1), "kind": linear(8, 2)}}}

    def changed(change):
        other = copy.deepcopy(good)
        change(other, other["networks"]["heads"], other["preparation"])
        return json.dumps(other)

    def with_trunk(trunk):
        return changed(lambda all, heads, preparation: put(all["networks"], "trunk", trunk))

    def with_head(**args):
        return changed(lambda all, heads, preparation: heads["rent"]["args"].update(args))

    def residuals(depth):
        layer = linear(8, 8)
        for _ in range(depth):
            layer = {"class": "Residual", "layers": [["inner", layer]]}
        return layer

    def convolution(**args):
        return {"class": "Conv2d", "args": {
            "in_channels": 4, "out_channels": 4, "kernel_size": [3, 3], "stride": [1, 1], "padding": [0, 0],
            "dilation": [1, 1], "groups": 1, "bias": True, **args}}

    write("inference", {
        "good_plain": json.dumps(good),
        "good_no_trunk": with_trunk(None),
        "good_no_preparation": changed(lambda all, heads, p: put(all, "preparation", None)),
        "good_no_networks": changed(lambda all, heads, p: put(all, "networks", None)),
        "good_convolution": with_trunk(convolution()),
        "good_90_deep": with_trunk(residuals(90)),
        "bad_empty": "",
        "bad_list": "[]",
        "bad_cut": json.dumps(good)[:-9],
        "bad_100000_deep": "[" * 100000,
        "bad_version": changed(lambda all, heads, p: put(all, "version", 2)),
        "bad_version_1e308": changed(lambda all, heads, p: put(all, "version", "x")).replace('"x"', "1e308", 1),
        "bad_version_list": changed(lambda all, heads, p: put(p, "version", "x")).replace('"x"', "[" * 900 + "]" * 900, 1),
        "bad_version_text": changed(lambda all, heads, p: put(all, "version", "1")),
        "bad_no_tasks": changed(lambda all, heads, p: all.pop("tasks")),
        "bad_task_twice": changed(lambda all, heads, p: all["tasks"].append(all["tasks"][0])),
        "bad_task_with_dot": changed(lambda all, heads, p: put(all["tasks"][0], "name", "a.b")),
        "bad_no_head": changed(lambda all, heads, p: heads.pop("rent")),
        "bad_class": with_trunk({"class": "os.system", "args": {"command": "true"}}),
        "bad_110_deep": with_trunk(residuals(110)),
        "bad_sequential_in_sequential": with_trunk(sequential(sequential(relu))),
        "bad_name_twice": with_trunk({"class": "Sequential", "layers": [["0", relu], ["0", relu]]}),
        "bad_name_with_dot": with_trunk({"class": "Sequential", "layers": [["a.b", relu]]}),
        "bad_layers_of_one": with_trunk({"class": "Sequential", "layers": [["0"]]}),
        "bad_residual_of_nothing": with_trunk({"class": "Residual", "layers": []}),
        "bad_width_huge": with_head(in_features=1 << 40),
        "bad_width_wraps": with_head(in_features=1 << 62, out_features=4),
        "bad_width_negative": with_head(in_features=-8, out_features=-8),
        "bad_width_fraction": with_head(in_features=1e300),
        "bad_bias_text": with_head(bias="yes"),
        "bad_groups_zero": with_trunk(convolution(groups=0)),
        "bad_kernel_of_three": with_trunk(convolution(kernel_size=[3, 3, 3])),
        "bad_kernel_negative": with_trunk(convolution(kernel_size=[-1000000, -1000000])),
        "bad_dropout_of_two": with_trunk({"class": "Dropout", "args": {"p": 2}}),
        "bad_norm_of_no_shape": with_trunk({"class": "LayerNorm", "args": {
            "normalized_shape": [-1], "eps": 0, "elementwise_affine": True}}),
        "bad_scale_negative": changed(lambda all, heads, p: put(p["numbers"][0], "scale", -1)),
        "bad_mean_too_large": changed(lambda all, heads, p: put(p["numbers"][0], "mean", "x")).replace('"x"', "1e999"),
        "bad_category_twice": changed(lambda all, heads, p: p["one_hot"][0]["categories"].append("Graz")),
        "bad_no_category": changed(lambda all, heads, p: put(p["one_hot"][0], "categories", [])),
        "bad_kind": changed(lambda all, heads, p: put(p["targets"][0], "kind", "ordinal")),
        "bad_no_input": changed(lambda all, heads, p: p.update(numbers=[], one_hot=[])),
        "bad_unit_number": changed(lambda all, heads, p: put(all["tasks"][0], "unit", 7)),
    })


if __name__ == "__main__":
    csv()
    arff()
    safetensors()
    inference()
    checkpoint()
    write("pickle", pickles())
    python_file()
    exported_program()
    sizes = [f.stat().st_size for f in ROOT.rglob("*") if f.is_file()]
    print(len(sizes), "files,", sum(sizes), "bytes", file=sys.stderr)
